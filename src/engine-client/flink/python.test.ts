// What is told of a program in Python that fails, of what Python writes then.
import { LOG_PROPERTIES, logProperties } from './command.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { PYTHON_DRIVER, pythonConfig, pythonError, scriptError } from './python.ts';

test('an error is told with the place in the user’s file, not with that in a library', () => {
  const output = `reading
Traceback (most recent call last):
  File "/tmp/pyflink/0bb2/d4a1/orders.py", line 27, in <module>
    main()
  File "/tmp/pyflink/0bb2/d4a1/orders.py", line 12, in main
    tables.execute_sql(None)
  File "/venv/lib/python3.11/site-packages/pyflink/table/table_environment.py", line 837, in execute_sql
    return TableResult(self._j_tenv.executeSql(stmt))
  File "/opt/flink/opt/python/pyflink.zip/pyflink/util/exceptions.py", line 162, in deco
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
    raise TypeError("no text")
TypeError: no text
`;
  expect(pythonError(output)).toBe('TypeError: no text (orders.py, line 12)');
});

test('of errors that follow each other the last one is told, whole', () => {
  const output = `Traceback (most recent call last):
  File "/job/orders.py", line 2, in f
    raise ValueError("first")
ValueError: first

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/job/orders.py", line 6, in <module>
    raise RuntimeError("outer\\nmore") from e
RuntimeError: outer
more
`;
  expect(pythonError(output)).toBe('RuntimeError: outer\nmore (orders.py, line 6)');
});

test('what has no trace is told by the last line', () => {
  expect(pythonError('  File "/job/orders.py", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax\n')).toBe(
    'SyntaxError: invalid syntax (orders.py, line 3)',
  );
  const nowhere = "/usr/bin/python3: can't open file '/job/nowhere.py': [Errno 2] No such file or directory";
  expect(pythonError(`${nowhere}\n`)).toBe(nowhere);
  expect(pythonError('reading\nno input\n')).toBe('no input');
  expect(pythonError('\n')).toBeNull();
});

describe('of a script that fails', () => {
  const FAILURE = 'Python process exits with code: 137';
  const log = (output: string): string =>
    `---- Python Process Started ----\n${output}---- Python Process Exited ----\n`;

  test('the error is told, and without a trace the exit code besides its last words', () => {
    const trace = 'Traceback (most recent call last):\n  File "/job/orders.py", line 2, in <module>\nKeyError: 1\n';
    expect(scriptError(log(trace), FAILURE)).toBe('KeyError: 1 (orders.py, line 2)');
    expect(scriptError(log('reading\n'), FAILURE)).toBe(`${FAILURE}: reading`);
  });

  test('the exit code alone is told where it has written nothing, or another log is shown', () => {
    expect(scriptError(log(''), FAILURE)).toBe(FAILURE);
    expect(scriptError('2026 INFO ---- Python Process Exited ----\n2026 INFO bye\n', FAILURE)).toBe(FAILURE);
  });
});

test('what Python writes is kept apart for programs in Python alone', () => {
  const job = (entryClass: string) => ({ parallelism: 1, jar: { uri: '/a.jar', entryClass } });
  const spec = (entryClass: string) => ({ job: job(entryClass) }) as ResolvedFlowJobSpec;
  expect(pythonConfig(job('com.example.Main'), '/tmp')).toEqual({});
  expect(logProperties(spec('com.example.Main'), '/tmp')).toBe(LOG_PROPERTIES);
  const file = pythonConfig(job(PYTHON_DRIVER), '/tmp')['web.log.path'];
  expect(logProperties(spec(PYTHON_DRIVER), '/tmp')).toContain(`\nappender.python.fileName = ${file}\n`);
});
