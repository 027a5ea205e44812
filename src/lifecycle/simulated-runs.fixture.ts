// The simulated world's books on runs: which came to their end, and which ask for no other run after them.
import type { FlowJob } from '../api/flowjob.ts';

/** `nonces`: values of spec.restartNonce that ask for no run after this one: its own, and that at which its end was put on record. */
interface Run {
  finished: boolean;
  recorded: boolean;
  nonces: number[];
}

export class RunBooks {
  /** By job id, in the order in which they began. */
  private readonly runs = new Map<string, Run>();

  isFinished(jobId: string): boolean {
    return this.runs.get(jobId)?.finished === true;
  }

  finish(jobId: string): void {
    this.runs.get(jobId)!.finished = true;
  }

  /** A run counts from the moment that it stands in status. `isNewAfterEnd`: one that follows a run that came to its end. */
  note({ spec, status }: FlowJob): { violations: string[]; isNewAfterEnd: boolean } {
    const violations: string[] = [];
    const { accepted, attempt, state } = status!;
    let isNewAfterEnd = false;
    if (attempt !== undefined && accepted !== undefined && !this.runs.has(attempt.jobId)) {
      const { restartNonce } = accepted.spec;
      const before = [...this.runs.values()].at(-1);
      isNewAfterEnd = before?.finished === true;
      if (isNewAfterEnd && (!before!.recorded || before!.nonces.includes(restartNonce)))
        violations.push('a finished job was run again without being asked to');
      this.runs.set(attempt.jobId, { finished: false, recorded: false, nonces: [restartNonce] });
    }
    const run = state === 'Finished' ? this.runs.get(attempt!.jobId) : undefined;
    if (run === undefined || run.recorded) return { violations, isNewAfterEnd };
    if (!run.finished) violations.push('a job that has not come to its end is Finished');
    run.recorded = true;
    run.nonces.push(spec.restartNonce);
    return { violations, isNewAfterEnd };
  }
}
