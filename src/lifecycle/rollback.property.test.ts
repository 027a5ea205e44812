// Upgrades and rollbacks alone, far more often than the lifecycle's general property comes by one: what the world's books say must never happen.
import fc from 'fast-check';
import { newSpec, resources } from './simulated-objects.fixture.ts';
import { named, one, passes, toReplicas, toVersion, untilSeen, type Step } from './simulated-steps.fixture.ts';
import { runningWorld, type World } from './simulated-world.fixture.ts';

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: passes },
  { weight: 2, arbitrary: one('checkpoint amid a pass', (w) => void w.pass('none', () => w.checkpoint())) },
  { weight: 6, arbitrary: one('progress', (w) => w.progress()) },
  { weight: 1, arbitrary: one('checkpoint', (w) => w.checkpoint()) },
  { weight: 2, arbitrary: fc.nat(2).map((n) => named(`version ${n}`, (w) => toVersion(w, n))) },
  { weight: 1, arbitrary: one('nonce', (w) => w.edit((s) => void s.restartNonce++)) },
  { weight: 1, arbitrary: one('suspend', (w) => w.edit((s) => void (s.suspend = true))) },
  { weight: 2, arbitrary: one('resume', (w) => w.edit((s) => void (s.suspend = false))) },
  { weight: 1, arbitrary: fc.nat(2).map((n) => named(`${n + 1} replicas`, (w) => toReplicas(w, n + 1))) },
  { weight: 1, arbitrary: fc.boolean().map((on) => named(`rollback ${on}`, (w) => toRollback(w, on))) },
  { weight: 2, arbitrary: fc.nat(2).map((n) => named(`${n} hopeless`, (w) => void w.hopeless.add(`version ${n}`))) },
  { weight: 1, arbitrary: one('all sound', (w) => w.hopeless.clear()) },
  { weight: 2, arbitrary: one('job fails', (w) => w.end('FAILED', null)) },
  { weight: 1, arbitrary: one('job finishes', (w) => w.end('FINISHED', null)) },
  { weight: 1, arbitrary: one('kill JobManager', (w) => w.kill('JobManager')) },
  { weight: 1, arbitrary: one('invalid', (w) => void (w.sqlError = 'SQL_SYNTAX: no')) },
  { weight: 2, arbitrary: one('valid', (w) => void (w.sqlError = null)) },
  { weight: 1, arbitrary: one('silent', (w) => void (w.silent = true)) },
  { weight: 2, arbitrary: one('answers', (w) => void (w.silent = false)) },
  { weight: 3, arbitrary: one('time passes', (w) => void (w.now += 5_000)) },
);

const toRollback = (world: World, enabled: boolean): void =>
  world.edit((s) => void (s.upgrade.rollback = { enabled, deadline: '10s' }));

/** Where the sequences have been, over all runs. */
const seen = new Set<string>();
function note(world: World, before: string | undefined): void {
  const { state, rolledBack } = world.job.status!;
  if (before !== state) seen.add(`${before} > ${state}`);
  if (state === 'RollingBack') seen.add(rolledBack!.failure.includes('deadline') ? 'late' : 'failed');
}

const WANTED = ['Starting > RollingBack', 'Recovering > RollingBack', 'RollingBack > Starting', 'failed', 'late'];

test('whatever happens around an upgrade, nothing is doubled or lost, and no version that was given up is run again', () => {
  untilSeen(check, seen, WANTED);
});

function check(): void {
  fc.assert(
    fc.property(
      fc.array(steps, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.constantFrom('Savepoint' as const, 'LastState' as const),
      fc.constantFrom({ type: 'Embedded' as const }, { type: 'Flink' as const, version: '2.3' as const }),
      (sequence, strategy, engine) => {
        const upgrade = { strategy, rollback: { enabled: true, deadline: '10s' } };
        const world = runningWorld(
          newSpec('Streaming', { upgrade, engine, taskManager: { replicas: 2, slots: 1, resources } }),
        );
        for (const step of sequence) {
          const before = world.job.status?.state;
          step(world);
          note(world, before);
          expect(world.violations).toEqual([]);
        }
        world.hopeless.clear();
        world.sqlError = null;
        world.silent = false;
        world.edit((s) => {
          s.suspend = false;
          s.upgrade.rollback = { enabled: true, deadline: '1d' };
        });
        expect(world.settle()).toBe(true);
        const { state, rolledBack, conditions } = world.job.status!;
        const ready = conditions.find(({ type }) => type === 'Ready')!;
        if (state === 'Running' && rolledBack !== undefined)
          expect(ready).toMatchObject({ status: 'False', reason: 'RolledBack' });
        else expect(ready.status).toBe(state === 'Failed' ? 'False' : 'True');
        world.edit((s) => void s.restartNonce++);
        expect(world.settle()).toBe(true);
        expect(world.violations).toEqual([]);
        const { accepted, previous, ...status } = world.job.status!;
        expect(status.state).toBe('Running');
        expect(status.rolledBack).toBeUndefined();
        expect(previous).toBeUndefined();
        expect(accepted?.spec.job.sql!.inline).toBe(world.job.spec.job.sql!.inline);
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
}
