// The last two kilobytes of logs that JobManagers of Flink 2.3 wrote before they gave up, as a kubelet keeps them.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lastWords } from './last-words.ts';

const recorded = resolve(__dirname, '../../../test/fixtures/flink-2.3/startup');

test.each([
  ['jar-missing', "JAR file does not exist '/nowhere/a.jar' -> correct spec.job.jar.uri: the image has no such file"],
  [
    'class-missing',
    "The program's entry point class 'com.example.Nope' was not found in the jar file -> correct spec.job.jar.entryClass",
  ],
  [
    'no-manifest',
    "Neither a 'Main-Class', nor a 'program-class' entry was found in the jar file -> name the class in spec.job.jar.entryClass",
  ],
])('%s is told with its remedy', (file, told) => {
  expect(lastWords(readFileSync(join(recorded, `${file}.txt`), 'utf8'))).toBe(told);
});

test('another exception is told by its root', () => {
  const log =
    '10:00 ERROR Entrypoint - Fatal.\na.b.Outer: no\n\tat a.b.C(D.java:1)\nCaused by: java.net.BindException: in use\n\tat a.b.C(D.java:2)\n\t... 3 more\n';
  expect(lastWords(log)).toBe('BindException: in use');
});

test('what finds no class any more because the JobManager is going is not why it goes', () => {
  const why = 'a.b.Outer: no\n\tat a.b.C(D.java:1)\nCaused by: java.net.BindException: in use\n\tat a.b.C(D.java:2)\n';
  const going =
    'java.lang.NoClassDefFoundError: scala/concurrent/duration/Deadline$\n\tat a.b.C(D.java:1)\n' +
    'Caused by: java.lang.ClassNotFoundException: org.apache.pekko.actor.Actor$1\n\tat a.b.C(D.java:2)\n';
  expect(lastWords(why + going)).toBe('BindException: in use');
  expect(lastWords(going)).toBeNull();
});

test('a log without a stack trace says nothing', () => {
  expect(lastWords('10:00 INFO org.apache.flink.Main: up\n10:01 INFO org.apache.flink.Main: down')).toBeNull();
});
