// What a Java stack trace says to people. Flink wraps what went wrong in what it was doing at the time, several times over; the cause is the last of these.
import { pythonError, TRACEBACK } from './python.ts';

export interface Cause {
  /** Without its package: `NumberFormatException`. */
  name: string;
  message: string;
}

/** From the outermost to the root; `null` stands for no message in Java. */
function causesIn(stacktrace: string): Cause[] {
  return stacktrace
    .split(/\n(?=Caused by: )/)
    .map((part) =>
      part
        .replace(/^Caused by: /, '')
        .split(/\n\s+(?:at |\.\.\. )/, 1)[0]!
        .trim(),
    )
    .map(causeOf);
}

function causeOf(text: string): Cause {
  const [, name = '', message = text] = /^(?:[\w$]+\.)*([\w$]+)(?:: ([\s\S]*))?$/.exec(text) ?? [];
  return { name, message: message === 'null' || message === text ? '' : message };
}

const PLACE = /\bline \d+, column \d+|\bline \d+:\d+/;

/** Names that are true of anything. */
const SAYS_NOTHING: readonly string[] = ['Exception', 'RuntimeException', 'Error', 'Throwable'];

/** What Flink says that has a remedy which it cannot know. */
const REMEDIES: readonly { said: RegExp; remedy: string }[] = [
  {
    said: /Found \d+ flink-sql-gateway jar/,
    remedy:
      'SQL is run by the one jar of Flink’s SQL gateway in /opt/flink/opt, which the image has not got, or has more of: name one in spec.engine.image that has it, as Flink’s own has.',
  },
  {
    said: /Cannot map (?:checkpoint\/)?savepoint state for operator/,
    remedy:
      'What this version starts from has state of an operator that its plan has not got: take the change back, give operators of a jar the uids that they had, or start without that state (spec.upgrade.strategy: Stateless).',
  },
  {
    said: /Could not find a file system implementation for scheme 's3'/,
    remedy:
      'The image lacks Flink’s plugin for S3: put flink-s3-fs-hadoop-VERSION.jar of its opt folder into plugins/s3-fs-hadoop/, as Dockerfile.flink of FlowJob does. ENABLE_BUILT_IN_PLUGINS is read by the entry point of Flink’s image, which is not run.',
  },
];

/** The one line that says most: where an error of SQL has its place, with the place; else the root. With what to do, where that is known. */
export function describeTrace(stacktrace: string): string {
  const remedy = REMEDIES.find(({ said }) => said.test(stacktrace))?.remedy;
  const line = lineOf(stacktrace);
  return remedy === undefined ? line : `${remedy} (${line})`;
}

function lineOf(stacktrace: string): string {
  const causes = causesIn(stacktrace);
  const told = causes.filter(({ message }) => message !== '');
  const placed = told.filter(({ message }) => PLACE.test(message)).at(-1);
  const root = placed ?? told.at(-1) ?? causes.at(-1)!;
  const text =
    root.message === '' ? root.name : SAYS_NOTHING.includes(root.name) ? root.message : `${root.name}: ${root.message}`;
  const outer = causes.find(({ message }) => PLACE.test(message) && message.length > root.message.length);
  // Two of Flink's layers put the same words before it.
  if (outer !== undefined) return outer.message.replace(/^(SQL validation failed\. )\1+/, '$1');
  // A function in Python that failed comes with a trace of Python.
  return (root.message.includes(TRACEBACK) ? pythonError(root.message) : null) ?? text;
}

/** A trace of Java, with causes of its own: the embedded engine's have none. */
export const isJavaTrace = (stacktrace: string): boolean => /\n\s+at [\w.$/]+\([^)]*\)/.test(stacktrace);
