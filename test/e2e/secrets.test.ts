// A secret that a job's SQL refers to reaches its connectors, and stands nowhere else: not in objects, files, logs, command lines or answers.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import type { Endpoints } from '../../engine/config.ts';
import { readJsonRows } from '../demo/results.ts';
import { condition, engineProcesses, eventually } from '../harness/cli.ts';
import { withLocalOperator } from '../harness/local-operator.ts';

const CANARY = 'c4nary/7f3e+b0==';
const { cli, home, work } = withLocalOperator('secrets');
const secretFile = join(home, 'secrets', 'db', 'password');
/** All that was printed or answered. */
const heard: string[] = [];

/** A job that reads `rows` of id and v, in which the secret stands for NULL. */
function manifest(name: string, mode: 'Batch' | 'Streaming', rows: string): string {
  const [file, data] = [join(work, `${name}.yaml`), join(work, `${name}.csv`)];
  writeFileSync(data, rows);
  const replay = mode === 'Streaming' ? `'replay.rate' = '1000', 'replay.on-end' = 'wait',` : '';
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: ${mode}
  ${mode === 'Batch' ? 'batch: {backoffLimit: 0}' : 'state: {checkpoint: {interval: 200ms}}'}
  taskManager: {replicas: 1, slots: 1}
  job:
    sql:
      inline: |
        CREATE TABLE rows_in (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '${data}', 'format' = 'csv',
          ${replay} 'csv.null-literal' = '\${secret:db:password}');
        CREATE TABLE kept (id INT, v INT) WITH ('connector' = 'filesystem', 'path' = '${join(work, 'out', name)}', 'format' = 'json');
        INSERT INTO kept SELECT id, v FROM rows_in;
`,
  );
  return file;
}

const until = (name: string, what: string, holds: (job: FlowJob) => boolean): Promise<FlowJob> =>
  eventually(`${name} ${what}`, 40, async () => {
    const job = await cli.get(name);
    return holds(job) ? job : undefined;
  });

async function listen(name: string): Promise<void> {
  for (const args of [
    ['get', 'flowjobs', name, '-o', 'yaml'],
    ['describe', 'flowjob', name],
    ['logs', name],
  ])
    heard.push(JSON.stringify(await cli.run(...args)));
}

test('a job waits for its secret, says which file is missing, and goes on when it is there', async () => {
  await cli.must('apply', '-f', manifest('good', 'Batch', `1,7\n2,${CANARY}\n`));
  const waiting = await until(
    'good',
    'says so',
    ({ status }) => status?.conditions.some(({ reason }) => reason === 'PodNotStarting') === true,
  );
  expect(JSON.stringify(waiting.status?.conditions)).toMatch(
    /key \\"password\\" of Secret \\"db\\", which is the file .*secrets\/db\/password, and that cannot be read \(ENOENT\)/,
  );
  mkdirSync(join(home, 'secrets', 'db'), { recursive: true });
  writeFileSync(secretFile, `${CANARY}\n`);
  chmodSync(secretFile, 0o600);
  await until('good', 'is complete', (job) => condition(job, 'Complete') === 'True');
  expect(readJsonRows(join(work, 'out', 'good'))).toEqual([
    { id: 1, v: 7 },
    { id: 2, v: null },
  ]);
  await listen('good');
}, 90_000);

test('an error that quotes the secret is told without it', async () => {
  await cli.must('apply', '-f', manifest('bad', 'Batch', `1,x${CANARY}\n`));
  const failed = await until('bad', 'has failed', (job) => condition(job, 'Failed') === 'True');
  expect(failed.status?.conditions.find(({ type }) => type === 'Failed')?.message).toContain('x******');
  await listen('bad');
}, 60_000);

test('the plan, the answers and the checkpoints of a running stream hold the reference', async () => {
  await cli.must('apply', '-f', manifest('stream', 'Streaming', `1,7\n2,${CANARY}\n`));
  await until('stream', 'runs', (job) => job.status?.state === 'Running');
  const folder = join(home, 'jobs', 'stream', 'attempt-1');
  const { restUrl, jobId } = JSON.parse(readFileSync(join(folder, 'endpoints.json'), 'utf8')) as Endpoints;
  const authorization = `Bearer ${readFileSync(join(folder, 'token'), 'utf8').trim()}`;
  const job = [
    '',
    '/plan',
    '/config',
    '/exceptions',
    '/checkpoints',
    '/checkpoints/config',
    '/metrics',
    '/accumulators',
  ];
  for (const path of [
    '/config',
    '/overview',
    '/taskmanagers',
    '/jobmanager/config',
    ...job.map((part) => `/jobs/${jobId}${part}`),
  ])
    heard.push(await (await fetch(restUrl + path, { headers: { authorization } })).text());
  expect(heard.some((answer) => answer.includes('"plan"'))).toBe(true);
  heard.push(JSON.stringify(engineProcesses(home)));
  await listen('stream');
}, 60_000);

test('it stands in no file of the operator, in no command line, log, object or answer', () => {
  const files = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => file !== secretFile)
    .flatMap((file) => contentOf(file));
  const needles = [CANARY, 'c4nary'];
  const found = files.filter(({ content }) => needles.some((needle) => content.includes(needle)));
  expect(files.length).toBeGreaterThan(20);
  expect(found.map(({ file }) => file)).toEqual([]);
  expect(heard.filter((text) => needles.some((needle) => text.includes(needle)))).toEqual([]);
  expect(files.some(({ content }) => content.includes('${secret:db:password}'))).toBe(true);
});

/** The file, or none when the running stream has taken it away since it was listed: its log writes under a name that it changes. */
function contentOf(file: string): { file: string; content: Buffer }[] {
  try {
    return [{ file, content: readFileSync(file) }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
