// Jobs on a FlowCluster, over random histories: each attempt is submitted once, none beside another, and none goes back behind what has been published.
import fc from 'fast-check';
import { ClusterWorld } from './simulated-cluster.fixture.ts';
import type { Crash } from './simulated-model.fixture.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { untilSeen } from './simulated-steps.fixture.ts';

type Step = (world: ClusterWorld) => void;

const named = (name: string, step: Step): fc.Arbitrary<Step> =>
  fc.constant(Object.assign(step, { [fc.toStringMethod]: () => name }));

const crash: fc.Arbitrary<Crash> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Crash>('none') },
  { weight: 1, arbitrary: fc.constant<Crash>('before write') },
  { weight: 2, arbitrary: fc.constant<Crash>('after write') },
  { weight: 2, arbitrary: fc.nat(1) },
);
const passes = crash.map((how) =>
  Object.assign((w: ClusterWorld) => void w.pass(how), { [fc.toStringMethod]: () => `pass ${how}` }),
);

/** That a job runs once more, or waits for state that went with its end, when nobody is left that has heard of the end is the price of ADR 0026, and no history of these. */
const loseJobManager = (w: ClusterWorld, none: boolean): void => {
  if (!w.jobManagerAloneKnows) w.replaceJobManager(none);
};
const forgetJobs = (w: ClusterWorld): void => {
  if (!w.jobManagerAloneKnows) w.forgetJobs();
};
const replaceOperator = (w: ClusterWorld): void => {
  if (!w.operatorAloneKnows) w.replaceOperator();
};

function deleteCluster(w: ClusterWorld): void {
  w.exists = false;
  loseJobManager(w, true);
}
function makeCluster(w: ClusterWorld): void {
  w.exists = true;
  if (w.jobManager === null) w.replaceJobManager();
}

const move = (w: ClusterWorld, toCluster: boolean): void =>
  w.edit((s) => {
    s.engine = toCluster ? { type: 'Flink', clusterRef: { name: 'shared' } } : { type: 'Flink', version: '2.3' };
    delete s.job.parallelism;
    if (toCluster) delete s.state.storage;
    else s.state.storage = w.storage;
  });

function rounds(w: ClusterWorld): void {
  for (let round = 0; round < 6; round++) {
    w.pass();
    w.progress();
  }
}

/** Which only a job may do that does not run. */
function suspendAndMove(w: ClusterWorld, toCluster: boolean): void {
  w.edit((s) => void (s.suspend = true));
  rounds(w);
  move(w, toCluster);
  w.edit((s) => void (s.suspend = false));
}

/** Its JobManager tells nobody of the end. */
function failUnheard(w: ClusterWorld): void {
  w.end('FAILED', null);
  forgetJobs(w);
}
function stopUnheard(w: ClusterWorld, lose: Step): void {
  w.edit((s) => void (s.suspend = true));
  w.pass();
  w.pass();
  if (w.engine?.asked.some(({ kind }) => kind === 'Stop') !== true) return;
  w.progress();
  lose(w);
}

const edits: fc.Arbitrary<Step> = fc
  .record({ field: fc.constantFrom('sql', 'suspend', 'nonce', 'parallelism'), value: fc.nat(2) })
  .map(({ field, value }) =>
    Object.assign(
      (w: ClusterWorld) =>
        w.edit((s) => {
          if (field === 'sql') s.job.sql = { inline: `version ${value}` };
          if (field === 'suspend') s.suspend = value > 0;
          if (field === 'nonce') s.restartNonce += value;
          // With processes of its own it is as wide as those.
          if (field === 'parallelism' && s.engine.clusterRef !== undefined) s.job.parallelism = value + 1;
        }),
      { [fc.toStringMethod]: () => `edit ${field} ${value}` },
    ),
  );

