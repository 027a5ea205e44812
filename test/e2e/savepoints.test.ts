// Savepoints as people keep them: moved to where neither input nor output was, looked through with the command line, and gone on from; those of old versions too.
import { execFileSync, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { orders, rowText, stateOf } from '../../engine/checkpoint/orders.fixture.ts';
import { EngineCluster, kill } from './engine-cluster.ts';

const FIXTURES = resolve('test/fixtures/savepoints');
const JOB = '0000000000000000000000000000000b';
const WINDOW = 10_000;

const CONFIG = {
  'taskmanager.numberOfTaskSlots': 3,
  'parallelism.default': 2,
  'execution.checkpointing.interval': '300ms',
};

let cluster: EngineCluster;
beforeEach(() => {
  cluster = new EngineCluster(CONFIG);
  mkdirSync(cluster.path('input'));
  cpSync(join(FIXTURES, 'orders.csv'), cluster.path('input', 'orders.csv'));
});
afterEach(async () => cluster.stop());

/** The recorded job on the cluster's folders. */
function job(rate: number, input = cluster.path('input'), output = cluster.path('output')): string {
  return readFileSync(join(FIXTURES, 'job.sql'), 'utf8')
    .replaceAll('{{input}}', input)
    .replaceAll('{{output}}', output)
    .replaceAll('{{rate}}', String(rate));
}

const checkpoints = async (count: number): Promise<void> =>
  cluster.until(`${count} checkpoints`, async () => {
    const running = (await cluster.status(JOB)) === 'RUNNING';
    return running && (await cluster.completedCheckpoints(JOB)) >= count;
  });

/** Stops the job with a savepoint; where it is. */
async function stop(): Promise<string> {
  const triggerId = 'e'.repeat(32);
  await cluster.send('POST', `/jobs/${JOB}/stop`, { triggerId, drain: false });
  await finished(JOB);
  const path = `/jobs/${JOB}/savepoints/${triggerId}`;
  const { operation } = await cluster.get<{ operation: { location?: string } }>(path);
  if (operation.location === undefined) throw new Error(`no savepoint was taken: ${JSON.stringify(operation)}`);
  return operation.location;
}

interface Held extends Record<string, unknown> {
  committables: { payload: { from: string; to: string } }[];
}

/** Stops a job that takes no checkpoint but that of the stop, once it has written rows: the savepoint then holds output that is on its way. */
async function stopAmidOutput(sql: string, output: string): Promise<{ savepoint: string; processes: ChildProcess[] }> {
  const rarely = ['-D', 'execution.checkpointing.interval=1h'];
  const processes = [cluster.startTaskManager('tm-0'), cluster.startJobManager(1, JOB, sql, rarely)];
  const inProgress = (name: string): boolean => name.includes('.inprogress.');
  await cluster.until('rows', async () => existsSync(output) && readdirSync(output).some(inProgress));
  return { savepoint: await stop(), processes };
}

const finished = async (jobId: string): Promise<void> =>
  cluster.until(`${jobId} is FINISHED`, async () => {
    const status = await cluster.status(jobId);
    if (status === 'FAILED') throw new Error(JSON.stringify(await cluster.get(`/jobs/${jobId}/exceptions`)));
    return status === 'FINISHED';
  });

/** The rows of all windows, as text: customer, start, count. */
function allWindows(): string[] {
  const rows = stateOf(orders(join(FIXTURES, 'orders.csv')), ['customer'], ['count(*)'], { size: WINDOW, after: 0 });
  return rows
    .map((text) => {
      const [customer, count, end] = JSON.parse(text) as [string | null, string, number];
      return rowText([customer, new Date(end - WINDOW).toISOString().slice(0, 19).replace('T', ' '), count]);
    })
    .sort();
}

/** Rows of the sink's files as the same text. */
const windowsIn = (lines: string[]): string[] =>
  lines
    .map((line) => {
      const [, customer, start, count] = /^("[^"]*"|[^,]*),([^,]*),([^,]*)/.exec(line)!;
      const name = customer === 'NULL' ? null : customer!.replaceAll('"', '');
      return rowText([name, start!.slice(0, 19), `${count}n`]);
    })
    .sort();

const linesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '');

