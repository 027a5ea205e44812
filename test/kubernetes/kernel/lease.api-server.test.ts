// Election on real Leases: what the API server accepts, who leads, and what a leader that is cut off may still do.
import { systemClock } from '../../../engine/clock.ts';
import { LeaderElector, type Leadership } from '../../../src/kube/leader/elector.ts';
import { LEASES, type Lease } from '../../../src/kube/leader/lease.ts';
import { until } from '../../harness/until.ts';
import { CONFIG_MAPS, ref, startFixture, type Fixture } from './fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
}, 900_000);

afterAll(async () => fixture.stop(), 240_000);

interface Candidate {
  leadership: Leadership | null;
  stop: AbortController;
  ended: Promise<'stopped' | 'lost'>;
  troubles: unknown[];
}

/** Short enough to be lost within a test. */
const SHORT = { leaseDurationMs: 9_000, renewDeadlineMs: 6_000, retryPeriodMs: 400 };
/** Too long for that: a leader changes only because somebody does something. */
const LONG = { leaseDurationMs: 600_000, renewDeadlineMs: 500_000, retryPeriodMs: 400 };

async function candidate(identity: string, lease: string, times: typeof SHORT): Promise<Candidate> {
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
    ...times,
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
  const a = await candidate('a', 'handover', LONG);
  await until('a leads', () => leads(a), { seconds: 60 });
  const b = await candidate('b', 'handover', LONG);
  await until(
    'it was renewed',
    async () => (await leaseOf('handover')).spec?.renewTime !== (await leaseOf('handover')).spec?.acquireTime,
    { seconds: 60 },
  );
  expect((await leaseOf('handover')).spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 600 });
  expect((await leaseOf('handover')).spec?.renewTime).toMatch(/\.\d{6}Z$/);
  expect(leads(b)).toBe(false);
  a.stop.abort();
  expect(await a.ended).toBe('stopped');
  await until('b leads', () => leads(b), { seconds: 60 });
  expect(b.leadership!.term).toBe(a.leadership!.term + 1);
  b.stop.abort();
  await b.ended;
  expect((await leaseOf('handover')).spec?.holderIdentity ?? '').toBe('');
  expect([...a.troubles, ...b.troubles]).toEqual([]);
}, 240_000);

test('a leader whose server is away stops writing in time, and leads no more when it is back', async () => {
  const a = await candidate('a', 'away', SHORT);
  await until('a leads', () => leads(a), { seconds: 60 });
  const fenced = fixture.client.fenced(a.leadership!.fence);
  await fenced.create(CONFIG_MAPS, { metadata: ref('written-by-a') });
  await fixture.plane.apiServer.kill();
  expect(await a.ended).toBe('lost');
  await expect(fenced.create(CONFIG_MAPS, { metadata: ref('too-late') })).rejects.toMatchObject({
    code: 'LEADERSHIP_LOST',
  });
  await fixture.plane.apiServer.start();
  await expect(fenced.delete(CONFIG_MAPS, ref('written-by-a'))).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(await fixture.client.find(CONFIG_MAPS, ref('too-late'))).toBeNull();
  const b = await candidate('b', 'away', SHORT);
  await until('b leads', () => leads(b), { seconds: 60 });
  expect(b.leadership!.term).toBe(1);
  b.stop.abort();
  await b.ended;
}, 300_000);

test('a leader whose event loop stood still writes nothing when it goes on', async () => {
  const a = await candidate('a', 'stalled', SHORT);
  await until('a leads', () => leads(a), { seconds: 60 });
  const fenced = fixture.client.fenced(a.leadership!.fence);
  // The call begins while it leads; then nothing in this process runs for longer than its lease allows.
  const writing = fenced.create(CONFIG_MAPS, { metadata: ref('after-the-stall') });
  writing.catch(() => undefined);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SHORT.renewDeadlineMs + 500);
  await expect(writing).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  expect(await a.ended).toBe('lost');
  expect(await fixture.client.find(CONFIG_MAPS, ref('after-the-stall'))).toBeNull();
}, 240_000);

test('a lease that is deleted or given away by hand', async () => {
  const a = await candidate('a', 'by-hand', LONG);
  await until('a leads', () => leads(a), { seconds: 60 });
  await fixture.client.delete(LEASES, ref('by-hand'));
  await until('it is there again', async () => (await leaseOf('by-hand')).spec?.holderIdentity === 'a', {
    seconds: 60,
  });
  expect(leads(a)).toBe(true);
  await fixture.client.patch(LEASES, ref('by-hand'), { merge: { spec: { holderIdentity: 'somebody' } } });
  expect(await a.ended).toBe('lost');
}, 240_000);
