import type { ExceptionsAnswer, JobDetailsAnswer } from '../engine-client/answers.ts';
import { causeOf, unreadableStateOf } from './engine-causes.ts';

const exceptions = (exceptionName: string, stacktrace: string): ExceptionsAnswer => ({
  exceptionHistory: { entries: [{ exceptionName, stacktrace, timestamp: 1 }] },
});
const corrupt = exceptions(
  'SAVEPOINT_CORRUPT',
  'SAVEPOINT_CORRUPT: shared/1.pages cannot be restored from: the page at byte 64 does not match its checksum\nHint: copy it again\n    at readAll (page-reader.ts:99:9)\n    at restore (task.ts:1:1)',
);
const job = (state: JobDetailsAnswer['state'], ...tasks: Record<string, number>[]): JobDetailsAnswer => ({
  state,
  'start-time': 1,
  duration: 0,
  'end-time': -1,
  vertices: tasks.map((one, index) => ({ id: `v${index}`, parallelism: 2, maxParallelism: 128, tasks: one })),
});

test('a cause is told with its code and its hint, without the frames of the stack and without a class of Java', () => {
  expect(causeOf(corrupt)).toBe(
    'SAVEPOINT_CORRUPT: shared/1.pages cannot be restored from: the page at byte 64 does not match its checksum\nHint: copy it again',
  );
  expect(causeOf(exceptions('java.lang.Exception', 'java.lang.Exception: no\n\tat a.B.c(B.java:1)'))).toBe('no');
  expect(causeOf({ exceptionHistory: { entries: [] } })).toBeNull();
});

test('by its code a failure to read state is known, whatever its words, until all tasks have read theirs', () => {
  const other = exceptions('CSV_BAD_ROW', 'CSV_BAD_ROW: shared/1.pages cannot be restored from');
  expect(unreadableStateOf(corrupt, job('RESTARTING', { CANCELED: 2 }))).toBe(causeOf(corrupt));
  expect(unreadableStateOf(corrupt, job('RUNNING', { RUNNING: 2 }, { RUNNING: 1, INITIALIZING: 1 }))).not.toBeNull();
  expect(unreadableStateOf(corrupt, job('RUNNING', { RUNNING: 2, FAILED: 0 }, { FINISHED: 2 }))).toBeNull();
  expect(unreadableStateOf(other, job('RESTARTING', { CANCELED: 2 }))).toBeNull();
});
