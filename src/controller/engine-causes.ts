// What the engine's exceptions say about a job: the cause to tell people, and whether it is state that cannot be read.
import { isUnreadable } from '../../engine/checkpoint/storage-view.ts';
import type { ExceptionsAnswer, JobDetailsAnswer } from '../engine-client/answers.ts';
import { describeTrace, isJavaTrace } from '../engine-client/flink/root-cause.ts';
import { withoutClass } from '../engine-client/engine-client.ts';

/** Code, message and hint of the newest exception; null when there is none. */
export function causeOf({ exceptionHistory }: ExceptionsAnswer): string | null {
  const newest = exceptionHistory.entries[0];
  if (newest !== undefined && isJavaTrace(newest.stacktrace)) return describeTrace(newest.stacktrace);
  return newest === undefined ? null : withoutClass(newest.stacktrace.split(/\n\s+at /, 1)[0]!);
}

/** The cause when it is state that the tasks cannot read; an exception's name is its code. Null when all of them have read theirs since. */
export function unreadableStateOf(exceptions: ExceptionsAnswer, job: JobDetailsAnswer): string | null {
  const newest = exceptions.exceptionHistory.entries[0];
  if (newest === undefined || !isUnreadable(newest.exceptionName) || haveStarted(job)) return null;
  return causeOf(exceptions);
}

/** A task reads its state before it is RUNNING. */
const haveStarted = ({ state, vertices }: JobDetailsAnswer): boolean =>
  state === 'RUNNING' &&
  vertices.every(({ tasks }) =>
    Object.entries(tasks).every(([is, count]) => count === 0 || is === 'RUNNING' || is === 'FINISHED'),
  );
