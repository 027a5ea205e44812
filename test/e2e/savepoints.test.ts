// Savepoints as people keep them: moved to where neither input nor output was, looked through with the command line, and gone on from; those of old versions too.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { orders, rowText, stateOf } from '../../engine/checkpoint/orders.fixture.ts';
import { EngineCluster, kill } from './engine-cluster.ts';

const FIXTURES = resolve('test/fixtures/savepoints');
const JOB = '0000000000000000000000000000000b';
const WINDOW = 10_000;

let cluster: EngineCluster;
beforeEach(() => {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 3,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '300ms',
  });
  mkdirSync(cluster.path('input'));
  cpSync(join(FIXTURES, 'orders.csv'), cluster.path('input', 'orders.csv'));
});
afterEach(async () => cluster.stop());

/** The recorded job on the cluster's folders. */
function job(rate: number, input = 'input'): string {
  return readFileSync(join(FIXTURES, 'job.sql'), 'utf8')
    .replaceAll('{{input}}', cluster.path(input))
    .replaceAll('{{output}}', cluster.path('output'))
    .replaceAll('{{rate}}', String(rate));
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

/** Makes a savepoint of version 1, which holds absolute paths, as if it had been taken where the input lies now. */
function relocateVersion1(folder: string): void {
  const file = join(folder, '_metadata');
  const bytes = readFileSync(file);
  if (bytes.readUInt32LE(4) !== 1) return;
  const json = Buffer.from(bytes.toString('utf8', 16).replaceAll('/data/flowjob/input', cluster.path('input')));
  const header = bytes.subarray(0, 16);
  header.writeUInt32LE(json.length, 8);
  header.writeUInt32LE(crc32(json), 12);
  writeFileSync(file, Buffer.concat([header, json]));
}

test.each(readdirSync(FIXTURES).filter((name) => /^v\d+$/.test(name)))(
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

test('a savepoint is whole by itself: with its input it can be carried away, and names no place', async () => {
  const taskManager = cluster.startTaskManager('tm-0');
  const first = cluster.startJobManager(1, JOB, job(400));
  await cluster.until('3 checkpoints', async () => {
    const running = (await cluster.status(JOB)) === 'RUNNING';
    return running && (await cluster.completedCheckpoints(JOB)) >= 3;
  });
  const triggerId = 'e'.repeat(32);
  await cluster.send('POST', `/jobs/${JOB}/stop`, { triggerId, drain: false });
  await finished(JOB);
  const { operation } = await cluster.get<{ operation: { location: string } }>(`/jobs/${JOB}/savepoints/${triggerId}`);
  await kill(first);
  await kill(taskManager);

  const moved = cluster.path('elsewhere', 'renamed');
  cpSync(operation.location, moved, { recursive: true });
  rmSync(operation.location, { recursive: true });
  cpSync(cluster.path('input'), cluster.path('data'), { recursive: true });
  rmSync(cluster.path('input'), { recursive: true });
  const before = linesOf(cluster.path('output'));
  rmSync(cluster.path('output'), { recursive: true });

  const program = [resolve('dist/flowjob.js'), 'savepoint', 'inspect', moved, '-o', 'json'];
  const shown = JSON.parse(execFileSync(process.execPath, program, { encoding: 'utf8' })) as Record<string, unknown>;
  expect(shown).toMatchObject({ kind: 'SAVEPOINT', formatVersion: 2, damages: [], strangers: [] });
  // Committed when the savepoint was reported as complete: the only part that knows of a place.
  const { committables: _committed, path: _path, ...rest } = shown;
  expect(JSON.stringify(rest)).not.toContain(cluster.root);
  for (const name of readdirSync(moved).filter((file) => file !== '_metadata'))
    expect(readFileSync(join(moved, name)).includes(cluster.root)).toBe(false);

  cluster.startTaskManager('tm-1');
  cluster.startJobManager(2, 'c'.repeat(32), job(5_000, 'data'), ['--from-savepoint', moved]);
  await finished('c'.repeat(32));
  expect(windowsIn([...before, ...cluster.rows('output')])).toEqual(allWindows());

  const [file] = readdirSync(moved).filter((name) => name.endsWith('.state'));
  const bytes = readFileSync(join(moved, file!));
  bytes[9]! ^= 1;
  writeFileSync(join(moved, file!), bytes);
  expect(() => execFileSync(process.execPath, program, { stdio: 'pipe' })).toThrow(file);
}, 60_000);
