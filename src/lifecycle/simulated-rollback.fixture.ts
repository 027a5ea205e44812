// The simulated world's books on versions that were given up: kept by what is run, apart from hashes and records of the lifecycle's own.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { FlowJobStatus } from '../api/status.ts';
import type { Snapshot } from './simulated-model.fixture.ts';

/** What of a spec the tests change that makes it another version. */
const versionIn = ({ engine, job, restartNonce, taskManager }: FlowJobSpec): string =>
  JSON.stringify([engine.clusterRef, job.sql!.inline, restartNonce, taskManager.resources.limits.memory]);

export class RollbackBooks {
  /** The version that was given up, as long as the spec asks for it. */
  private givenUp: string | null = null;
  /** Runs that were given up. */
  private readonly runs = new Set<string>();

  edited(before: FlowJobSpec, after: FlowJobSpec): void {
    if (versionIn(before) !== versionIn(after)) this.givenUp = null;
  }

  /** What must not have been decided, in words. */
  judge(before: FlowJobStatus, after: FlowJobStatus, snapshots: readonly Snapshot[]): string[] {
    const violations: string[] = [];
    const { attempt, accepted } = after;
    if (attempt === undefined || accepted === undefined) return violations;
    if (after.state === 'RollingBack' && before.state !== 'RollingBack') {
      if (accepted.spec.mode === 'Batch') violations.push('a batch was rolled back');
      if (before.attempt?.healthy === true) violations.push('a version that has proven itself was rolled back');
      this.givenUp = versionIn(accepted.spec);
      this.runs.add(attempt.jobId);
    }
    if (attempt.epoch === before.attempt?.epoch) return violations;
    const proven = snapshots.some(({ jobId }) => jobId === attempt.jobId);
    if (this.runs.has(attempt.jobId) && !proven) violations.push('a run that was given up goes on');
    if (this.runs.has(attempt.jobId)) this.givenUp = null;
    if (this.givenUp === versionIn(accepted.spec)) violations.push('a version that was given up is run again');
    return violations;
  }
}
