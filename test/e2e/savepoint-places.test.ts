// No savepoint names a place: every kind of source, operator and sink that the engine has is in a job whose files are searched byte by byte for the folders
// of its state, input and output.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { EngineCluster, kill } from './engine-cluster.ts';

const JOB = '0000000000000000000000000000000c';
/** As plans name them; sorting is for batch jobs alone, which have no savepoints. */
const KINDS = ['Calc', 'GroupAggregate', 'Sink', 'TableSourceScan', 'Values', 'WatermarkAssigner', 'WindowAggregate'];

let cluster: EngineCluster;
beforeEach(() => {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 2,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '200ms',
  });
});
afterEach(async () => cluster.stop());

/** Files of each format, several of CSV and in a folder below. */
async function writeInput(): Promise<void> {
  const numbers = Array.from({ length: 600 }, (_, n) => n);
  const time = (n: number): string => new Date(n * 1000).toISOString().slice(0, 19).replace('T', ' ');
  for (const folder of ['csv', 'json', 'parquet']) mkdirSync(cluster.path('input', folder), { recursive: true });
  for (const half of ['a', 'b']) {
    const lines = numbers.map((n) => `${n},${half}${n % 7},${time(n)}\n`).join('');
    writeFileSync(cluster.path('input', 'csv', `${half}.csv`), lines);
  }
  writeFileSync(
    cluster.path('input', 'json', 'a.json'),
    numbers.map((n) => `{"n": ${n}, "k": "k${n % 5}"}\n`).join(''),
  );
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = "SELECT range AS n, 'k' || (range % 3) AS k FROM range(600)";
  await connection.run(`COPY (${rows}) TO '${cluster.path('input', 'parquet', 'a.parquet')}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

function script(): string {
  const file = (format: string, more = ''): string =>
    `WITH ('connector' = 'filesystem', 'path' = '${cluster.path('input', format)}', 'format' = '${format}', 'replay.rate' = '100'${more})`;
  const output = (name: string, format: string): string =>
    `WITH ('connector' = 'filesystem', 'path' = 'file://${cluster.path('output', name)}', 'format' = '${format}')`;
  return `
    CREATE TABLE a (n INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) ${file('csv')};
    CREATE TABLE b (n INT, k STRING) ${file('json')};
    CREATE TABLE c (n BIGINT, k STRING) ${file('parquet')};
    CREATE TABLE d (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
    CREATE TABLE windows (k STRING, n BIGINT) ${output('windows', 'csv')};
    CREATE TABLE copies (k STRING, n INT) ${output('copies', 'json')};
    CREATE TABLE constants (n INT) ${output('constants', 'csv')};
    CREATE TABLE printed (k STRING, n BIGINT) WITH ('connector' = 'print');
    CREATE TABLE dropped (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
    CREATE TABLE total (n BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'total');
    INSERT INTO windows SELECT k, COUNT(*) FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND))
      GROUP BY k, window_start, window_end;
    INSERT INTO copies SELECT UPPER(k), n FROM b WHERE n >= 0;
    INSERT INTO constants VALUES (1), (2);
    INSERT INTO printed SELECT k, SUM(n) FROM c GROUP BY k;
    INSERT INTO dropped SELECT n % 5, COUNT(*) FROM d GROUP BY n % 5;
    INSERT INTO total SELECT COUNT(*) FROM d;`;
}

interface Held {
  operators: { uid: string; name: string }[];
  sources: { splits: { position: Record<string, unknown> }[] }[];
  committables: { operatorId: string }[];
}

const manifestIn = (folder: string): Held =>
  JSON.parse(readFileSync(join(folder, '_metadata')).toString('utf8', 16)) as Held;

/** Files below a folder with what they may not hold, by name. */
function filesWith(folder: string, forbidden: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file).includes(forbidden));
}

async function takeSavepoint(): Promise<string> {
  const triggerId = '1'.repeat(32);
  const request = { triggerId, 'cancel-job': false, 'target-directory': cluster.path('savepoints') };
  await cluster.send('POST', `/jobs/${JOB}/savepoints`, request);
  let location: string | undefined;
  await cluster.until('a savepoint', async () => {
    const path = `/jobs/${JOB}/savepoints/${triggerId}`;
    ({ location } = (await cluster.get<{ operation?: { location?: string } }>(path)).operation ?? {});
    return location !== undefined;
  });
  return location!;
}

test('savepoints and checkpoints of every kind of source, operator and sink hold no path', async () => {
  await writeInput();
  const processes = [cluster.startTaskManager('tm-0'), cluster.startJobManager(1, JOB, script())];
  await cluster.until('rows of each sink', async () => {
    if ((await cluster.status(JOB)) === 'FAILED')
      throw new Error(JSON.stringify(await cluster.get(`/jobs/${JOB}/exceptions`)));
    return ['windows', 'copies', 'constants'].every((name) => cluster.rows(join('output', name)).length > 0);
  });
  const savepoint = await takeSavepoint();
  for (const process of processes) await kill(process);

  const manifest = manifestIn(savepoint);
  const kinds = new Set(manifest.operators.map(({ name }) => /^\w+/.exec(name)![0]));
  expect([...kinds].sort()).toEqual(KINDS);
  const positions = manifest.sources.flatMap(({ splits }) => splits.map(({ position }) => position));
  for (const file of ['b.csv', 'a.json', 'a.parquet', undefined])
    expect(positions).toContainEqual(
      file === undefined
        ? expect.not.objectContaining({ file: expect.anything() as unknown })
        : expect.objectContaining({ file }),
    );
  expect(manifest.committables).not.toEqual([]);

  expect(filesWith(savepoint, cluster.root)).toEqual([]);
  expect(filesWith(cluster.path('state', 'checkpoints'), cluster.root)).toEqual([]);
  // Nor any other: no text of the manifest begins as a path does.
  expect(textsOf(manifest).filter((text) => /^(\/|file:)/.test(text))).toEqual([]);
}, 60_000);

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
