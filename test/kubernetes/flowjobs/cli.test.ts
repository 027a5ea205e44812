// The command line on jobs that run in real pods: logs, checkpoints from the job's own REST API, savepoints, suspend and resume, delete.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { testCli, type TestCli } from '../../../src/cli/testing.ts';
import { run as runProgram } from '../command.ts';
import { until } from '../../harness/until.ts';
import { installOperator, Jobs, kubectl, NAMESPACE, uninstallOperator } from './operator.ts';

const jobs = new Jobs(NAMESPACE);
let cli: TestCli;

const sql = `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000');
CREATE TABLE printed (n BIGINT) WITH ('connector' = 'print');
INSERT INTO printed SELECT n FROM numbers;`;

const run = (line: string): Promise<{ code: number; out: string; err: string }> =>
  cli.run(`${line} --kubeconfig ${kubectl.kubeconfig} -n ${NAMESPACE}`);

beforeAll(async () => {
  await jobs.createNamespace();
  await installOperator();
  const manifest = {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'printing' },
    spec: { mode: 'Streaming', state: { checkpoint: { interval: '500ms' } }, job: { sql: { inline: sql } } },
  };
  cli = testCli({ now: () => new Date(), readInput: async () => JSON.stringify(manifest) });
  expect(await run('apply -f -')).toMatchObject({ code: 0, out: 'flowjob/printing created' });
  expect(await run('wait printing --for condition=Ready --timeout 180s')).toMatchObject({ code: 0 });
}, 600_000);

afterAll(async () => {
  await cli.close();
  await jobs.removeNamespace();
  await uninstallOperator();
}, 400_000);

test('get shows the job as it runs, describe its checkpoints and its events', async () => {
  expect((await run('get')).out).toMatch(/^printing +Streaming +Running +True +2 /m);
  // Events are written beside the status, and never waited for.
  const event = /^ {2}Normal +Running +\S+ +The job runs/m;
  const out = await until(
    'the event is there',
    async () => {
      const said = (await run('describe printing')).out;
      if (event.test(said)) return said;
      throw new Error(said);
    },
    { seconds: 60, every: 500 },
  );
  expect(out).toMatch(/^Checkpoints: [1-9]\d* completed$/m);
  expect(out).toMatch(/^ {2}Newest: number \d+, \d+s ago, /m);
});

test('logs are those of the process that is named, of several with their names in front', async () => {
  await until(
    'a row is printed',
    async () => /\+I\[\d+\]/.test((await run('logs printing --role taskmanager-0')).out),
    {
      seconds: 90,
    },
  );
  const all = (await run('logs printing --role all')).out.split('\n');
  expect(all.some((line) => line.startsWith('[jobmanager] '))).toBe(true);
  expect(all.some((line) => /^\[taskmanager-0\] .*\+I\[\d+\]/.test(line))).toBe(true);
  expect((await run('logs printing --role taskmanager-7')).err).toMatch(
    /has no process "taskmanager-7"; it has jobmanager, taskmanager-0/,
  );
  expect((await run('logs printing --attempt 9')).err).toContain(
    'there is no pod of attempt 9; there are pods of attempts 1',
  );
});

test('-f goes on with what is printed, until it is interrupted', async () => {
  await runProgram(process.execPath, ['scripts/build.ts', 'flowjob']);
  const args = ['dist/flowjob.js', 'logs', 'printing', '--role', 'taskmanager', '-f'];
  const child = spawn(process.execPath, [...args, '--kubeconfig', kubectl.kubeconfig, '-n', NAMESPACE]);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const before = Number(/.*\+I\[(\d+)\]/s.exec((await run('logs printing --role taskmanager')).out)?.[1]);
  for await (const line of createInterface(child.stdout))
    if (Number(/\+I\[(\d+)\]/.exec(line)?.[1] ?? 0) > before) break;
  child.kill('SIGINT');
  expect(await ended).toBe(0);
}, 240_000);

test('a savepoint is taken, its path printed, and who wants to look into it is told how', async () => {
  const taken = await run('savepoint printing --name by-hand');
  expect(taken).toMatchObject({ code: 0, err: 'flowsavepoint/by-hand created' });
  expect(taken.out).toMatch(/^\/flowjob\/state\/printing\/savepoints\/savepoint-/);
  expect((await run('get fjs by-hand')).out).toMatch(/by-hand +printing +Completed/);
  const { code, err } = await run('savepoint inspect by-hand');
  expect(code).toBe(1);
  const command = /kubectl (exec .*)$/.exec(err)?.[1];
  expect(await kubectl.run(...command!.split(' '))).toMatch(/^Whole: +yes/m);
}, 240_000);

test('a pod that failed and was replaced can still be read', async () => {
  // What runs in a container may end with it before it can say how it went.
  await kubectl
    .run(
      ...['exec', 'printing-1-taskmanager-0', '-n', NAMESPACE, '--'],
      ...['node', '-e', 'process.kill(1, "SIGTERM")'],
    )
    .catch((error: unknown) => expect(String(error)).toContain('exit code 137'));
  await until(
    'another TaskManager runs',
    async () =>
      (await run('logs printing --role taskmanager')).code === 0 &&
      (await jobs.pods('printing')).some(
        ({ metadata, status }) => metadata.name === 'printing-1-taskmanager-0-1' && status.phase === 'Running',
      ),
    { seconds: 120 },
  );
  const previous = await run('logs printing --role taskmanager -p');
  expect(previous.code).toBe(0);
  expect(previous.out).toMatch(/\+I\[0\]/);
}, 300_000);

test('suspend stops it with a savepoint, resume goes on, delete waits until all is gone', async () => {
  expect((await run('suspend printing')).out).toBe('flowjob/printing suspended');
  expect((await run('wait printing --for state=Suspended --timeout 180s')).code).toBe(0);
  await jobs.untilNoPods('printing');
  expect((await run('logs printing')).err).toMatch(/has no pod, so there is no log: it is Suspended/);
  expect((await run('describe printing')).out).not.toMatch(/^Checkpoints:/m);
  expect((await run('resume printing')).out).toBe('flowjob/printing resumed');
  expect((await run('wait printing --for state=Running --timeout 180s')).code).toBe(0);
  await until(
    'it is told what the run began from',
    async () => /Restored From: file:\/flowjob\/state/.test((await run('describe printing')).out),
    { seconds: 90 },
  );
  expect((await run('delete printing')).out).toMatch(
    /^flowjob\/printing deleted\nflowjob\/printing was stopped with a savepoint at \/flowjob\/state\//,
  );
  expect(await jobs.pods('printing')).toEqual([]);
  expect((await run('get')).err).toMatch(/^No flowjobs in namespace/);
}, 500_000);
