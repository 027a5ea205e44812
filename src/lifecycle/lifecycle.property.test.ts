import fc from 'fast-check';
import type { EngineType } from '../api/engine.ts';
import type { FlowJobSpec } from '../api/flowjob.ts';
import { changeBetween, desiredSpec } from './change.ts';
import type { Crash } from './simulated-model.fixture.ts';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { World } from './simulated-world.fixture.ts';

const spec = (mode: 'Streaming' | 'Batch', engine: FlowJobSpec['engine']): FlowJobSpec =>
  newSpec(mode, { engine, taskManager: { replicas: 2, slots: 1, resources } });

type Step = (world: World) => void;

const crash: fc.Arbitrary<Crash> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Crash>('none') },
  { weight: 1, arbitrary: fc.constant<Crash>('before write') },
  { weight: 2, arbitrary: fc.constant<Crash>('after write') },
  { weight: 2, arbitrary: fc.nat(1) },
);

let names = 0;
const createSavepoint = (world: World): void => world.createSavepoint(`s${names++}`);

/** A step and what it is called in the report of a failing case. */
const named = (name: string, step: Step): fc.Arbitrary<Step> =>
  fc.constant(Object.assign(step, { [fc.toStringMethod]: () => name }));

const hopeless = (sql: string): fc.Arbitrary<Step> =>
  named(`${sql} comes to no checkpoint`, (w) => void w.hopeless.add(sql));

const passes = crash.map((how) =>
  Object.assign((w: World) => void w.pass(how), { [fc.toStringMethod]: () => `pass ${how}` }),
);
const edits = fc
  .record({
    field: fc.constantFrom('sql', 'suspend', 'replicas', 'nonce', 'memory', 'bad', 'rollback'),
    value: fc.nat(2),
  })
  .map(({ field, value }) =>
    Object.assign(
      (w: World) => {
        w.edit((s) => {
          if (field === 'sql') s.job.sql = { inline: `version ${value}` };
          if (field === 'suspend') s.suspend = value > 0;
          if (field === 'replicas') s.taskManager.replicas = 2 * value + 1;
          if (field === 'nonce') s.restartNonce += value;
          if (field === 'memory') s.taskManager.resources.limits.memory = `${512 + value}Mi`;
          if (field === 'rollback' && s.mode === 'Streaming')
            s.upgrade.rollback = { enabled: value > 0, deadline: value > 1 ? '10s' : '1h' };
          if (field === 'bad') s.job.sql = { inline: value === 0 ? 'bad' : 'version 0' };
        });
        w.sqlError = w.job.spec.job.sql?.inline === 'bad' ? 'SQL_SYNTAX: no' : null;
      },
      { [fc.toStringMethod]: () => `edit ${field} ${value}` },
    ),
  );

/** What spec.state.restore may say, at any time. */
const RESTORES: readonly (object | undefined)[] = [
  undefined,
  { savepointRef: { name: 'legacy' } },
  { savepointRef: { name: 'legacy' }, policy: 'Newest' },
  { uri: 'file:///elsewhere' },
  { uri: 'file:///nowhere' },
  { policy: 'Newest' },
  { policy: 'Empty' },
];
const restoreIs = (world: World, restore: object | undefined): void =>
  world.edit((s) => {
    delete s.state.restore;
    if (restore !== undefined) s.state.restore = { allowNonRestoredState: false, ...restore };
  });
const restores = fc.constantFrom(...RESTORES).map((restore) =>
  Object.assign((w: World) => restoreIs(w, restore), {
    [fc.toStringMethod]: () => `restore ${JSON.stringify(restore)}`,
  }),
);

const steps = (mode: 'Streaming' | 'Batch', bounded: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 12, arbitrary: passes },
    { weight: 6, arbitrary: named('progress', (w) => w.progress()) },
    { weight: 3, arbitrary: edits },
    { weight: 2, arbitrary: named('checkpoint', (w) => w.checkpoint()) },
    { weight: 1, arbitrary: named('kill JobManager', (w) => w.kill('JobManager')) },
    { weight: 1, arbitrary: named('kill TaskManager', (w) => w.kill('TaskManager')) },
    { weight: 1, arbitrary: named('die while stopping', (w) => w.dieWhileStopping()) },
    { weight: 1, arbitrary: named('operations fail', (w) => w.failOperations()) },
    { weight: 1, arbitrary: named('job fails', (w) => w.end('FAILED', null)) },
    { weight: 1, arbitrary: named('checkpoints damaged', (w) => void (w.unreadable = 'chk-1 is damaged')) },
    { weight: 1, arbitrary: named('checkpoints put back', (w) => void (w.unreadable = null)) },
    {
      weight: 1,
      arbitrary: named('last savepoint moved away', (w) => void (w.away = w.job.status?.lastSavepoint?.path ?? null)),
    },
    { weight: 1, arbitrary: named('engine does not rescale', (w) => void (w.noRescale = 'it is another scheduler')) },
    { weight: 1, arbitrary: named('engine rescales', (w) => void (w.noRescale = null)) },
    { weight: 1, arbitrary: named('no room beside', (w) => void (w.ahead.noRoom = 'exceeded quota -> raise it')) },
    { weight: 1, arbitrary: named('room beside', (w) => void (w.ahead.noRoom = null)) },
    { weight: 1, arbitrary: named('image looked for', (w) => void (w.newImages = { trouble: null })) },
    { weight: 1, arbitrary: named('image missing', (w) => void (w.newImages = { trouble: 'no such image -> mend' })) },
    { weight: 2, arbitrary: named('image there', (w) => void (w.newImages = null)) },
    { weight: 1, arbitrary: named('savepoint put back', (w) => void (w.away = null)) },
    { weight: 1, arbitrary: named('time passes', (w) => void (w.now += 5_000)) },
    ...(bounded ? [{ weight: 2, arbitrary: named('job finishes', (w: World) => w.end('FINISHED', null)) }] : []),
    ...(mode === 'Batch'
      ? []
      : [
          { weight: 1, arbitrary: fc.nat(2).chain((n) => hopeless(`version ${n}`)) },
          { weight: 1, arbitrary: named('all versions are sound', (w) => w.hopeless.clear()) },
          { weight: 1, arbitrary: named('savepoint', createSavepoint) },
          { weight: 1, arbitrary: restores },
          {
            weight: 1,
            arbitrary: named('delete savepoint', (w) => {
              const found = w.savepoints[0];
              if (found !== undefined) found.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
            }),
          },
        ]),
  );

