// Jobs on a FlowCluster, over random histories: each attempt is submitted once, none beside another, and none goes back behind what has been published.
import fc from 'fast-check';
import { ClusterWorld } from './simulated-cluster.fixture.ts';
import type { Crash } from './simulated-model.fixture.ts';
import { newSpec } from './simulated-objects.fixture.ts';

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

/** A job whose end nobody has heard of runs once more when its JobManager is lost: that is the price of ADR 0026, and no history of these. */
const loseJobManager = (w: ClusterWorld, none: boolean): void => {
  if (!w.hasUntoldEnd) w.replaceJobManager(none);
};

const edits: fc.Arbitrary<Step> = fc
  .record({ field: fc.constantFrom('sql', 'suspend', 'nonce', 'parallelism'), value: fc.nat(2) })
  .map(({ field, value }) =>
    Object.assign(
      (w: ClusterWorld) =>
        w.edit((s) => {
          if (field === 'sql') s.job.sql = { inline: `version ${value}` };
          if (field === 'suspend') s.suspend = value > 0;
          if (field === 'nonce') s.restartNonce += value;
          if (field === 'parallelism') s.job.parallelism = value + 1;
        }),
      { [fc.toStringMethod]: () => `edit ${field} ${value}` },
    ),
  );

const steps = (mode: 'Streaming' | 'Batch', bounded: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 12, arbitrary: passes },
    { weight: 6, arbitrary: named('progress', (w) => w.progress()) },
    { weight: 3, arbitrary: edits },
    { weight: 2, arbitrary: named('another JobManager', (w) => loseJobManager(w, false)) },
    { weight: 1, arbitrary: named('no JobManager', (w) => loseJobManager(w, true)) },
    { weight: 1, arbitrary: named('JobManager does not answer', (w) => void (w.silent = true)) },
    { weight: 1, arbitrary: named('JobManager answers', (w) => void (w.silent = false)) },
    { weight: 1, arbitrary: named('another operator', (w) => w.replaceOperator()) },
    { weight: 1, arbitrary: named('the cluster is not there', (w) => void (w.exists = false)) },
    { weight: 1, arbitrary: named('the cluster is there', (w) => void (w.exists = true)) },
    { weight: 1, arbitrary: named('operations fail', (w) => w.failOperations()) },
    { weight: 1, arbitrary: named('job fails', (w) => w.end('FAILED', null)) },
    { weight: 1, arbitrary: named('time passes', (w) => void (w.now += 5_000)) },
    ...(bounded ? [{ weight: 2, arbitrary: named('job finishes', (w: ClusterWorld) => w.end('FINISHED', null)) }] : []),
    ...(mode === 'Batch'
      ? []
      : [
          { weight: 2, arbitrary: named('checkpoint', (w) => w.checkpoint()) },
          { weight: 1, arbitrary: named('die while stopping', (w) => w.dieWhileStopping()) },
          { weight: 1, arbitrary: named('savepoint', (w) => w.createSavepoint(`s${w.savepoints.length}`)) },
        ]),
  );

/** The version that is asked for is not tried again by itself. */
const isGivenUp = ({ job: { status } }: ClusterWorld): boolean =>
  status?.state === 'Failed' || status?.rolledBack !== undefined;

/** All that was in its way is gone, and somebody asks for another run of what failed. */
function settle(world: ClusterWorld): void {
  world.exists = true;
  world.silent = false;
  if (world.jobManager === null) world.replaceJobManager();
  for (let again = 0; again < 2; again++) {
    if (isGivenUp(world)) world.edit((s) => void s.restartNonce++);
    expect(world.settle()).toBe(true);
  }
}

describe.each([
  ['Streaming', 'a stream without end', false],
  ['Streaming', 'a stream that ends', true],
  ['Batch', 'a batch', true],
] as const)('%s: %s', (mode, _, bounded) => {
  test('whatever happens between two steps, no invariant breaks, and the job comes to rest as it was asked to', () => {
    fc.assert(
      fc.property(
        fc.array(steps(mode, bounded), { minLength: 20, maxLength: 120, size: 'max' }),
        fc.constantFrom('Savepoint' as const, 'LastState' as const, 'Stateless' as const),
        (sequence, strategy) => {
          const world = new ClusterWorld(newSpec(mode, mode === 'Batch' ? {} : { upgrade: { strategy } }));
          world.allowedEmpty = mode === 'Streaming' && strategy === 'Stateless';
          for (const step of sequence) {
            step(world);
            expect(world.violations).toEqual([]);
          }
          settle(world);
          expect(world.violations).toEqual([]);
          const { state, conditions } = world.job.status!;
          const atRest = world.job.spec.suspend ? ['Suspended'] : ['Running'];
          expect(bounded ? [...atRest, 'Finished'] : atRest).toContain(state);
          expect(conditions.find(({ type }) => type === 'Ready')?.status).toBe('True');
          expect(world.processes).toHaveLength(state === 'Running' ? 1 : 0);

          world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
          world.settle();
          expect(world.gone).toBe(true);
          expect(world.processes).toEqual([]);
          expect(world.violations).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 200) },
    );
  }, 120_000);
});
