// What Apache Flink itself leaves on S3 with the operator's keys and credentials from the environment, and how it is found and removed there.
import { readdirSync } from 'node:fs';
import { S3_CREDENTIALS, S3Server } from '../../../../test/flink/s3-server.ts';
import type { FlinkConfig } from '../../../../test/flink/session-cluster.ts';
import { withSessionCluster } from '../../../../test/flink/with-session-cluster.ts';
import { until } from '../../../../test/harness/until.ts';
import { EngineClient } from '../../engine-client.ts';
import { s3Config, s3Defaults } from '../s3-config.ts';
import { disposeSavepoint, removeState, viewStateFolder } from '../state-folder.ts';
import { storageByRest } from '../storage-by-rest.ts';
import { stateFiles } from './by-scheme.ts';

const jobId = 'a'.repeat(32);
const triggerId = 'b'.repeat(32);
const root = 's3://flowjobs/state/orders/flink';
const config: FlinkConfig = {};
let server: S3Server;

beforeAll(async () => {
  server = await S3Server.start('flowjobs');
  const { accessKeyId, secretAccessKey } = S3_CREDENTIALS;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  const storage = { uri: 's3://flowjobs/state', endpoint: server.endpoint };
  Object.assign(config, s3Defaults(storage), s3Config(storage), {
    'execution.checkpointing.dir': `${root}/checkpoints`,
    'execution.checkpointing.savepoint-dir': `${root}/savepoints`,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    // State in files of its own.
    'execution.checkpointing.data-inline-threshold': '0 b',
  });
}, 300_000);
const flink = withSessionCluster('s3', 2, config);
afterAll(async () => server?.stop());

const COUNT = `
SET 'execution.checkpointing.interval' = '500ms';
CREATE TABLE bid (bidder INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100', 'fields.bidder.max' = '9');
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;
`;

test('its newest state is found on S3 as it says itself, and goes when it is removed', async () => {
  await flink.submit(COUNT, jobId);
  const client = new EngineClient({
    url: flink.cluster.rest,
    token: null,
    timeoutMs: 30_000,
    savepointFolder: `${root}/savepoints`,
  });
  await until('a checkpoint', async () => (await storageByRest(client, { jobId })).newest, { seconds: 120 });
  await client.triggerSavepoint(jobId, triggerId);
  const savepoint = await until(
    'the savepoint',
    async () => {
      const view = await client.savepointStatus(jobId, triggerId);
      return view.state === 'Completed' ? view.path : null;
    },
    { seconds: 60 },
  );
  expect(savepoint).toMatch(`${root}/savepoints/${triggerId}/savepoint-`);
  await client.cancel(jobId);
  await until('the job is cancelled', async () => (await client.jobStatus(jobId)).status === 'CANCELED', {
    seconds: 60,
  });

  const files = await stateFiles({ endpoint: server.endpoint });
  const { newest } = await storageByRest(client, { jobId });
  const view = await viewStateFolder(files, root, {
    jobId,
    lastSavepoint: savepoint,
    findState: true,
    savepoint: savepoint,
  });
  expect(view).toMatchObject({ newest, unreadable: { checkpoints: null, savepoint: null }, savepoint: null });
  expect(newest?.path).toMatch(`${root}/`);
  expect(view.found).toMatchObject({ newest: { path: expect.stringContaining(`${root}/`) as string } });

  await disposeSavepoint(files, savepoint);
  expect((await viewStateFolder(files, root, { jobId, lastSavepoint: savepoint })).savepointGone).toBe(true);
  expect(await files.folders(`${root}/savepoints`)).toEqual([]);
  await removeState(files, root);
  expect(await viewStateFolder(files, root, { jobId, findState: true })).toMatchObject({ newest: null, found: null });
  expect(
    readdirSync(server.fileOf('s3://flowjobs'), { recursive: true }).filter((name) => /chk-|shared/.test(String(name))),
  ).toEqual([]);
}, 240_000);
