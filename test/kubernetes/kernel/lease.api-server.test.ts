// Election on real Leases: what the API server accepts, who leads, and what a leader that is cut off may still do.
import { systemClock } from '../../../engine/clock.ts';
import { LeaderElector, type Leadership } from '../../../src/kube/leader/elector.ts';
import { LEASES, type Lease } from '../../../src/kube/leader/lease.ts';
import { until } from '../../harness/until.ts';
import { CONFIG_MAPS, ref, startFixture, type Fixture } from './fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
}, 600_000);

afterAll(async () => fixture.stop(), 60_000);

interface Candidate {
  leadership: Leadership | null;
  stop: AbortController;
  ended: Promise<'stopped' | 'lost'>;
  troubles: unknown[];
}

async function candidate(identity: string, lease: string): Promise<Candidate> {
  const self: Candidate = {
    leadership: null,
    stop: new AbortController(),
    ended: Promise.resolve('stopped'),
    troubles: [],
  };
  const elector = new LeaderElector({
    client: await fixture.newClient(),
    lease: ref(lease),
    identity,
    clock: systemClock,
    random: Math.random,
    // A fifth of the defaults.
    leaseDurationMs: 3_000,
    renewDeadlineMs: 2_000,
    retryPeriodMs: 400,
    onTrouble: (error) => self.troubles.push(error),
  });
  self.ended = elector.run(self.stop.signal, async (leadership) => {
    self.leadership = leadership;
    const over = AbortSignal.any([self.stop.signal, leadership.fence.signal]);
    await new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }));
  });
  return self;
}

const leads = ({ leadership }: Candidate): boolean => (leadership?.fence.remaining() ?? 0) > 0;
const leaseOf = (name: string): Promise<Lease> => fixture.client.get(LEASES, ref(name));

test('the API server takes our Leases; one leads, gives it back when it stops, and the next one leads at once', async () => {
  const a = await candidate('a', 'handover');
  await until('a leads', () => leads(a), { seconds: 10 });
  const b = await candidate('b', 'handover');
  await until(
    'it was renewed',
    async () => (await leaseOf('handover')).spec?.renewTime !== (await leaseOf('handover')).spec?.acquireTime,
    { seconds: 10 },
  );
  expect((await leaseOf('handover')).spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 3 });
  expect((await leaseOf('handover')).spec?.renewTime).toMatch(/\.\d{6}Z$/);
  expect(leads(b)).toBe(false);
  const stoppedAt = performance.now();
  a.stop.abort();
  expect(await a.ended).toBe('stopped');
  await until('b leads', () => leads(b), { seconds: 10 });
  expect(performance.now() - stoppedAt).toBeLessThan(2_500);
  expect(b.leadership!.term).toBe(a.leadership!.term + 1);
  b.stop.abort();
  await b.ended;
  expect((await leaseOf('handover')).spec?.holderIdentity ?? '').toBe('');
  expect([...a.troubles, ...b.troubles]).toEqual([]);
}, 60_000);

test('a leader whose server is away stops writing in time, and leads no more when it is back', async () => {
  const a = await candidate('a', 'away');
  await until('a leads', () => leads(a), { seconds: 10 });
  const fenced = fixture.client.fenced(a.leadership!.fence);
  await fenced.create(CONFIG_MAPS, { metadata: ref('written-by-a') });
  await fixture.plane.apiServer.kill();
  const killedAt = performance.now();
  expect(await a.ended).toBe('lost');
  expect(performance.now() - killedAt).toBeLessThan(2_500);
  await expect(fenced.create(CONFIG_MAPS, { metadata: ref('too-late') })).rejects.toMatchObject({
    code: 'LEADERSHIP_LOST',
  });
  await fixture.plane.apiServer.start();
  await expect(fenced.delete(CONFIG_MAPS, ref('written-by-a'))).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(await fixture.client.find(CONFIG_MAPS, ref('too-late'))).toBeNull();
  const b = await candidate('b', 'away');
  await until('b leads', () => leads(b), { seconds: 10 });
  expect(b.leadership!.term).toBe(1);
  b.stop.abort();
  await b.ended;
}, 90_000);

test('a leader whose event loop stood still writes nothing when it goes on', async () => {
  const a = await candidate('a', 'stalled');
  await until('a leads', () => leads(a), { seconds: 10 });
  const fenced = fixture.client.fenced(a.leadership!.fence);
  // The call begins while it leads; then nothing in this process runs for longer than its lease allows.
  const writing = fenced.create(CONFIG_MAPS, { metadata: ref('after-the-stall') });
  writing.catch(() => undefined);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  await expect(writing).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(await a.ended).toBe('lost');
  expect(await fixture.client.find(CONFIG_MAPS, ref('after-the-stall'))).toBeNull();
}, 60_000);

test('a lease that is deleted or given away by hand', async () => {
  const a = await candidate('a', 'by-hand');
  await until('a leads', () => leads(a), { seconds: 10 });
  await fixture.client.delete(LEASES, ref('by-hand'));
  await until('it is there again', async () => (await leaseOf('by-hand')).spec?.holderIdentity === 'a', {
    seconds: 10,
  });
  expect(leads(a)).toBe(true);
  await fixture.client.patch(LEASES, ref('by-hand'), { merge: { spec: { holderIdentity: 'somebody' } } });
  expect(await a.ended).toBe('lost');
}, 60_000);
