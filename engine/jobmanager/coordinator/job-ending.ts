// The end of a job: its result is written before its status says so; what could not be written or made visible is tried again, and told of.
import type { JobResult } from '../../checkpoint/storage.ts';
import type { Committable } from '../../connectors/connector.ts';
import { coordinatorError, type JobContext } from './job-context.ts';
import { summaryOf } from './job-record.ts';
import type { CheckpointRetention } from './messages.ts';

/** Milliseconds after the first failure of a step; twice as long after each further one. */
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;

interface Steps {
  /** Decides what is to be removed when all is written and visible. */
  leave?: () => void;
  /** All is done; the status changes next. */
  ended?: () => void;
}

interface Ending {
  result: JobResult;
  /** Made visible after the result is written, before the status tells. */
  committables: Committable[];
  steps: Steps;
  /** When the step that failed is tried again. */
  retryAt: number;
  /** Failures in a row. */
  failures: number;
  /** The last one: a step that goes on failing for the same reason is one exception. */
  lastFailure: string | null;
  written: boolean;
}

/** Those of a job that has finished are never kept. */
export function keepsCheckpoints(as: JobResult['state'], retention: CheckpointRetention): boolean {
  if (as === 'CANCELED') return retention === 'RETAIN_ON_CANCELLATION';
  return as === 'FAILED' && retention !== 'NO_EXTERNALIZED_CHECKPOINTS';
}

export class JobEnding {
  private readonly context: JobContext;
  private ending: Ending | null = null;
  /** All is written, and the status says so. */
  over = false;

  constructor(context: JobContext) {
    this.context = context;
  }

  get begun(): boolean {
    return this.ending !== null;
  }

  /** The job has nothing left to run. */
  begin(
    state: JobResult['state'],
    details: { failure?: string; savepointPath?: string | null; committables?: Committable[] },
    steps: Steps = {},
  ): void {
    const { context } = this;
    this.ending = {
      result: {
        jobId: context.options.jobId,
        state,
        startTime: context.record.startTime,
        endTime: context.wall,
        failure: details.failure ?? null,
        savepointPath: details.savepointPath ?? null,
        summary: summaryOf(context.counters()),
      },
      committables: details.committables ?? [],
      steps,
      retryAt: Infinity,
      failures: 0,
      lastFailure: null,
      written: false,
    };
    context.emit({ type: 'writeResult', result: this.ending.result });
  }

  resultWritten(): void {
    const { ending } = this;
    if (ending === null) return;
    ending.written = true;
    ending.failures = 0;
    this.commit(ending);
  }

  /** Also for commits: both are tried until they succeed or the attempt is fenced. What is durable is never given up. */
  stepFailed(message: string): void {
    const { ending } = this;
    if (ending === null) return;
    const delay = Math.min(FIRST_RETRY * 2 ** ending.failures++, LONGEST_RETRY);
    ending.retryAt = this.context.now + delay;
    if (ending.lastFailure === message) return;
    ending.lastFailure = message;
    if (ending.written)
      this.tell('COMMIT_FAILED', `what the job wrote last could not be made visible, and is tried again: ${message}`);
    else this.tell('RESULT_UNWRITTEN', `how the job ended could not be recorded, and is tried again: ${message}`);
  }

  nextTimer(): number {
    return this.ending?.retryAt ?? Infinity;
  }

  advance(): void {
    const { ending, context } = this;
    if (ending === null || ending.retryAt > context.now) return;
    ending.retryAt = Infinity;
    if (ending.written) this.commit(ending);
    else context.emit({ type: 'writeResult', result: ending.result });
  }

  /** For people: among the job's exceptions, and in the log. */
  private tell(code: string, message: string): void {
    const { context } = this;
    context.record.addException(coordinatorError(code, message), context.wall);
    context.emit({ type: 'log', message });
  }

  private commit(ending: Ending): void {
    this.context.commit(
      ending.committables,
      () => this.leave(ending),
      (message) => this.stepFailed(message),
    );
  }

  /** Who sees the status may end this process at once, and start none that would clear away the rest: so that goes first. */
  private leave(ending: Ending): void {
    ending.steps.leave?.();
    // One that failed may yet be restored from a checkpoint whose files are not visible.
    if (ending.result.state === 'FINISHED') this.context.emit({ type: 'clearSinks', execution: Infinity });
    this.context.emit({ type: 'awaitRemovals' });
  }

  removalsEnded(): void {
    const { ending } = this;
    if (ending === null || this.over) return;
    const { record, wall } = this.context;
    const { state } = ending.result;
    ending.steps.ended?.();
    record.endTime = ending.result.endTime;
    record.enter(state, wall);
    this.over = true;
    this.context.emit({ type: 'ended', status: state });
  }
}
