// Stack traces as Flink 2.3 has given them, and what is told of them.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExceptionsAnswer } from '../answers.ts';
import { describeTrace, isJavaTrace } from './root-cause.ts';

const recorded = resolve(__dirname, '../../../test/fixtures/flink-2.3');
const traceIn = (file: string): string => {
  const answer = JSON.parse(readFileSync(join(recorded, file), 'utf8')) as ExceptionsAnswer;
  return answer.exceptionHistory.entries[0]!.stacktrace;
};

test('SQL that names no table is told with its place', () => {
  expect(describeTrace(traceIn('appmode/bad_applications_id_exceptions.json'))).toBe(
    "SQL validation failed. From line 1, column 18 to line 1, column 24: Object 'nowhere' not found",
  );
});

test('a task that fails is told by its root, not by what Flink did when it heard of it', () => {
  expect(describeTrace(traceIn('appmode/fail_applications_id_exceptions.json'))).toBe(
    "NumberFormatException: For input string: 'x1449745058'. Invalid character found.",
  );
});

test('an image without the jar that runs SQL is told by its field', () => {
  const trace = 'a.b.TableException: Found 0 flink-sql-gateway jar.\n\tat x.y(Z.java:1)';
  expect(describeTrace(trace)).toMatch(/spec\.engine\.image .*Found 0 flink-sql-gateway jar/);
});

test('words that Flink puts before an error of SQL twice are told once', () => {
  const inner = 'SQL validation failed. From line 4, column 57: Column not found';
  const trace = `a.B: SQL validation failed. ${inner}\n\tat x.y(Z.java:1)\nCaused by: c.D: ${inner}\n\tat x.y(Z.java:1)`;
  expect(describeTrace(trace)).toBe(inner);
});

test('causes without a message are passed over, and one alone is told by its name', () => {
  expect(
    describeTrace('a.B: outer\n\tat x.y(Z.java:1)\nCaused by: c.D: null\n\tat x.y(Z.java:2)\n\t... 3 more\n'),
  ).toBe('B: outer');
  expect(describeTrace('java.lang.NullPointerException\n\tat x.y(Z.java:1)\n')).toBe('NullPointerException');
});

test('a message of several lines stays whole', () => {
  const trace =
    'a.B: x\n\tat x.y(Z.java:1)\nCaused by: c.D: Could not find any factory.\n\nAvailable are:\n\nblackhole\n\tat x.y(Z.java:1)';
  expect(describeTrace(trace)).toBe('D: Could not find any factory.\n\nAvailable are:\n\nblackhole');
});

test('a function in Python that fails is told by its error and its place in the user’s file', () => {
  const trace = `org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(ExecutionFailureHandler.java:219)
Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: Traceback (most recent call last):
  File "/tmp/pyflink/orders.py", line 19, in root
    return math.isqrt(n)
           ^^^^^^^^^^^^^
  File "pyflink/fn_execution/beam/beam_operations_fast.pyx", line 214, in pyflink.fn_execution.beam.beam_operations_fast.FunctionOperation.process
ValueError: isqrt() argument must be nonnegative

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient$ResponseStreamObserver.onNext(FnApiControlClient.java:180)`;
  expect(describeTrace(trace)).toBe('ValueError: isqrt() argument must be nonnegative (orders.py, line 19)');
});

test('a trace of Java is told from one of the embedded engine', () => {
  expect(isJavaTrace(traceIn('appmode/fail_applications_id_exceptions.json'))).toBe(true);
  expect(isJavaTrace('SAVEPOINT_CORRUPT: no\nHint: x\n    at readAll (page-reader.ts:99:9)')).toBe(false);
});