/** Where a job with this spec ends up when nothing disturbs it: what a fresh one would come to. */
function expectAsFreshlyCreated(world: World): void {
  const { status, spec: wanted } = world.job;
  const alive = world.processes.filter((p) => p.state === 'Running');
  expect(status?.taskManager?.replicas).toBe(alive.filter((p) => p.role === 'TaskManager').length);
  if (wanted.suspend && status?.state !== 'Finished') {
    expect(status?.state).toBe('Suspended');
    expect(alive).toEqual([]);
    return;
  }
  if (status?.state === 'Finished') {
    expect(alive).toEqual([]);
    return expectHonestEnd(world);
  }
  expect(status?.state).toBe('Running');
  expect(status?.conditions.map((c) => `${c.type} ${c.status}`)).toEqual(['Ready True']);
  expect(changeBetween(status!.accepted!.spec, desiredSpec(world.job), null)).toEqual({ kind: 'None' });
  expect(alive.map((p) => p.role).filter((role) => role === 'TaskManager')).toHaveLength(wanted.taskManager.replicas);
  const { replicas, slots } = wanted.taskManager;
  expect(status?.parallelism).toBe(replicas * slots);
  expect(status?.scaling).toBeUndefined();
  if (wanted.mode === 'Streaming') expect(world.engine?.parallelism).toBe(replicas * slots);
}

/** A finished job is complete whatever was edited; its message says so when what was edited is not what was run. */
function expectHonestEnd({ job: { status, spec: wanted, metadata } }: World): void {
  expect(status?.observedGeneration).toBe(metadata.generation);
  expect(status?.conditions.map((c) => `${c.type} ${c.status}`)).toEqual(['Ready True', 'Complete True']);
  const { job, restartNonce } = status!.accepted!.spec;
  const edited = job.sql?.inline !== wanted.job.sql?.inline || restartNonce !== wanted.restartNonce;
  for (const { message } of status!.conditions) expect(message.includes('spec.restartNonce')).toBe(edited);
}

/** Savepoints of other jobs; `rebuilt`: an earlier job of the same name has left state in storage. */
function otherJobs(world: World, rebuilt: boolean, engine: EngineType): void {
  world.foreign('legacy', 1_000);
  world.foreign('file:///elsewhere', 2_000);
  world.named['legacy'] = {
    state: 'Completed',
    path: 'legacy',
    claimName: undefined,
    failure: '',
    engine,
    beingRemoved: false,
  };
  if (!rebuilt) return;
  world.foreign('earlier', 500);
  world.earlier = 'earlier';
}

describe.each([
  ['Streaming', 'a stream without end', false],
  ['Streaming', 'a stream that ends', true],
  ['Batch', 'a batch', true],
] as const)('%s: %s', (mode, _, bounded) => {
  test('whatever happens between two steps, no invariant breaks, and the job comes to rest as a fresh one would', () => {
    fc.assert(
      fc.property(
        fc.array(steps(mode, bounded), { minLength: 20, maxLength: 150, size: 'max' }),
        fc.constantFrom('Savepoint' as const, 'LastState' as const, 'Stateless' as const),
        fc.boolean(),
        fc.constantFrom<FlowJobSpec['engine']>({ type: 'Embedded' }, { type: 'Flink', version: '2.3' }),
        (sequence, strategy, rebuilt, engine) => {
          const world = new World(spec(mode, engine));
          if (mode === 'Streaming') {
            otherJobs(world, rebuilt, engine.type);
            world.allowedEmpty = strategy === 'Stateless';
            world.edit((s) => void (s.upgrade = { strategy, rollback: { enabled: true, deadline: '10s' } }));
          }
          for (const step of sequence) {
            step(world);
            expect(world.violations).toEqual([]);
          }
          // The faults stop; somebody corrects the spec and asks for another run of what failed.
          world.edit((s) => {
            if (world.sqlError !== null) s.job.sql = { inline: 'corrected' };
            if (mode === 'Streaming') s.upgrade.rollback = { enabled: true, deadline: '1d' };
          });
          world.sqlError = null;
          world.hopeless.clear();
          world.unreadable = null;
          world.noRescale = null;
          world.newImages = null;
          if (mode === 'Streaming') restoreIs(world, { policy: 'Newest' });
          world.away = null;
          expect(world.settle()).toBe(true);
          world.edit((s) => {
            if (world.job.status?.state === 'Failed' || world.job.status?.rolledBack !== undefined) s.restartNonce++;
          });
          expect(world.settle()).toBe(true);
          expect(world.violations).toEqual([]);
          expectAsFreshlyCreated(world);

          const { writes } = world;
          for (let round = 0; round < 5; round++) {
            world.now += 60_000;
            expect(world.pass()?.actions).toEqual([]);
          }
          expect(world.writes).toBe(writes);

          world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } };
          world.settle();
          expect(world.gone).toBe(true);
          expect(world.violations).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 200) },
    );
  });
});
