// The command lines as a container's shell runs them, with a `java` that tells what it was started with.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { admit } from '../../api/admission.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { FLINK_ENVIRONMENT, jobManagerCommand, sessionCommand, taskManagerCommand } from './command.ts';

const JAVA = `#!/bin/sh
echo "$CLASSPATH"
printf '%s\\n' "$@"
`;

const job = admit({
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { name: 'orders' },
  spec: { mode: 'Streaming', engine: { type: 'Flink', version: '2.3' }, job: { sql: { inline: 'SELECT 1' } } },
}) as FlowJob;
const spec = resolveSpec(job.spec);
const folders = { config: '/conf', temporary: '/tmp' };
const files = { script: '/job.sql', jar: '' };
const attempt = { jobId: 'a'.repeat(32), files, restoreFrom: undefined, allowNonRestoredState: undefined };
const LIBRARIES = ['lib/a-connector.jar', 'lib/flink-dist-2.3.0.jar', 'lib/z.jar'];

let home = '';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'flowjob-flink-home-'));
  put('bin/java', JAVA);
  chmodSync(join(home, 'bin/java'), 0o755);
});

afterEach(() => rmSync(home, { recursive: true }));

function put(path: string, content = ''): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

function run([program, ...args]: readonly string[]): { stdout: string; status: number | null } {
  const own = (text: string): string => text.replaceAll('/opt/flink', home);
  const variables = Object.entries(FLINK_ENVIRONMENT).map(([name, value]) => [name, own(value)]);
  const PATH = `${home}/bin:/usr/bin:/bin`;
  const env = { ...Object.fromEntries(variables), PATH, CLASSPATH: '/elsewhere.jar' };
  return spawnSync(program!, args, { env, encoding: 'utf8' });
}

/** What `java` was started with, below the folder that stands for /opt/flink. */
function started(command: readonly string[]): { classPath: string[]; options: string[] } {
  const [classPath, ...options] = run(command).stdout.replaceAll(`${home}/`, '').trimEnd().split('\n');
  return { classPath: classPath!.split(':'), options };
}

const application = (): string[] => jobManagerCommand(spec, attempt, folders, 'here');
const place = { resourceId: 'tm-0', memory: '2Gi', address: 'here', jobManagerAddress: 'there' };

test('the class path has all libraries of the image in the order of Flink’s own scripts, with Flink itself behind them', () => {
  for (const path of LIBRARIES) put(path);
  const expected = ['lib/a-connector.jar', 'lib/z.jar', 'lib/flink-dist-2.3.0.jar'];
  expect(started(application()).classPath).toEqual(expected);
  expect(started(taskManagerCommand(spec, folders, place)).classPath).toEqual(expected);
});

test('a session finds the user’s libraries behind Flink’s, if there are any; an application looks for them itself', () => {
  for (const path of LIBRARIES) put(path);
  const session = (): string[] => started(sessionCommand(spec, attempt, folders, 'here')).classPath;
  const taskManager = (): string[] => started(taskManagerCommand(spec, folders, { ...place, session: true })).classPath;
  for (const classPath of [session, taskManager]) expect(classPath().at(-1)).toBe('lib/flink-dist-2.3.0.jar');
  put('usrlib/own.jar');
  for (const classPath of [session, taskManager])
    expect(classPath().slice(-2)).toEqual(['lib/flink-dist-2.3.0.jar', 'usrlib/own.jar']);
  expect(started(application()).classPath).not.toContain('usrlib/own.jar');
});

test('each role starts with the archive of its classes where the image has one, and with none otherwise', () => {
  for (const path of LIBRARIES) put(path);
  expect(started(application()).options.join(' ')).not.toContain('SharedArchiveFile');
  put('class-archives/jobmanager.jsa');
  const option = '-XX:SharedArchiveFile=class-archives/jobmanager.jsa';
  expect(started(application()).options[0]).toBe(option);
  expect(started(sessionCommand(spec, attempt, folders, 'here')).options[0]).toBe(option);
  const taskManager = (): string => started(taskManagerCommand(spec, folders, place)).options.join(' ');
  expect(taskManager()).not.toContain('SharedArchiveFile');
  put('class-archives/taskmanager.jsa');
  expect(taskManager()).toContain('-XX:SharedArchiveFile=class-archives/taskmanager.jsa');
});

test('an image without Flink is told by the field that names it', () => {
  expect(run(application())).toMatchObject({
    status: 127,
    stdout: expect.stringMatching(/^spec\.engine\.image has .* -> name an image that is laid out as the official one/),
  });
});

test('what a script prints that has values of Secrets in it goes nowhere', () => {
  for (const path of LIBRARIES) put(path);
  const command = jobManagerCommand(spec, { ...attempt, silent: true }, folders, 'here');
  expect(run(command)).toMatchObject({ status: 0, stdout: '' });
  expect(command).toContain('-Dflowjob.log.target=SYSTEM_ERR');
  expect(application()).not.toContain('-Dflowjob.log.target=SYSTEM_ERR');
});
