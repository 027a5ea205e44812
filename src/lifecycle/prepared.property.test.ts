// Upgrades whose next version is started ahead, disturbed in every way and cut off anywhere: never two jobs, no state lost, and nothing is stopped for a version that
// is not up unless it is on record why it could not be.
import fc from 'fast-check';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { named, one, passes, toReplicas, toVersion, untilSeen, type Step } from './simulated-steps.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: passes },
  { weight: 4, arbitrary: one('some rounds', rounds) },
  { weight: 6, arbitrary: one('progress', (w) => w.progress()) },
  { weight: 2, arbitrary: one('checkpoint', (w) => w.checkpoint()) },
  { weight: 3, arbitrary: fc.nat(2).map((n) => named(`version ${n}`, (w) => toVersion(w, n))) },
  { weight: 1, arbitrary: fc.nat(2).map((n) => named(`${n + 1} replicas`, (w) => toReplicas(w, n + 1))) },
  { weight: 1, arbitrary: one('suspend', (w) => w.edit((s) => void (s.suspend = true))) },
  { weight: 2, arbitrary: one('resume', (w) => w.edit((s) => void (s.suspend = false))) },
  { weight: 1, arbitrary: fc.boolean().map((on) => named(`ahead ${on}`, (w) => switched(w, on))) },
  { weight: 1, arbitrary: one('no room', (w) => void (w.ahead.noRoom = 'exceeded quota -> raise it')) },
  { weight: 2, arbitrary: one('room', (w) => void (w.ahead.noRoom = null)) },
  { weight: 1, arbitrary: one('no node', (w) => void (w.ahead.trouble = 'no node fits -> add one')) },
  { weight: 2, arbitrary: one('nodes', (w) => void (w.ahead.trouble = null)) },
  { weight: 1, arbitrary: one('deaf', (w) => void (w.ahead.deaf = true)) },
  { weight: 2, arbitrary: one('hears', (w) => void (w.ahead.deaf = false)) },
  { weight: 1, arbitrary: one('no slots', (w) => void (w.ahead.alone = true)) },
  { weight: 2, arbitrary: one('slots', (w) => void (w.ahead.alone = false)) },
  { weight: 1, arbitrary: one('plan unknown', (w) => void (w.ahead.plan = 'Unknown')) },
  { weight: 1, arbitrary: one('plan invalid', (w) => void (w.ahead.plan = { invalid: 'no such table' })) },
  { weight: 3, arbitrary: one('plan good', (w) => void (w.ahead.plan = 'Good')) },
  { weight: 1, arbitrary: one('kill JobManager', (w) => w.kill('JobManager')) },
  { weight: 1, arbitrary: one('kill TaskManager', (w) => w.kill('TaskManager')) },
  { weight: 1, arbitrary: one('kill newest JobManager', (w) => w.killNewest('JobManager')) },
  { weight: 1, arbitrary: one('kill newest TaskManager', (w) => w.killNewest('TaskManager')) },
  { weight: 1, arbitrary: one('die while stopping', (w) => w.dieWhileStopping()) },
  { weight: 1, arbitrary: one('operations fail', (w) => w.failOperations()) },
  { weight: 1, arbitrary: one('job fails', (w) => w.end('FAILED', null)) },
  { weight: 2, arbitrary: fc.boolean().map((forgets) => named(`lead lost ${forgets}`, (w) => leadLost(w, forgets))) },
  { weight: 2, arbitrary: one('lead again', (w) => w.leadAgain()) },
  { weight: 1, arbitrary: one('silent', (w) => void (w.silent = true)) },
  { weight: 2, arbitrary: one('answers', (w) => void (w.silent = false)) },
  { weight: 1, arbitrary: one('image missing', (w) => void (w.newImages = { trouble: 'no such image -> mend' })) },
  { weight: 2, arbitrary: one('image there', (w) => void (w.newImages = null)) },
  { weight: 3, arbitrary: one('time passes', (w) => void (w.now += 10_000)) },
);

function rounds(world: World): void {
  for (let i = 0; i < 4; i++) {
    world.pass();
    world.progress();
  }
}

function leadLost(world: World, forgets: boolean): void {
  world.ahead.forgets = forgets;
  world.engine = world.ahead.withoutLead(world.engine, world.job);
}

const switched = (world: World, on: boolean): void => world.edit((s) => void (s.upgrade.startBeforeStop = on));

/** Where the sequences have been, over all runs. */
const seen = new Set<string>();
function note({ job: { status }, ahead, processes }: World): void {
  const { prepared, attempt, state } = status!;
  if (prepared?.spec !== undefined) seen.add(`prepared while ${state}`);
  if (prepared?.failure !== undefined) seen.add('stopped first');
  if (prepared?.invalid !== undefined) seen.add('invalid');
  if (prepared !== undefined && prepared.spec === undefined) seen.add('dropped');
  if (attempt?.session === true) seen.add(`submitted, ${attempt.healthy ? 'healthy' : 'starting'}`);
  if (ahead.isLeaderless(processes)) seen.add(`without lead while ${state}`);
}
const WANTED = [
  ...['prepared while Running', 'prepared while Upgrading', 'stopped first', 'invalid', 'dropped'],
  ...['submitted, starting', 'submitted, healthy', 'without lead while Starting', 'without lead while Running'],
];

test('whatever happens while a version is prepared, no job is doubled or lost, and the end is that of a fresh job', () => {
  untilSeen(check, seen, WANTED);
});

function check(): void {
  fc.assert(
    fc.property(
      fc.array(steps, { minLength: 10, maxLength: 100, size: 'max' }),
      fc.constantFrom('Savepoint' as const, 'LastState' as const, 'Stateless' as const),
      (sequence, strategy) => {
        const world = runningWorld(
          newSpec('Streaming', {
            engine: { type: 'Flink', version: '2.3' },
            upgrade: { strategy, rollback: { enabled: false, deadline: '1d' } },
            taskManager: { replicas: 2, slots: 1, resources },
          }),
        );
        world.allowedEmpty = strategy === 'Stateless';
        for (const step of sequence) {
          step(world);
          note(world);
          expect(world.violations).toEqual([]);
        }
        Object.assign(world.ahead, { noRoom: null, trouble: null, deaf: false, alone: false, plan: 'Good' });
        world.silent = false;
        world.leadAgain();
        world.newImages = null;
        world.processes = world.processes.map(({ pending: _, ...process }) => process);
        world.edit((s) => void (s.suspend = false));
        expect(world.settle()).toBe(true);
        world.edit((s) => void s.restartNonce++);
        expect(world.settle()).toBe(true);
        expect(world.violations).toEqual([]);
        const { state, attempt, accepted, conditions } = world.job.status!;
        expect([state, conditions.map(({ type, status }) => `${type} ${status}`)]).toEqual(['Running', ['Ready True']]);
        expect(accepted?.generation).toBe(world.job.metadata.generation);
        const alive = world.processes.filter((p) => p.state === 'Running');
        expect(new Set(alive.map(({ epoch }) => epoch))).toEqual(new Set([attempt?.epoch]));
        expect(alive).toHaveLength(1 + world.job.spec.taskManager.replicas);
        expect(world.pass()?.actions).toEqual([]);
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
}
