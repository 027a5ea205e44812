// Who leads, who may write, and that these two are never two processes at once.
import fc from 'fast-check';
import { KubeError } from '../errors.ts';
import { ModelServer } from '../testing/model-server.ts';
import { ModelTransport, type Fault } from '../testing/model-transport.ts';
import { clientOf, seeded } from '../testing/things.ts';
import { ProcessClock, VirtualClock } from '../testing/virtual-clock.ts';
import { microTime, sleep, type Clock } from '../time.ts';
import { LeaderElector, type Leadership } from './elector.ts';
import { LeaseFence } from './fence.ts';
import { LEASES, type Lease } from './lease.ts';

const lease = { namespace: 'default', name: 'operator' };
const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/operator';

let world: VirtualClock;
let server: ModelServer;
let faults: Map<string, Fault>;

beforeEach(() => {
  world = new VirtualClock();
  server = new ModelServer(world);
  faults = new Map();
});

interface Candidate {
  stop: AbortController;
  leadership: Leadership | null;
  ended: Promise<'stopped' | 'lost'>;
  clock: Clock;
}

/** Leads until it is to stop, or until it may not. A fault under its name hits every request of it. */
function candidate(identity: string, clock: Clock = world, latencyMs = 10): Candidate {
  const transport = new ModelTransport(server, clock, {
    random: () => 0.5,
    latencyMs,
    next: () => faults.get(identity) ?? null,
  });
  const stop = new AbortController();
  const elector = new LeaderElector({
    client: clientOf(transport, clock),
    lease,
    identity,
    clock,
    random: () => 0.5,
    onTrouble: () => undefined,
  });
  const self: Candidate = { stop, leadership: null, ended: Promise.resolve('stopped'), clock };
  self.ended = elector.run(stop.signal, async (leadership) => {
    self.leadership = leadership;
    const over = AbortSignal.any([stop.signal, leadership.fence.signal]);
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
  });
  return self;
}

const mayWrite = ({ leadership }: Candidate): boolean => (leadership?.fence.remaining() ?? 0) > 0;
const current = (): Lease => server.contents.find(({ kind }) => kind === 'Lease') as Lease;
const edit = (change: (of: Lease) => void): void => {
  const copy = structuredClone(current());
  change(copy);
  server.answer('PUT', path, JSON.stringify(copy));
};

test('one candidate leads, the other waits; the lease says who and since when, with six digits of a second', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  const b = candidate('b');
  await world.advance(60_000);
  expect([mayWrite(a), mayWrite(b)]).toEqual([true, false]);
  expect(current().spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  for (const time of [current().spec?.acquireTime, current().spec?.renewTime])
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(Date.parse(current().spec!.renewTime!)).toBeGreaterThan(world.now() - 3_000);
});

test('MicroTime has exactly six digits, whatever the moment', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 4e12, noNaN: true }), (at) => {
      expect(microTime(at)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(Math.abs(Date.parse(microTime(at)) - at)).toBeLessThan(1);
    }),
  );
});

test('a leader that stops gives the lease back, and the next one leads within a retry period and with a higher term', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  const b = candidate('b');
  await world.advance(5_000);
  a.stop.abort();
  expect(await world.until(a.ended)).toBe('stopped');
  await world.advance(2_500);
  expect(mayWrite(b)).toBe(true);
  expect(b.leadership!.term).toBeGreaterThan(a.leadership!.term);
});

test('a leader that no longer reaches the server stops writing ten seconds after its last renewal; another leads after fifteen', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  const b = candidate('b');
  await world.advance(5_000);
  faults.set('a', 'lost');
  const left = a.leadership!.fence.remaining();
  await world.advance(left - 1);
  expect([mayWrite(a), mayWrite(b)]).toEqual([true, false]);
  await world.advance(1);
  expect(mayWrite(a)).toBe(false);
  expect(await world.until(a.ended)).toBe('lost');
  await world.advance(4_000);
  expect(mayWrite(b)).toBe(false);
  await world.advance(6_000);
  expect(mayWrite(b)).toBe(true);
});