const steps = (mode: 'Streaming' | 'Batch', bounded: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 12, arbitrary: passes },
    { weight: 4, arbitrary: named('some rounds', rounds) },
    { weight: 6, arbitrary: named('progress', (w) => w.progress()) },
    { weight: 3, arbitrary: edits },
    { weight: 2, arbitrary: named('another JobManager', (w) => loseJobManager(w, false)) },
    { weight: 1, arbitrary: named('no JobManager', (w) => loseJobManager(w, true)) },
    { weight: 1, arbitrary: named('JobManager forgets what has ended', forgetJobs) },
    { weight: 1, arbitrary: named('JobManager does not answer', (w) => void (w.silent = true)) },
    { weight: 1, arbitrary: named('JobManager answers', (w) => void (w.silent = false)) },
    { weight: 1, arbitrary: named('programs are refused', (w) => void (w.refuses = true)) },
    { weight: 2, arbitrary: named('programs are taken', (w) => void (w.refuses = false)) },
    { weight: 2, arbitrary: named('submissions are on their way', (w) => void (w.isSlow = true)) },
    { weight: 2, arbitrary: named('submissions come', (w) => void (w.isSlow = false)) },
    { weight: 1, arbitrary: named('a submission is lost', (w) => w.loseSubmission()) },
    { weight: 1, arbitrary: named('no slots', (w) => w.giveSlots(false)) },
    { weight: 2, arbitrary: named('slots', (w) => w.giveSlots(true)) },
    { weight: 2, arbitrary: named('another operator', replaceOperator) },
    { weight: 1, arbitrary: named('the cluster is deleted', deleteCluster) },
    { weight: 2, arbitrary: named('the cluster is made', makeCluster) },
    { weight: 1, arbitrary: fc.boolean().chain((on) => named(`cluster ${on}`, (w) => move(w, on))) },
    { weight: 1, arbitrary: fc.boolean().chain((on) => named(`to cluster ${on}`, (w) => suspendAndMove(w, on))) },
    { weight: 1, arbitrary: named('operations fail', (w) => w.failOperations()) },
    { weight: 1, arbitrary: named('job fails', (w) => w.end('FAILED', null)) },
    { weight: 1, arbitrary: named('job fails unheard', failUnheard) },
    { weight: 1, arbitrary: named('time passes', (w) => void (w.now += 5_000)) },
    ...(bounded ? [{ weight: 2, arbitrary: named('job finishes', (w: ClusterWorld) => w.end('FINISHED', null)) }] : []),
    ...(mode === 'Batch'
      ? []
      : [
          { weight: 2, arbitrary: named('checkpoint', (w) => w.checkpoint()) },
          { weight: 1, arbitrary: named('die while stopping', (w) => w.dieWhileStopping()) },
          {
            weight: 1,
            arbitrary: named('stopped, JobManager lost', (w) => stopUnheard(w, (x) => loseJobManager(x, false))),
          },
          { weight: 1, arbitrary: named('stopped, and forgotten', (w) => stopUnheard(w, forgetJobs)) },
          { weight: 1, arbitrary: named('savepoint', (w) => w.createSavepoint(`s${w.savepoints.length}`)) },
        ]),
  );

/** Where a history is, as far as it counts for where it has been. */
const situationOf = ({ job, jobManager, exists, operators, isOnCluster }: ClusterWorld) => ({
  attempt: job.status!.attempt,
  jobManager,
  exists,
  operators,
  isOnCluster,
});

/** What a step has come to that began in `before`. */
function note(seen: Set<string>, before: ReturnType<typeof situationOf>, world: ClusterWorld): void {
  const { state, attempt } = world.job.status!;
  const { isOnCluster } = world;
  if (attempt !== undefined && before.attempt !== undefined && before.isOnCluster !== isOnCluster)
    seen.add(isOnCluster ? 'moved to the cluster' : 'moved to processes of its own');
  if (!before.exists && world.exists) seen.add(`cluster made again, ${state}`);
  if (!isOnCluster || attempt === undefined) return;
  if (before.jobManager !== null && before.jobManager !== world.jobManager) seen.add(`JobManager lost, ${state}`);
  if (before.operators !== world.operators) seen.add(`another operator, ${state}`);
  if (world.silent) seen.add(`silent, ${state}`);
  if (world.isSubmissionOnItsWay) seen.add(`submission on its way, ${state}`);
  if (world.isRefused) seen.add(`refused, ${state}`);
  if (world.isForgotten) seen.add(`forgotten, ${state}`);
  if (world.engine?.status === 'CREATED') seen.add(`without slots, ${state}`);
  const asksAgain = world.processes.some((p) => p.epoch === attempt.epoch && p.state === 'Running');
  if (asksAgain && state === 'Suspended') seen.add('asked once more how it ended, Suspended');
  if (attempt.ended !== 'Stopped' || before.attempt?.ended === 'Stopped') return;
  if (attempt.jobManagerUid !== world.jobManager) seen.add('savepoint found, its JobManager lost');
  if (world.isForgotten) seen.add('savepoint found, its job forgotten');
}