/** What the command line shows of a savepoint; throws what it says of one that is damaged. */
function inspect(savepoint: string): Record<string, unknown> {
  const program = [resolve('dist/flowjob.js'), 'savepoint', 'inspect', savepoint, '-o', 'json'];
  return JSON.parse(execFileSync(process.execPath, program, { encoding: 'utf8', stdio: 'pipe' })) as Record<
    string,
    unknown
  >;
}

/** Makes a savepoint or checkpoint of version 1, which holds absolute paths, as if it had been taken where input and output lie now. */
function relocateVersion1(folder: string): void {
  const file = join(folder, '_metadata');
  const bytes = readFileSync(file);
  if (bytes.readUInt32LE(4) !== 1) return;
  const json = Buffer.from(bytes.toString('utf8', 16).replaceAll('/data/flowjob', cluster.root));
  const header = bytes.subarray(0, 16);
  header.writeUInt32LE(json.length, 8);
  header.writeUInt32LE(crc32(json), 12);
  writeFileSync(file, Buffer.concat([header, json]));
}

const VERSIONS = readdirSync(FIXTURES).filter((name) => /^v\d+$/.test(name));

test.each(VERSIONS)(
  'a job goes on from a savepoint of %s, at another parallelism',
  async (version) => {
    const savepoint = cluster.path('kept');
    cpSync(join(FIXTURES, version, 'savepoint'), savepoint, { recursive: true });
    relocateVersion1(savepoint);
    cluster.startTaskManager('tm-0');
    cluster.startJobManager(1, JOB, `SET 'parallelism.default' = '3';\n${job(5_000)}`, ['--from-savepoint', savepoint]);
    await finished(JOB);
    const before = linesOf(join(FIXTURES, version, 'output'));
    expect(windowsIn([...before, ...cluster.rows('output')])).toEqual(allWindows());
  },
  60_000,
);

test.each(VERSIONS)(
  'a job that was killed goes on from the state folder of %s',
  async (version) => {
    const killed = '0000000000000000000000000000000a';
    cpSync(join(FIXTURES, version, 'killed', 'state'), cluster.path('state'), { recursive: true });
    cpSync(join(FIXTURES, version, 'killed', 'output'), cluster.path('output'), { recursive: true });
    const checkpoints = cluster.path('state', 'checkpoints', killed);
    for (const name of readdirSync(checkpoints)) if (name.startsWith('chk-')) relocateVersion1(join(checkpoints, name));
    cluster.startTaskManager('tm-0');
    cluster.startJobManager(2, killed, job(5_000));
    await finished(killed);
    expect(windowsIn(cluster.rows('output'))).toEqual(allWindows());
  },
  60_000,
);

test('a savepoint is whole by itself: with its input it can be carried away, and names no place', async () => {
  const taskManager = cluster.startTaskManager('tm-0');
  // Slow enough that a busy machine has not read all of it before it is stopped.
  const first = cluster.startJobManager(1, JOB, job(100));
  await checkpoints(3);
  const taken = await stop();
  await kill(first);
  await kill(taskManager);

  const moved = cluster.path('elsewhere', 'renamed');
  cpSync(taken, moved, { recursive: true });
  rmSync(taken, { recursive: true });
  cpSync(cluster.path('input'), cluster.path('data'), { recursive: true });
  rmSync(cluster.path('input'), { recursive: true });
  const before = linesOf(cluster.path('output'));
  rmSync(cluster.path('output'), { recursive: true });

  const shown = inspect(moved);
  expect(shown).toMatchObject({ kind: 'SAVEPOINT', formatVersion: 2, damages: [], strangers: [] });
  // Whether any is on its way at the stop is a matter of time; savepoint-places.test.ts makes sure of one.
  const sinks = (shown['committables'] as { uid: string }[]).map(({ uid }) => uid);
  expect(sinks.filter((uid) => uid !== 'sink:windows')).toEqual([]);
  for (const name of readdirSync(moved)) expect(readFileSync(join(moved, name)).includes(cluster.root)).toBe(false);

  cluster.startTaskManager('tm-1');
  cluster.startJobManager(2, 'c'.repeat(32), job(5_000, cluster.path('data')), ['--from-savepoint', moved]);
  await finished('c'.repeat(32));
  expect(windowsIn([...before, ...cluster.rows('output')])).toEqual(allWindows());

  const [file] = readdirSync(moved).filter((name) => name.endsWith('.state'));
  const bytes = readFileSync(join(moved, file!));
  bytes[9]! ^= 1;
  writeFileSync(join(moved, file!), bytes);
  expect(() => inspect(moved)).toThrow(file);
}, 60_000);

