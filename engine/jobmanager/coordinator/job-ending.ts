// The end of a job: its result is written before its status says so; a result that could not be written is tried again.
import type { JobResult } from '../../checkpoint/storage.ts';
import type { Committable } from '../../connectors/connector.ts';
import type { JobContext } from './job-context.ts';
import { summaryOf } from './job-record.ts';

/** Milliseconds between tries of a write that failed. */
const RETRY = 1_000;

interface Ending {
  result: JobResult;
  /** Made visible after the result is written, before the status tells. */
  committables: Committable[];
  ended: () => void;
  /** When the step that failed is tried again. */
  retryAt: number;
  written: boolean;
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

  /** The job has nothing left to run. `ended` is called when all is written, before the status changes. */
  begin(
    state: JobResult['state'],
    details: { failure?: string; savepointPath?: string | null; committables?: Committable[] },
    ended: () => void = () => undefined,
  ): void {
    const { context } = this;
    this.ending = {
      result: {
        jobId: context.options.jobId,
        state,
        startTime: context.record.startTime,
        endTime: context.now,
        failure: details.failure ?? null,
        savepointPath: details.savepointPath ?? null,
        summary: summaryOf(context.counters()),
      },
      committables: details.committables ?? [],
      ended,
      retryAt: Infinity,
      written: false,
    };
    context.emit({ type: 'writeResult', result: this.ending.result });
  }

  resultWritten(): void {
    if (this.ending === null) return;
    this.ending.written = true;
    this.commit(this.ending);
  }

  /** Also for commits: both are tried until they succeed or the attempt is fenced. */
  stepFailed(message: string): void {
    if (this.ending === null) return;
    this.context.emit({ type: 'log', message: `the job's end could not be recorded, trying again: ${message}` });
    this.ending.retryAt = this.context.now + RETRY;
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

  private commit(ending: Ending): void {
    this.context.commit(
      ending.committables,
      () => this.end(ending),
      (message) => this.stepFailed(message),
    );
  }

  private end(ending: Ending): void {
    const { record, now } = this.context;
    const { state } = ending.result;
    ending.ended();
    record.endTime = ending.result.endTime;
    record.enter(state, now);
    this.over = true;
    this.context.emit({ type: 'ended', status: state });
  }
}
