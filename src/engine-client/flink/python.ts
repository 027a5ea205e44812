// Programs in Python. Flink's PythonDriver runs the script as a process of its own, and of one that fails knows the exit code alone, unless it was a call of Flink's that
// failed: the error stands in what the script wrote. That goes into the JobManager's log, and here into a file besides, which its REST API shows as its log.
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { EngineClientError, type EngineClient } from '../engine-client.ts';

export const PYTHON_DRIVER = 'org.apache.flink.client.python.PythonDriver';

const isPython = ({ jar }: ResolvedFlowJobSpec['job']): boolean => jar?.entryClass === PYTHON_DRIVER;

/** In a folder of its own: Flink shows all files of that folder over REST. */
const fileIn = (temporary: string): string => `${temporary}/python-output/output.log`;

/** Keys of Flink's configuration. */
export const pythonConfig = (job: ResolvedFlowJobSpec['job'], temporary: string): Record<string, string> =>
  isPython(job) ? { 'web.log.path': fileIn(temporary) } : {};

/** What the configuration of the log is to have more. A script that writes without end has its last megabytes kept. */
export const pythonLogProperties = (job: ResolvedFlowJobSpec['job'], temporary: string): string =>
  isPython(job)
    ? [
        `logger.python.name = ${PYTHON_DRIVER}`,
        'logger.python.level = INFO',
        'logger.python.appenderRef.python.ref = Python',
        'appender.python.name = Python',
        'appender.python.type = RollingFile',
        `appender.python.fileName = ${fileIn(temporary)}`,
        `appender.python.filePattern = ${fileIn(temporary)}.%i`,
        'appender.python.policies.type = Policies',
        'appender.python.policies.size.type = SizeBasedTriggeringPolicy',
        'appender.python.policies.size.size = 1MB',
        'appender.python.strategy.type = DefaultRolloverStrategy',
        'appender.python.strategy.max = 1',
        'appender.python.layout.type = PatternLayout',
        'appender.python.layout.pattern = %m%n',
        '',
      ].join('\n')
    : '';

const FAILED = /^Python process exits with code: \d+$/;
const STARTED = /^-+ Python Process Started -+$/m;
const EXITED = /^-+ Python Process Exited -+$/m;

/** `failure`: what Flink says of a program that failed. Returns what is to be told. Throws EngineClientError when nothing answers. */
export async function withPythonError(client: EngineClient, failure: string): Promise<string> {
  if (!FAILED.test(failure)) return failure;
  try {
    return scriptError(await client.text('/jobmanager/log'), failure);
  } catch (error) {
    // Another log is configured.
    if (error instanceof EngineClientError && error.httpStatus !== null) return failure;
    throw error;
  }
}

/** `log`: what PythonDriver has written; where that is something else, `failure` is all there is. */
export function scriptError(log: string, failure: string): string {
  if (!EXITED.test(log)) return failure;
  const output = log.split(EXITED, 1)[0]!.split(STARTED).at(-1)!;
  const error = pythonError(output);
  if (error === null) return failure;
  // The last words of a script that somebody ended are no error of its own.
  return output.includes(TRACEBACK) || FRAME_LINE.test(output) ? error : `${failure}: ${error}`;
}

/** Stands above each trace of Python. */
export const TRACEBACK = 'Traceback (most recent call last):';
const FRAME = /^\s+File "([^"]*)", line (\d+)/;
const FRAME_LINE = new RegExp(FRAME, 'm');
/** Of Python, its packages and PyFlink. */
const LIBRARY = /\/(?:site|dist)-packages\/|\/lib\/python3|\.zip\/|^(?:<|apache_beam\/|pyflink\/)/;
const LONGEST = 500;

/**
 * The error that a Python process ended with, and where in the user's own files: `NameError: name 'x' is not defined (orders.py, line 4)`. `output`: the last that it
 * wrote. Null where that is nothing.
 */
export function pythonError(output: string): string | null {
  const lines = output.trimEnd().split('\n');
  const trace = lines.findLastIndex((line) => line.endsWith(TRACEBACK));
  const isError = (line: string, index: number): boolean => index > trace && /^\S/.test(line);
  // Behind a trace comes the error, which may have several lines. What has none, such as a script that cannot be read, is told last.
  const at = trace === -1 ? lines.findLastIndex(isError) : lines.findIndex(isError);
  if (at === -1) return null;
  const error = lines.slice(at).join('\n').slice(0, LONGEST);
  const frames = lines.slice(Math.max(trace, 0), at).flatMap((line) => {
    const [, file, number] = FRAME.exec(line) ?? [];
    return file === undefined || LIBRARY.test(file) ? [] : [`${file.slice(file.lastIndexOf('/') + 1)}, line ${number}`];
  });
  const place = frames.at(-1);
  return place === undefined ? error : `${error} (${place})`;
}
