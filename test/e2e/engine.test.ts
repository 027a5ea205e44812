// The embedded engine end to end, as processes: batch, stream, savepoint and rescaling, and the death of either process. Output is compared row by row.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { EngineCluster, kill } from './engine-cluster.ts';

const JOB = '0000000000000000000000000000000a';
const NEXT_JOB = '0000000000000000000000000000000b';
const ROWS = 60_000;
const KEYS = 53;
const WINDOW_MS = 10_000;
/** Event time between two rows. */
const STEP_MS = 25;

const timestamp = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
const rowKey = (row: number): string => `k${(row * 7) % KEYS}`;

let cluster: EngineCluster;

function createCluster(config: Record<string, string | number>): void {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 2,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '150ms',
    ...config,
  });
  mkdirSync(cluster.path('input'));
  const half = ROWS / 2;
  for (let file = 0; file < 2; file++) {
    const lines = Array.from({ length: half }, (_, i) => {
      const row = file * half + i;
      return JSON.stringify({ k: rowKey(row), v: row % 1000, ts: timestamp(row * STEP_MS) });
    });
    writeFileSync(cluster.path('input', `part-${file}.json`), `${lines.join('\n')}\n`);
  }
}

afterEach(async () => cluster.stop());

function source(replayRate: number | null): string {
  const replay = replayRate === null ? '' : `, 'replay.rate' = '${replayRate}'`;
  return `CREATE TABLE events (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
    WITH ('connector' = 'filesystem', 'path' = '${cluster.path('input')}', 'format' = 'json'${replay});`;
}

function windows(replayRate: number | null): string {
  return `${source(replayRate)}
    CREATE TABLE totals (k STRING, window_start TIMESTAMP(3), n BIGINT, total BIGINT)
      WITH ('connector' = 'filesystem', 'path' = '${cluster.path('output')}', 'format' = 'csv');
    INSERT INTO totals SELECT k, window_start, COUNT(*), SUM(v)
      FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;`;
}

/** Counts and sums per key and group, reckoned here. */
function expected(group: (row: number) => string): string[] {
  const groups = new Map<string, { n: number; total: number }>();
  for (let row = 0; row < ROWS; row++) {
    const key = `${rowKey(row)}${group(row)}`;
    const entry = groups.get(key) ?? { n: 0, total: 0 };
    groups.set(key, { n: entry.n + 1, total: entry.total + (row % 1000) });
  }
  return [...groups].map(([key, { n, total }]) => `${key},${n},${total}`).sort();
}

const windowRows = (): string[] =>
  expected((row) => `,${timestamp(Math.floor((row * STEP_MS) / WINDOW_MS) * WINDOW_MS)}`);

/** Timestamps without their zeros at the end, however the format writes them. */
const normalized = (rows: string[]): string[] =>
  rows.map((row) => row.replaceAll('"', '').replace(/\.000(?=,)/, '')).sort();

async function finished(jobId = JOB): Promise<void> {
  await cluster.until('the job is FINISHED', async () => {
    const status = await cluster.status(jobId);
    if (status === 'FAILED') throw new Error(JSON.stringify(await cluster.get(`/jobs/${jobId}/exceptions`)));
    return status === 'FINISHED';
  });
}

/** Files that only an execution that failed can have left. */
const hidden = (): string[] => readdirSync(cluster.path('output')).filter((name) => name.startsWith('.'));

const checkpoints = async (count: number, jobId = JOB): Promise<void> =>
  cluster.until(
    `${count} checkpoints`,
    async () => (await cluster.status(jobId)) !== '' && (await cluster.completedCheckpoints(jobId)) >= count,
  );

test('a batch job writes every group once and keeps its result', async () => {
  createCluster({ 'execution.runtime-mode': 'BATCH' });
  const sql = `${source(null)}
    CREATE TABLE totals (k STRING, n BIGINT, total BIGINT)
      WITH ('connector' = 'filesystem', 'path' = '${cluster.path('output')}', 'format' = 'csv');
    INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;`;
  cluster.startTaskManager('tm-0');
  const first = cluster.startJobManager(1, JOB, sql);
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(expected(() => '')));

  // A second attempt of the same run finds the result and runs nothing.
  await kill(first);
  cluster.startJobManager(2, JOB, sql);
  await finished();
  expect(cluster.rows('output')).toHaveLength(KEYS);
}, 60_000);

