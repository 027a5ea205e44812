// The metrics of the embedded engine in real processes, as an autoscaler asks for them: recorded requests of Flink's own, and what it makes of the answers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, runningJobs, type Collected, type CollectedVertex } from '../conformance/flink-autoscaler.ts';
import { shapeDifferences, type Json } from '../conformance/shape.ts';
import { EngineCluster } from './engine-cluster.ts';

const JOB = '0000000000000000000000000000000d';
/** The recorded job and its vertices: the source, and what reads from it. */
const RECORDED = {
  job: '8dd1172dbb43f86d1ee4304d49d1c8d1',
  source: 'cbc357ccb763df2852fee8c4fc7d55f2',
  window: 'f6dc7f4d2283f4605b127b9364e21148',
};

interface Exchange {
  method: string;
  path: string;
  request: Json;
  status: number;
  body?: Json;
  /** Where the whole body stands. */
  file?: string;
}

const folder = join(__dirname, '../fixtures/flink-2.3');
const read = (file: string): Json => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Json;
const conversation = read('conversation-autoscaler.json') as unknown as Exchange[];

let cluster: EngineCluster;
afterEach(async () => cluster.stop());

/** As recorded: a source named `bid`, and a window behind an exchange. */
const sql = (rate: string): string =>
  `CREATE TABLE bid (auction BIGINT, price BIGINT, ts AS LOCALTIMESTAMP, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
     WITH ('connector' = 'datagen', ${rate}, 'fields.auction.min' = '1', 'fields.auction.max' = '1000');
   CREATE TABLE snk (auction BIGINT, n BIGINT, price BIGINT, window_end TIMESTAMP(3)) WITH ('connector' = 'blackhole');
   INSERT INTO snk SELECT auction, COUNT(*), MAX(price), window_end
     FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' SECOND)) GROUP BY auction, window_start, window_end;`;

function start(rate: string): void {
  cluster = new EngineCluster({
    'taskmanager.numberOfTaskSlots': 4,
    'parallelism.default': 2,
    'heartbeat.interval': '200ms',
  });
  cluster.startJobManager(1, JOB, sql(rate));
  cluster.startTaskManager('tm-0');
}

const get = async (path: string): Promise<unknown> => cluster.get(path);

/** What a pass of the autoscaler collects, once it holds. */
async function collected(what: string, holds: (found: Collected) => boolean): Promise<Collected> {
  const passes: Collected[] = [];
  let trouble = '';
  try {
    await cluster.until(
      what,
      async () => {
        if ((await cluster.status(JOB)) !== 'RUNNING' || (await runningJobs(get)).length === 0) return false;
        // Before the first rates it is not ready.
        const found = await collect(get, JOB).catch((error: unknown) => ((trouble = String(error)), null));
        if (found !== null) passes.push(found);
        return found !== null && holds(found);
      },
      100,
    );
  } catch (error) {
    throw new Error(`${trouble}\n${JSON.stringify([...(passes.at(-1)?.vertices ?? [])])}`, { cause: error });
  }
  return passes.at(-1)!;
}

const sourceOf = ({ vertices }: Collected): CollectedVertex =>
  [...vertices.values()].find(({ inputs }) => inputs.length === 0)!;
const avg = (vertex: CollectedVertex, metric: string): number => Number(vertex.metrics.get(metric)?.avg);
const sum = (vertex: CollectedVertex, metric: string): number => Number(vertex.metrics.get(metric)?.sum);

test('each recorded request of Flink’s autoscaler has its answer, with every field of the recorded one', async () => {
  start(`'rows-per-second' = '10000'`);
  const { vertices, slots } = await collected('rates', () => true);
  expect(slots).toEqual({ total: 4, available: 2 });
  const [source, window] = [...vertices.keys()];
  const ours = (text: string): string =>
    text.replaceAll(RECORDED.job, JOB).replaceAll(RECORDED.source, source!).replaceAll(RECORDED.window, window!);
  expect(conversation.length).toBeGreaterThan(9);
  for (const { method, path, request, status, body, file } of conversation) {
    const payload = request === null ? undefined : ours(JSON.stringify(request));
    const answer = await cluster.request(method, ours(path), payload);
    const recorded = JSON.parse(ours(JSON.stringify(body ?? read(file!)))) as Json;
    expect({ path, status: answer.status }).toEqual({ path, status });
    expect({ path, differences: shapeDifferences(recorded, answer.body as Json, new Set()) }).toEqual({
      path,
      differences: [],
    });
    // Of metrics that are named also the names.
    if (path.includes('get=')) {
      const ids = (metrics: unknown): string[] => (metrics as { id: string }[]).map(({ id }) => id);
      expect(ids(answer.body)).toEqual(ids(recorded));
    }
  }
}, 240_000);

test('a source that keeps to its rate is idle most of the time, and its rate is what it says', async () => {
  start(`'rows-per-second' = '1000'`);
  const found = await collected('a rate of 1000', (one) => {
    const rate = sum(sourceOf(one), 'SOURCE_TASK_NUM_RECORDS_IN_PER_SEC');
    return rate > 800 && rate < 1200;
  });
  const source = sourceOf(found);
  expect(avg(source, 'BUSY_TIME_PER_SEC')).toBeLessThan(500);
  expect(source.numRecordsOut).toBeGreaterThan(0);
  const shares = ['busy', 'idle', 'backPressured'].map((name) => `${name}TimeMsPerSecond`);
  for (const id of found.vertices.keys())
    for (const subtask of [0, 1]) {
      const base = `/jobs/${JOB}/vertices/${id}`;
      const one = await cluster.get<{ value: string }[]>(`${base}/subtasks/${subtask}/metrics?get=${shares.join(',')}`);
      expect(one.map(({ value }) => Number(value)).reduce((a, b) => a + b)).toBe(1000);
      const names = await cluster.get<{ id: string }[]>(`${base}/metrics`);
      expect(names).toContainEqual({ id: `${subtask}.busyTimeMsPerSecond` });
    }
  for (const [name, { max }] of found.memory) {
    expect([name, max]).toEqual([name, expect.any(Number)]);
    if (!name.includes('Garbage')) expect(max).toBeGreaterThan(0);
  }
  const heap = (name: string): number => found.memory.get(`Status.JVM.Memory.Heap.${name}`)!.max;
  expect(heap('Used')).toBeLessThan(heap('Max'));
}, 240_000);

test('a burst is pending until it is read; then nothing is, and the source is idle', async () => {
  const rows = 10_000_000;
  start(`'rows-per-second.schedule' = '0s:${rows * 10}, 100ms:0'`);
  const lagging = await collected('a backlog', (one) => sum(sourceOf(one), 'PENDING_RECORDS') > 0);
  // Less what has been read, and a heartbeat's worth of rows.
  expect(sum(sourceOf(lagging), 'PENDING_RECORDS')).toBeLessThan(rows);
  expect(
    avg(sourceOf(lagging), 'BUSY_TIME_PER_SEC') + avg(sourceOf(lagging), 'BACKPRESSURE_TIME_PER_SEC'),
  ).toBeGreaterThan(500);
  const done = await collected('nothing pending', (one) => {
    const source = sourceOf(one);
    // The rate is a mean over a while: it comes to nothing later than the work does.
    const still = ['PENDING_RECORDS', 'SOURCE_TASK_NUM_RECORDS_IN_PER_SEC'].every((name) => sum(source, name) === 0);
    return still && avg(source, 'BUSY_TIME_PER_SEC') === 0;
  });
  expect(sum(sourceOf(done), 'SOURCE_TASK_NUM_RECORDS_IN')).toBe(rows);
}, 240_000);
