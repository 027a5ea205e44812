// Streams on Apache Flink, configured as the operator does: what is left without work when they become smaller, and what is read of them for the autoscaler.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { scaleOf } from '../../src/controller/engine-scale.ts';
import { readSample } from '../../src/controller/autoscaling/read-sample.ts';
import type { VertexSample } from '../../src/autoscaler/model.ts';
import { ELASTIC } from '../../src/engine-client/flink/elastic.ts';
import { VERSIONS } from '../../src/engine-client/flink/versions.ts';
import type { Attempt } from '../../src/api/status.ts';
import { EngineClientError } from '../../src/engine-client/engine-client.ts';
import type { EngineScale } from '../../src/lifecycle/observation.ts';
import { until } from '../harness/until.ts';
import { withSessionCluster } from './with-session-cluster.ts';

const flink = withSessionCluster('elastic', 2, {
  ...ELASTIC,
  ...VERSIONS['2.3'].rescaling,
  'web.refresh-interval': '200 ms',
  // As in a cluster of one application, where Flink gives work to as few TaskManagers as possible.
  'execution.target': 'embedded',
  'taskmanager.memory.process.size': '1000m',
  'taskmanager.memory.network.max': '64m',
});
/** While tasks start Flink takes no checkpoint; any other trouble is one of the test. */
function onlyRefused(error: unknown): void {
  if (!(error instanceof EngineClientError) || error.code !== 'ENGINE_REFUSED') throw error;
}

const PATIENCE = { seconds: 90, every: 100 };

/** The work stands behind an exchange, in a vertex of its own. */
const counting = (source: string): string => `
SET 'execution.checkpointing.interval' = '10min';
CREATE TABLE numbers (n BIGINT, came AS PROCTIME()) WITH (${source});
CREATE TABLE seen (n BIGINT, digest STRING) WITH ('connector' = 'blackhole');
INSERT INTO seen SELECT n, SHA2(REPEAT(CAST(n AS STRING), 100), 512)
FROM (SELECT n, ROW_NUMBER() OVER (PARTITION BY n ORDER BY came) AS r FROM numbers) WHERE r = 1;`;
const DATAGEN = "'connector' = 'datagen', 'rows-per-second' = '200'";

const scale = async (jobId: string): Promise<EngineScale> =>
  scaleOf(flink.client, { jobId, epoch: 1 } as Attempt, 'Flink');
const runsWith = async (jobId: string, parallelism: number): Promise<boolean> =>
  (await scale(jobId)).vertices.every((vertex) => vertex.running && vertex.parallelism === parallelism);
const start = async (sql: string, parallelism: number): Promise<string> => {
  const jobId = randomBytes(16).toString('hex');
  await flink.submit(sql, jobId, parallelism);
  await until('all tasks run', async () => runsWith(jobId, parallelism), PATIENCE);
  return jobId;
};
const isFree = ({ slots, freeSlots }: EngineScale['taskManagers'][number]): boolean => slots === freeSlots;

/** Asks for it, and for the checkpoint that Flink goes on behind: the next of the interval is minutes away. */
async function rescale(jobId: string, parallelism: number): Promise<void> {
  const ids = Object.keys(await flink.client.resourceRequirements(jobId));
  const bounds = { lowerBound: 1, upperBound: parallelism };
  await flink.client.updateResourceRequirements(jobId, Object.fromEntries(ids.map((id) => [id, bounds] as const)));
  await until(
    `all tasks run with a parallelism of ${parallelism}`,
    async () => {
      if (await runsWith(jobId, parallelism)) return true;
      const { waits } = await scale(jobId);
      if (waits?.checkpointing === false)
        await flink.client.triggerCheckpoint(jobId, randomBytes(16).toString('hex')).catch(onlyRefused);
      return false;
    },
    PATIENCE,
  );
}

test('a stream that needs fewer slots leaves TaskManagers without work, whichever they are, and gives their slots back', async () => {
  flink.cluster.launchTaskManager();
  flink.cluster.launchTaskManager();
  const slots = async (): Promise<number> => (await flink.client.overview())['slots-total'];
  await until('three TaskManagers are registered', async () => (await slots()) === 6, PATIENCE);
  const jobId = await start(counting(DATAGEN), 5);
  expect((await scale(jobId)).taskManagers.filter(isFree)).toEqual([]);
  for (const [parallelism, free] of [
    [2, 2],
    [6, 0],
    [3, 1],
  ] as const) {
    await rescale(jobId, parallelism);
    await until(
      `${free} of them have nothing to do`,
      async () => (await scale(jobId)).taskManagers.filter(isFree).length === free,
      PATIENCE,
    );
  }
  expect((await scale(jobId)).waits).toEqual({ checkpointing: expect.any(Boolean), upTo: 6_000 });
  await flink.client.cancel(jobId);
}, 300_000);

test('bounds that cannot be are refused with what is wrong with them', async () => {
  const jobId = await start(counting(DATAGEN), 1);
  const [first] = Object.keys(await flink.client.resourceRequirements(jobId));
  const refusal = { code: 'ENGINE_REFUSED', httpStatus: 400 };
  const incomplete = flink.client.updateResourceRequirements(jobId, { [first!]: { lowerBound: 1, upperBound: 1 } });
  await expect(incomplete).rejects.toMatchObject({
    ...refusal,
    message: expect.stringContaining('missing job vertex'),
  });
  await flink.client.cancel(jobId);
}, 120_000);

test('of both kinds of sources it is read what they read, and of the older not how busy they are', async () => {
  const folder = `${flink.work}/in`;
  mkdirSync(folder);
  for (const file of ['a', 'b'])
    writeFileSync(`${folder}/${file}.csv`, Array.from({ length: 200_000 }, (_, n) => n).join('\n'));
  const files = `'connector' = 'filesystem', 'path' = 'file://${folder}', 'format' = 'csv', 'source.monitor-interval' = '5 s'`;
  for (const [source, isOld] of [
    [DATAGEN, true],
    [files, false],
  ] as const) {
    const jobId = await start(counting(source), 2);
    const read = async (): Promise<VertexSample[]> => {
      const { sample, running } = await readSample(flink.client, jobId, 0, 'Flink');
      expect(running).toBe(true);
      return sample.vertices;
    };
    const [before] = await until(
      'records are counted',
      async () => {
        const vertices = await read();
        return vertices.every(({ recordsIn }) => (recordsIn ?? 0) > 0) && vertices;
      },
      PATIENCE,
    );
    const [after, worker] = await until(
      'more records are counted',
      async () => {
        const vertices = await read();
        const [now] = vertices;
        return (isOld ? now!.recordsIn! > before!.recordsIn! : now!.recordsIn === 400_000) && vertices;
      },
      PATIENCE,
    );
    expect(after!.recordsIn).toBe(after!.recordsOut);
    expect(after!.pendingRecords).toBeNull();
    expect(after!.subtasks.map(({ busy }) => busy === null)).toEqual([isOld, isOld]);
    for (const { busy, backPressured, idle } of worker!.subtasks)
      expect([busy, backPressured, idle]).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    await flink.client.cancel(jobId);
  }
}, 300_000);
