// Plans that Apache Flink itself compiles of what the operator gives it: kept without options of tables, and run from then on.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSessionCluster } from '../../../test/flink/with-session-cluster.ts';
import { until } from '../../../test/harness/until.ts';
import { admit } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { flinkScript } from './compiled-plan.ts';
import { flinkConfig } from './config.ts';

const flink = withSessionCluster('compiled', 4);

const sql = `
CREATE TABLE bid (bidder INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.bidder.max' = '9');
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'c4nary');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;`;

const spec = (): ResolvedFlowJobSpec => {
  const engine = { type: 'Flink', version: '2.3' };
  const manifest = { mode: 'Streaming', engine, job: { sql: { inline: sql, plan: 'Compiled' } } };
  const job = admit({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: manifest,
  }) as FlowJob;
  return resolveSpec(job.spec);
};

/** As the operator starts it; the cluster of the tests has a configuration of its own. */
async function start(jobId: string, parallelism: number, from?: string): Promise<void> {
  const state = `file://${flink.work}/state`;
  const config = Object.entries(flinkConfig('orders', spec(), { state, temporary: flink.work })).filter(
    ([key]) => key.startsWith('table.') || key === 'execution.checkpointing.interval',
  );
  const own = from === undefined ? config : [...config, ['execution.state-recovery.path', from] as const];
  const settings = own.map(([key, value]) => `SET '${key}' = '${value}';\n`).join('');
  await flink.submit(settings + flinkScript(spec(), state), jobId, parallelism);
  await until(
    `${jobId} has a checkpoint`,
    async () => (await flink.client.checkpoints(jobId)).history.some(({ status }) => status === 'COMPLETED'),
    { seconds: 120 },
  );
}

async function stop(jobId: string): Promise<string> {
  const triggerId = 'd'.repeat(32);
  await flink.client.stopWithSavepoint(jobId, triggerId);
  return until(
    'the savepoint of its stop',
    async () => {
      const view = await flink.client.savepointStatus(jobId, triggerId);
      return view.state === 'Completed' ? view.path : null;
    },
    { seconds: 60 },
  );
}

test('a text is compiled once, without what its options say, and its state is restored by that plan at another parallelism', async () => {
  const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
  const folder = join(flink.work, 'state/plans');
  mkdirSync(join(flink.work, 'state'), { recursive: true });
  await start(first, 1);
  const [file, ...more] = readdirSync(folder);
  expect(more).toEqual([]);
  const compiled = readFileSync(join(folder, file!), 'utf8');
  expect(compiled).toContain('"type" : "stream-exec-group-aggregate_1"');
  expect(compiled).not.toContain('c4nary');

  const savepoint = await stop(first);
  // What is run is what stands in the file, and nothing that is planned anew.
  const name = 'GroupAggregate(groupBy=[bidder]';
  expect(compiled).toContain(name);
  writeFileSync(join(folder, file!), compiled.replace(name, name.replace('GroupAggregate', 'KeptAggregate')));
  await start(second, 2, savepoint);
  expect(readdirSync(folder)).toEqual([file]);
  const { vertices } = await flink.client.jobDetails(second);
  const { latest } = await flink.client.checkpoints(second);
  expect({
    restored: latest.restored?.external_path,
    parallelism: vertices.map((vertex) => vertex.parallelism),
  }).toEqual({
    restored: `file:${savepoint}`,
    parallelism: [2, 2],
  });
  const plan = await (await fetch(`${flink.cluster.rest}/jobs/${second}/plan`)).text();
  expect(plan).toContain('KeptAggregate');
  await flink.client.cancel(second);
}, 400_000);