test('the time in which a leader may write counts from when it asked for the lease, not from when the answer came', async () => {
  // Two seconds there, two back.
  const a = candidate('a', world, 4_000);
  while (a.leadership === null) await world.advance(10);
  expect(a.leadership.fence.remaining()).toBeLessThanOrEqual(6_000);
  const before = a.leadership.fence.remaining();
  // The next renewal is asked for two seconds later and answered four after that.
  await world.advance(6_100);
  expect(a.leadership.fence.remaining()).toBeLessThanOrEqual(before);
});

test('renewals whose answers are lost keep the lease from others, and are no leave to write', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  const b = candidate('b');
  faults.set('a', 'reply-lost');
  await world.advance(11_000);
  expect([mayWrite(a), mayWrite(b)]).toEqual([false, false]);
});

test('a fence refuses by the clock alone: after a stalled event loop no timer has to fire first', async () => {
  const fence = new LeaseFence(world, world.monotonic() + 10_000);
  expect(() => fence.check()).not.toThrow();
  // Time passes and nothing runs.
  const stalled = new LeaseFence({ ...stuck(), monotonic: () => world.monotonic() + 10_001 }, 10_000);
  expect(stalled.signal.aborted).toBe(false);
  expect(() => stalled.check()).toThrow('this process no longer leads');
  expect(stalled.signal.aborted).toBe(true);
  stalled.extend(1_000_000);
  expect(() => stalled.check()).toThrow('no longer leads');
  fence.end();
});

const stuck = (): Clock => ({ now: () => 0, monotonic: () => 0, after: () => () => undefined, soon: () => undefined });

test('a fenced client sends no write once the lease is over, not even one that waited for its connection, and reads on', async () => {
  const sent: string[] = [];
  const transport = new ModelTransport(server, world, {
    random: () => 1,
    latencyMs: 3_000,
    next: ({ method }) => (sent.push(method), null),
  });
  let now = 0;
  const fence = new LeaseFence({ ...stuck(), monotonic: () => now }, 10_000);
  const client = clientOf(transport, world).fenced(fence);
  const waiting = client.create(LEASES, { metadata: lease });
  waiting.catch(() => undefined);
  now = 10_001;
  await expect(world.until(waiting)).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(server.contents).toEqual([]);
  await expect(world.until(client.delete(LEASES, lease))).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(sent).toEqual(['POST']);
  expect(await world.until(client.list(LEASES))).toMatchObject({ items: [] });
});

test('the lease is edited by hand: whoever leads loses at once', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  edit((of) => (of.spec!.holderIdentity = 'somebody'));
  await world.advance(2_500);
  expect(mayWrite(a)).toBe(false);
  expect(a.leadership!.fence.signal.reason).toBeInstanceOf(KubeError);
  expect(String(a.leadership!.fence.signal.reason)).toContain('somebody does');
});

test('the lease is edited by hand without a change of holder: the leader goes on', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  edit((of) => (of.metadata.labels = { looked: 'at' }));
  await world.advance(30_000);
  expect(mayWrite(a)).toBe(true);
  expect(current().metadata.labels).toEqual({ looked: 'at' });
});

test('the lease is deleted by hand: the leader makes it anew, and who waits does not take it meanwhile', async () => {
  const a = candidate('a');
  await world.advance(1_000);
  const b = candidate('b');
  await world.advance(5_000);
  server.answer('DELETE', path, undefined);
  await world.advance(30_000);
  expect([mayWrite(a), mayWrite(b)]).toEqual([true, false]);
  expect(current().spec?.holderIdentity).toBe('a');
});

test('who waits judges by its own clock: a holder whose clock is an hour off keeps the lease for as long as it renews it', async () => {
  for (const offset of [3_600_000, -3_600_000]) {
    world = new VirtualClock();
    server = new ModelServer(world);
    const a = candidate('a', new ProcessClock(world, 1, offset));
    await world.advance(1_000);
    const b = candidate('b');
    await world.advance(120_000);
    expect([mayWrite(a), mayWrite(b)]).toEqual([true, false]);
  }
});