describe('state, input and output moved elsewhere as one folder', () => {
  let elsewhere: EngineCluster;
  let job1: string;
  beforeEach(() => {
    // Their folder is that of the cluster: what runs in the other one has a place for its own files, and works on the moved folder.
    elsewhere = cluster;
    cluster = new EngineCluster({ ...CONFIG, 'flowjob.state.dir': elsewhere.path('here', 'state') });
    mkdirSync(elsewhere.path('here', 'state'), { recursive: true });
    renameSync(elsewhere.path('input'), elsewhere.path('here', 'input'));
    job1 = job(200, elsewhere.path('here', 'input'), elsewhere.path('here', 'output'));
  });
  afterEach(async () => elsewhere.stop());

  /** Ends the processes, moves the folder; the cluster is then one that works on it. */
  async function move(...processes: ChildProcess[]): Promise<(name: string) => string> {
    for (const process of processes) await kill(process);
    const there = elsewhere.path('there');
    renameSync(elsewhere.path('here'), there);
    await cluster.stop();
    cluster = new EngineCluster({ ...CONFIG, 'flowjob.state.dir': join(there, 'state') });
    return (name) => join(there, name);
  }

  test('a savepoint is restored there, and makes visible what was not when it was moved', async () => {
    const stopped = await stopAmidOutput(job1, elsewhere.path('here', 'output'));
    const savepoint = relative(elsewhere.path('here'), stopped.savepoint);
    const moved = await move(...stopped.processes);

    const { committables } = inspect(moved(savepoint)) as Held;
    expect(committables).not.toEqual([]);
    // As a JobManager leaves them that is killed before it has made them visible.
    for (const { payload } of committables)
      renameSync(join(moved('output'), payload.to), join(moved('output'), payload.from));

    cluster.startTaskManager('tm-1');
    const again = job(5_000, moved('input'), moved('output'));
    cluster.startJobManager(2, 'c'.repeat(32), again, ['--from-savepoint', moved(savepoint)]);
    await finished('c'.repeat(32));
    expect(windowsIn(linesOf(moved('output')))).toEqual(allWindows());
  }, 60_000);

  test('the job itself goes on there from its newest checkpoint', async () => {
    const processes = [cluster.startTaskManager('tm-0'), cluster.startJobManager(1, JOB, job1)];
    await checkpoints(3);
    await cluster.until('files in a checkpoint', async () => linesOf(elsewhere.path('here', 'output')).length > 0);
    const moved = await move(...processes);

    cluster.startTaskManager('tm-1');
    cluster.startJobManager(2, JOB, job(5_000, moved('input'), moved('output')));
    await finished(JOB);
    expect(windowsIn(linesOf(moved('output')))).toEqual(allWindows());
  }, 60_000);
});

test('a sink that is given another path, or is gone, leaves no rows of the savepoint behind', async () => {
  const { savepoint, processes } = await stopAmidOutput(job(200), cluster.path('output'));
  for (const process of processes) await kill(process);
  const { committables } = inspect(savepoint) as Held;
  expect(committables).not.toEqual([]);
  const hide = (): void => {
    for (const { payload } of committables)
      renameSync(cluster.path('output', payload.to), cluster.path('output', payload.from));
  };
  const before = linesOf(cluster.path('output'));
  hide();
  cluster.startTaskManager('tm-1');
  const second = cluster.startJobManager(2, 'c'.repeat(32), job(5_000, cluster.path('input'), cluster.path('other')), [
    '--from-savepoint',
    savepoint,
  ]);
  await finished('c'.repeat(32));
  expect(linesOf(cluster.path('output'))).toEqual(before);
  expect(windowsIn([...before, ...cluster.rows('other')])).toEqual(allWindows());
  await kill(second);

  hide();
  const [, without] = /^([^]*)INSERT INTO windows [^;]*;\s*$/.exec(job(5_000))!;
  const rest = ['--from-savepoint', savepoint, '--allow-non-restored-state'];
  cluster.startJobManager(3, 'd'.repeat(32), without!, rest);
  await finished('d'.repeat(32));
  expect(linesOf(cluster.path('output'))).toEqual(before);
}, 60_000);
