// What is remembered of the job as a whole: its status over time, its exceptions, its totals.
import { withCode } from '../../errors.ts';
import type { ExceptionView, JobStatus } from '../../rest/gateway.ts';
import type { Metrics, TaskError } from '../../rpc/protocol.ts';
import type { Execution, ExecutionGraph } from './execution-graph.ts';

const EXCEPTIONS_KEPT = 16;

const NEVER: Record<JobStatus, number> = {
  INITIALIZING: 0,
  CREATED: 0,
  RUNNING: 0,
  FAILING: 0,
  FAILED: 0,
  CANCELLING: 0,
  CANCELED: 0,
  FINISHED: 0,
  RESTARTING: 0,
  SUSPENDED: 0,
  RECONCILING: 0,
};

export class JobRecord {
  status: JobStatus = 'INITIALIZING';
  readonly timestamps: Record<JobStatus, number> = { ...NEVER };
  readonly startTime: number;
  endTime = 0;
  numRestarts = 0;
  numRescales = 0;
  /** Newest first. */
  exceptions: ExceptionView[] = [];

  constructor(startTime: number) {
    this.startTime = startTime;
    this.timestamps.INITIALIZING = startTime;
  }

  enter(status: JobStatus, wall: number): void {
    if (this.status === status) return;
    this.status = status;
    this.timestamps[status] = wall;
  }

  addException(error: TaskError, wall: number, graph?: ExecutionGraph, execution?: Execution): void {
    const slot = execution?.slot ?? null;
    this.exceptions.unshift({
      timestamp: wall,
      exceptionName: error.code,
      stacktrace: [withCode(error.code, error.message), ...framesOf(error.stack)].join('\n'),
      taskName: graph === undefined || execution === undefined ? null : graph.taskName(execution),
      endpoint: slot === null ? null : `${slot.host}:${slot.port}`,
      taskManagerId: slot?.taskManagerId ?? null,
    });
    this.exceptions.length = Math.min(this.exceptions.length, EXCEPTIONS_KEPT);
  }
}

/** A Java stack trace is the class, the message and the frames; this one is the code, the message and the frames. */
const framesOf = (stack: string): string[] => stack.split('\n').filter((line) => /^\s+at /.test(line));

/** Counters `source.<table>.rows`, `sink.<table>.rows` and `sink.<table>.bytes` of some tasks. */
export function tableCounters(metrics: Metrics[]): Metrics {
  const totals: Metrics = {};
  for (const one of metrics)
    for (const [name, value] of Object.entries(one))
      if (name.startsWith('source.') || name.startsWith('sink.')) totals[name] = (totals[name] ?? 0) + value;
  return totals;
}

/** `{sources: {flights: {rows}}, sinks: {result: {rows, bytes}}}`. */
export function summaryOf(counters: Metrics): Record<string, unknown> {
  const summary: Record<'sources' | 'sinks', Record<string, Record<string, number>>> = { sources: {}, sinks: {} };
  for (const [name, value] of Object.entries(counters)) {
    const end = name.lastIndexOf('.');
    const part = name.startsWith('source.') ? summary.sources : summary.sinks;
    const table = name.slice(name.indexOf('.') + 1, end);
    part[table] = { ...part[table], [name.slice(end + 1)]: value };
  }
  return summary;
}