test('durations that leave no room are refused', () => {
  const client = clientOf(
    new ModelTransport(server, world, { random: () => 0, latencyMs: 0, next: () => null }),
    world,
  );
  const make = (renewDeadlineMs: number): LeaderElector =>
    new LeaderElector({
      client,
      lease,
      identity: 'a',
      clock: world,
      random: () => 0,
      onTrouble: () => undefined,
      renewDeadlineMs,
    });
  expect(() => make(15_000)).toThrow('renewDeadlineMs < leaseDurationMs');
  expect(() => make(2_000)).toThrow('retryPeriodMs < renewDeadlineMs');
});

/**
 * Three processes whose clocks run at different speeds, that are stopped and go on, whose requests and answers are lost. Each writes as fast as it may
 * through its fence; a write takes up to a second to arrive. The order of arrival tells whether an older leader wrote after a newer one.
 */
test('never do two processes write in turns, whatever stops them, whatever is lost, however their clocks run', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('stop' as const), who: fc.nat(2), ms: fc.integer({ min: 100, max: 40_000 }) }),
    fc.record({
      do: fc.constant('fault' as const),
      who: fc.nat(2),
      fault: fc.constantFrom<Fault | null>('lost', 'reply-lost', 'refused', 503, null, null),
    }),
    fc.record({ do: fc.constant('restart' as const), who: fc.nat(2) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 10, max: 30_000 }) }),
  );
  const speed = fc.double({ min: 0.9, max: 1.1, noNaN: true });
  let leaders = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.tuple(speed, speed, speed),
      fc.nat(),
      async (steps, speeds, seed) => {
        world = new VirtualClock();
        server = new ModelServer(world);
        const random = seeded(seed);
        /** Terms in the order in which their writes arrived. */
        const arrived: number[] = [];
        const weather: (Fault | null)[] = [null, null, null];
        const ended: Promise<unknown>[] = [];
        const begin = (who: number): { clock: ProcessClock; stop: AbortController } => {
          const clock = new ProcessClock(world, speeds[who]!, (random() - 0.5) * 7_200_000);
          const stop = new AbortController();
          const transport = new ModelTransport(server, clock, { random, latencyMs: 500, next: () => weather[who]! });
          const elector = new LeaderElector({
            client: clientOf(transport, clock, random),
            lease,
            identity: `${who}-${random()}`,
            clock,
            random,
            onTrouble: () => undefined,
          });
          const write = async ({ fence, term }: Leadership): Promise<void> => {
            let lastArrives = 0;
            while (!stop.signal.aborted) {
              try {
                await sleep(clock, 50 + random() * 500, AbortSignal.any([fence.signal, stop.signal]));
                fence.check();
              } catch {
                break;
              }
              const takes = random() * 1_000;
              lastArrives = Math.max(lastArrives, world.monotonic() + takes);
              world.after(takes, () => arrived.push(term));
            }
            // Who gives its lease back has its answers, as a controller that ended in order does.
            await sleep(clock, (lastArrives - world.monotonic()) * 2);
          };
          ended.push(elector.run(stop.signal, write));
          return { clock, stop };
        };
        const processes = [begin(0), begin(1), begin(2)];
        await world.advance(5_000);
        for (const happens of steps)
          switch (happens.do) {
            case 'stop':
              processes[happens.who]!.clock.stop(happens.ms);
              break;
            case 'fault':
              weather[happens.who] = happens.fault;
              break;
            case 'restart':
              processes[happens.who]!.stop.abort();
              processes[happens.who] = begin(happens.who);
              break;
            case 'wait':
              await world.advance(happens.ms);
              break;
          }
        weather.fill(null);
        await world.advance(60_000);
        for (let i = 1; i < arrived.length; i++) expect(arrived[i]).toBeGreaterThanOrEqual(arrived[i - 1]!);
        leaders += new Set(arrived).size - 1;
        for (const { stop } of processes) stop.abort();
        await world.until(Promise.all(ended));
      },
    ),
    // Also the search for a smaller example ends in time.
    { numRuns: 100, interruptAfterTimeLimit: 60_000 },
  );
  // Else it would have proven nothing.
  expect(leaders).toBeGreaterThan(20);
}, 120_000);