const WANTED = [
  ...['Starting', 'Running', 'Recovering', 'Suspending', 'Suspended'].map((state) => `JobManager lost, ${state}`),
  ...['Pending', 'Starting', 'Recovering', 'Suspended'].map((state) => `cluster made again, ${state}`),
  ...['Starting', 'Running', 'Suspending', 'Suspended', 'Upgrading'].map((state) => `another operator, ${state}`),
  ...['Starting', 'Running', 'Recovering'].map((state) => `silent, ${state}`),
  ...['Starting', 'Recovering', 'Suspending', 'Upgrading'].map((state) => `submission on its way, ${state}`),
  ...['refused, Starting', 'forgotten, Starting', 'without slots, Starting', 'without slots, Running'],
  ...['asked once more how it ended, Suspended', 'moved to the cluster', 'moved to processes of its own'],
];
const WANTED_OF_STREAMS = [
  'forgotten, Running',
  'savepoint found, its JobManager lost',
  'savepoint found, its job forgotten',
];

/** The version that is asked for is not tried again by itself. */
const isGivenUp = ({ job: { status } }: ClusterWorld): boolean =>
  status?.state === 'Failed' || status?.rolledBack !== undefined;

/** All that was in its way is gone, and somebody asks for another run of what failed. */
function settle(world: ClusterWorld): void {
  makeCluster(world);
  Object.assign(world, { silent: false, refuses: false, isSlow: false });
  world.giveSlots(true);
  const { suspend, engine } = world.job.spec;
  if (world.isOnCluster !== (engine.clusterRef !== undefined)) {
    // Where it runs changes while it does not.
    world.edit((s) => void (s.suspend = true));
    expect(world.settle()).toBe(true);
    world.edit((s) => void (s.suspend = suspend));
  }
  for (let again = 0; again < 2; again++) {
    if (isGivenUp(world)) world.edit((s) => void s.restartNonce++);
    expect(world.settle()).toBe(true);
  }
}

/** It asks once more how the attempt ended, and goes on from there. */
function resumeUnderAnotherOperator(world: ClusterWorld): void {
  world.replaceOperator();
  world.edit((s) => void (s.suspend = false));
  expect(world.settle()).toBe(true);
  expect(world.job.status?.state).toBe('Running');
}

describe.each([
  ['Streaming', 'a stream without end', false],
  ['Streaming', 'a stream that ends', true],
  ['Batch', 'a batch', true],
] as const)('%s: %s', (mode, _, bounded) => {
  /** Where the histories have been, over all runs. */
  const seen = new Set<string>();

  test('whatever happens between two steps, no invariant breaks, and the job comes to rest as it was asked to', () => {
    untilSeen(check, seen, mode === 'Batch' ? WANTED : [...WANTED, ...WANTED_OF_STREAMS]);
  }, 300_000);

  function check(): void {
    fc.assert(
      fc.property(
        fc.array(steps(mode, bounded), { minLength: 20, maxLength: 120, size: 'max' }),
        fc.constantFrom('Savepoint' as const, 'LastState' as const, 'Stateless' as const),
        (sequence, strategy) => {
          const taskManager = { replicas: 3, slots: 1, resources };
          const upgrade = mode === 'Batch' ? {} : { strategy };
          const world = new ClusterWorld(newSpec(mode, { taskManager, upgrade }));
          world.allowedEmpty = mode === 'Streaming' && strategy === 'Stateless';
          for (const step of sequence) {
            const before = situationOf(world);
            step(world);
            note(seen, before, world);
            expect(world.violations).toEqual([]);
          }
          settle(world);
          expect(world.violations).toEqual([]);
          const { state, conditions } = world.job.status!;
          const atRest = world.job.spec.suspend ? ['Suspended'] : ['Running'];
          expect(bounded ? [...atRest, 'Finished'] : atRest).toContain(state);
          expect(conditions.find(({ type }) => type === 'Ready')?.status).toBe('True');
          const alive = world.processes.filter((p) => p.state === 'Running');
          expect(alive).toHaveLength(state === 'Running' ? (world.isOnCluster ? 1 : 4) : 0);
          if (state === 'Suspended') resumeUnderAnotherOperator(world);

          world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
          world.settle();
          expect(world.gone).toBe(true);
          expect(world.processes.filter((p) => p.state === 'Running')).toEqual([]);
          expect(world.violations).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 200) },
    );
  }
});