test('a stream stopped with a savepoint goes on from it at another parallelism, exactly once', async () => {
  createCluster({});
  const taskManager = cluster.startTaskManager('tm-0');
  const first = cluster.startJobManager(1, JOB, windows(20_000));
  await checkpoints(3);
  const triggerId = 'f'.repeat(32);
  await cluster.send('POST', `/jobs/${JOB}/stop`, { triggerId, drain: false });
  await finished();
  const operation = await cluster.get<{ operation: { location: string } }>(`/jobs/${JOB}/savepoints/${triggerId}`);
  const { location } = operation.operation;
  await kill(first);
  await kill(taskManager);

  cluster.startTaskManager('tm-1');
  const sql = `SET 'parallelism.default' = '1';\n${windows(40_000)}`;
  cluster.startJobManager(2, NEXT_JOB, sql, ['--from-savepoint', location]);
  await finished(NEXT_JOB);
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
}, 60_000);

test('a stream survives the SIGKILL of a TaskManager: the output is as if nothing had happened', async () => {
  createCluster({ 'taskmanager.numberOfTaskSlots': 1 });
  cluster.startJobManager(1, JOB, windows(20_000));
  cluster.startTaskManager('tm-0');
  const victim = cluster.startTaskManager('tm-1');
  await checkpoints(3);
  await kill(victim);
  cluster.startTaskManager('tm-2');
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
  expect(hidden()).toEqual([]);
}, 60_000);

test('a stream survives the SIGKILL of its JobManager: a new attempt goes on from the newest checkpoint', async () => {
  createCluster({});
  cluster.startTaskManager('tm-0');
  const first = cluster.startJobManager(1, JOB, windows(20_000));
  await checkpoints(3);
  await kill(first);
  cluster.startJobManager(2, JOB, windows(20_000));
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
}, 60_000);

test('a JobManager that is started again by the same command takes its job up by itself, several times', async () => {
  createCluster({});
  const leave = keepTaskManager();
  try {
    for (let life = 0; life < 3; life++) {
      const jobManager = cluster.startJobManager(1, JOB, windows(20_000));
      await checkpoints(2);
      await kill(jobManager);
    }
    cluster.startJobManager(1, JOB, windows(20_000));
    await finished();
  } finally {
    leave();
  }
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
  expect(hidden()).toEqual([]);
}, 60_000);

/** As a runtime does: one that has left, because a JobManager took long to come back, is started again. Until the answer is called. */
function keepTaskManager(): () => void {
  let starts = 0;
  let taskManager = cluster.startTaskManager('tm-0');
  const looking = setInterval(() => {
    if (taskManager.exitCode !== null) taskManager = cluster.startTaskManager(`tm-${++starts}`);
  }, 100);
  return () => clearInterval(looking);
}

test('a JobManager that wakes up beside its own restart ends, and does no harm', async () => {
  createCluster({});
  cluster.startTaskManager('tm-0');
  const old = cluster.startJobManager(1, JOB, windows(10_000));
  await checkpoints(2);
  old.kill('SIGSTOP');
  cluster.startJobManager(1, JOB, windows(10_000));
  cluster.startTaskManager('tm-1');
  await checkpoints(1);
  old.kill('SIGCONT');
  await cluster.until('the old one is gone', async () => old.exitCode !== null);
  expect(old.exitCode).toBe(3);
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
}, 60_000);

test('a stream survives two SIGKILLs in a row, the second before any checkpoint of what runs after the first', async () => {
  createCluster({ 'execution.checkpointing.interval': '1s' });
  cluster.startJobManager(1, JOB, windows(20_000));
  let taskManager = cluster.startTaskManager('tm-0');
  await checkpoints(1);
  for (const next of ['tm-1', 'tm-2']) {
    const before = await cluster.completedCheckpoints(JOB);
    await kill(taskManager);
    taskManager = cluster.startTaskManager(next);
    // Files are in progress again, under names that must not be those of the checkpoint that is committed once more.
    if (next === 'tm-1')
      await cluster.until('rows are being written', async () => {
        const names = readdirSync(cluster.path('output'));
        return (
          (await cluster.completedCheckpoints(JOB)) > before || names.some((name) => /-1-0\.inprogress\./.test(name))
        );
      });
  }
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
}, 60_000);

