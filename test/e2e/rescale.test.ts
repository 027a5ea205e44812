// Another parallelism while a stream runs, with real processes: asked for over REST, or because a TaskManager is gone and comes back; and a TaskManager
// that hangs. The output is that of a run in which nothing happened.
import { EngineCluster, kill } from './engine-cluster.ts';

const JOB = '0000000000000000000000000000000a';
const ROWS = 160_000;
const KEYS = 37;
const WINDOW_MS = 10_000;

let cluster: EngineCluster;

afterEach(async () => cluster.stop());

interface Vertex {
  id: string;
  parallelism: number;
  status: string;
}

/** Row n has the time n milliseconds. All vertices can be rescaled. */
function windows(rowsPerSecond: number): string {
  return `CREATE TABLE numbers (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'datagen', 'rows-per-second' = '${rowsPerSecond}', 'fields.id.kind' = 'sequence',
        'fields.id.start' = '0', 'fields.id.end' = '${ROWS - 1}');
    CREATE TABLE totals (k BIGINT, window_end BIGINT, n BIGINT, total BIGINT)
      WITH ('connector' = 'filesystem', 'path' = '${cluster.path('output')}', 'format' = 'csv');
    INSERT INTO totals SELECT k, MAX(id) / ${WINDOW_MS}, COUNT(*), SUM(id)
      FROM TABLE(TUMBLE(TABLE (SELECT id, id % ${KEYS} AS k, ts FROM numbers), DESCRIPTOR(ts), INTERVAL '10' SECOND))
      GROUP BY k, window_start, window_end;`;
}

/** Reckoned here. */
function expected(): string[] {
  const groups = new Map<string, { n: number; total: number }>();
  for (let id = 0; id < ROWS; id++) {
    const key = `${id % KEYS},${Math.floor(id / WINDOW_MS)}`;
    const { n, total } = groups.get(key) ?? { n: 0, total: 0 };
    groups.set(key, { n: n + 1, total: total + id });
  }
  return [...groups].map(([key, { n, total }]) => `${key},${n},${total}`).sort();
}

const vertices = async (): Promise<Vertex[]> =>
  (await cluster.get<{ vertices?: Vertex[] }>(`/jobs/${JOB}`)).vertices ?? [];

async function runs(parallelism: number): Promise<void> {
  await cluster.until(`all run with parallelism ${parallelism}`, async () => {
    if ((await cluster.status(JOB)) === '') return false;
    const found = await vertices();
    return (
      found.length > 0 && found.every((vertex) => vertex.parallelism === parallelism && vertex.status === 'RUNNING')
    );
  });
}

async function ask(lowerBound: number, upperBound: number): Promise<unknown> {
  const parallelism = { lowerBound, upperBound };
  const body = Object.fromEntries((await vertices()).map(({ id }) => [id, { parallelism }]));
  return cluster.send('PUT', `/jobs/${JOB}/resource-requirements`, body);
}

async function checkpoints(count: number): Promise<void> {
  const before = await cluster.completedCheckpoints(JOB);
  await cluster.until(
    `${count} more checkpoints`,
    async () => (await cluster.completedCheckpoints(JOB)) >= before + count,
  );
}

async function finished(): Promise<void> {
  await cluster.until('the job is FINISHED', async () => (await cluster.status(JOB)) === 'FINISHED', 40);
}

test('a stream is rescaled up and down under load, and its output is as if nothing had happened', async () => {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 2,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '150ms',
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '200ms',
  });
  cluster.startJobManager(1, JOB, windows(25_000));
  cluster.startTaskManager('tm-0');
  cluster.startTaskManager('tm-1');
  await runs(2);
  for (const parallelism of [4, 1, 3]) {
    await checkpoints(1);
    expect(await ask(1, parallelism)).toEqual({});
    await runs(parallelism);
  }
  const job = await cluster.get<{ id: string; value: string }[]>(`/jobs/${JOB}/metrics?get=numRescales,numRestarts`);
  expect(job).toEqual(
    expect.arrayContaining([
      { id: 'numRescales', value: '3' },
      { id: 'numRestarts', value: '0' },
    ]),
  );
  await finished();
  expect(cluster.rows('output')).toEqual(expected());
}, 90_000);

test('a stream goes on with fewer tasks when a TaskManager is gone for good, and with all when another comes', async () => {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 1,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '150ms',
    'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '300ms',
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0s',
  });
  cluster.startTaskManager('tm-0');
  const victim = cluster.startTaskManager('tm-1');
  cluster.startJobManager(1, JOB, windows(20_000));
  await runs(2);
  await checkpoints(2);
  await kill(victim);
  await runs(1);
  await checkpoints(1);
  cluster.startTaskManager('tm-2');
  await runs(2);
  await finished();
  expect(cluster.rows('output')).toEqual(expected());
}, 90_000);

test('a TaskManager that hangs is noticed within 2 s, and one that comes back after that is of use again', async () => {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 1,
    'parallelism.default': 2,
    'execution.checkpointing.interval': '150ms',
  });
  cluster.startTaskManager('tm-0');
  const victim = cluster.startTaskManager('tm-1');
  cluster.startJobManager(1, JOB, windows(20_000));
  await runs(2);
  await checkpoints(2);
  const hung = Date.now();
  victim.kill('SIGSTOP');
  await cluster.until('it is noticed', async () => (await cluster.status(JOB)) === 'RESTARTING');
  // A little for asking, and for machines that are busy.
  expect(Date.now() - hung).toBeLessThan(2_500);
  // Nobody takes its place: the job waits for it, and both slots are its again.
  victim.kill('SIGCONT');
  await runs(2);
  expect(victim.exitCode).toBeNull();
  await finished();
  expect(cluster.rows('output')).toEqual(expected());
}, 90_000);