test('a JobManager that was suspended while another took over ends, and does no harm', async () => {
  createCluster({});
  cluster.startTaskManager('tm-0');
  const old = cluster.startJobManager(1, JOB, windows(10_000));
  await checkpoints(2);
  old.kill('SIGSTOP');
  cluster.startJobManager(2, JOB, windows(10_000));
  cluster.startTaskManager('tm-1');
  await checkpoints(1);
  old.kill('SIGCONT');
  await cluster.until('the old one is gone', async () => old.exitCode !== null);
  expect(old.exitCode).toBe(3);
  await finished();
  expect(normalized(cluster.rows('output'))).toEqual(normalized(windowRows()));
}, 60_000);

test('a drained stream has emitted every window that it had begun', async () => {
  createCluster({});
  cluster.startTaskManager('tm-0');
  cluster.startJobManager(1, JOB, windows(20_000));
  await checkpoints(2);
  await cluster.send('POST', `/jobs/${JOB}/stop`, { triggerId: 'd'.repeat(32), drain: true });
  await finished();
  const rows = normalized(cluster.rows('output'));
  const read = rows.reduce((sum, row) => sum + Number(row.split(',')[2]), 0);
  const job = await cluster.get<{
    'job-execution-result': { 'accumulator-results': { sources: { events: { rows: number } } } };
  }>(`/jobs/${JOB}/execution-result`);
  expect(read).toBe(job['job-execution-result']['accumulator-results'].sources.events.rows);
  expect(read).toBeLessThan(ROWS);
}, 60_000);

test('a batch survives the SIGKILL of a TaskManager: lost tasks run again, every row counts once', async () => {
  createCluster({ 'execution.runtime-mode': 'BATCH', 'taskmanager.numberOfTaskSlots': 1 });
  const rows = 4_000_000;
  const sql = `CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000000', 'fields.id.kind' = 'sequence',
      'fields.id.start' = '1', 'fields.id.end' = '${rows}');
    CREATE TABLE totals (k BIGINT, n BIGINT, total BIGINT)
      WITH ('connector' = 'filesystem', 'path' = '${cluster.path('output')}', 'format' = 'csv');
    INSERT INTO totals SELECT id % 10, COUNT(*), SUM(id) FROM numbers GROUP BY id % 10;`;
  cluster.startJobManager(1, JOB, sql);
  cluster.startTaskManager('tm-0');
  const victim = cluster.startTaskManager('tm-1');
  await cluster.until('tasks are running', async () => (await cluster.status(JOB)) === 'RUNNING');
  await kill(victim);
  await finished();
  const found = cluster.rows('output').map((row) => row.split(',').map(Number));
  expect(found.map(([k]) => k)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(found.reduce((sum, [, n]) => sum + n!, 0)).toBe(rows);
  expect(found.reduce((sum, [, , total]) => sum + total!, 0)).toBe((rows * (rows + 1)) / 2);
}, 60_000);

test('a job whose SQL is wrong is FAILED, and its process says why', async () => {
  createCluster({});
  cluster.startJobManager(1, JOB, 'INSERT INTO nowhere SELECT 1;');
  await cluster.until('FAILED', async () => (await cluster.status(JOB)) === 'FAILED');
  const { exceptionHistory } = await cluster.get<{ exceptionHistory: { entries: { stacktrace: string }[] } }>(
    `/jobs/${JOB}/exceptions`,
  );
  expect(exceptionHistory.entries[0]!.stacktrace).toContain('nowhere');
}, 60_000);

test('an attempt with a lower epoch than the newest ends at once and touches nothing', async () => {
  createCluster({});
  cluster.startJobManager(2, JOB, windows(20_000));
  await cluster.until('it answers', async () => (await cluster.status(JOB)) !== '');
  const late = cluster.startJobManager(1, JOB, windows(20_000));
  await cluster.until('the late one is gone', async () => late.exitCode !== null);
  expect(late.exitCode).toBe(3);
}, 60_000);
