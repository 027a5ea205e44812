// A job from a jar on S3 in real pods: a real server on the node, which pods reach by the address of their bridge.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureExample } from '../../flink/distribution.ts';
import { S3_CREDENTIALS, S3Server } from '../../flink/s3-server.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from '../flowjobs/operator.ts';
import { condition } from '../flowjobs/streams.ts';
import { NODE_ADDRESS } from '../network.ts';
import { stream } from './flink-jobs.ts';

const jobs = new Jobs(NAMESPACE);
const URI = 's3://jars/speed/TopSpeedWindowing.jar';
let server: S3Server;

withOperator(jobs);

beforeAll(async () => {
  server = await S3Server.start('jars', NODE_ADDRESS);
  mkdirSync(dirname(server.fileOf(URI)), { recursive: true });
  copyFileSync(await ensureExample(console.log), server.fileOf(URI));
}, 300_000);

afterAll(async () => server?.stop());

const secret = (secretAccessKey: string): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'jars', namespace: NAMESPACE },
  stringData: { AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
});

const fromJar = (uri: string, more: object = {}): object => {
  const s3 = { endpoint: server.endpoint, credentialsSecretRef: { name: 'jars' } };
  return stream('', { job: { jar: { uri, s3 }, parallelism: 1 }, ...more });
};

test('a stream waits for the credentials of its jar’s store, and runs the jar from there', async () => {
  await jobs.apply('speed', fromJar(URI));
  await jobs.until(
    'speed',
    'says which Secret is missing',
    (job) =>
      condition(job, 'Ready')?.reason === 'PodNotStarting' &&
      /secret "jars" not found/.test(condition(job, 'Ready')!.message),
    180,
  );
  await kubectl.apply([secret(S3_CREDENTIALS.secretAccessKey)]);
  await jobs.until('speed', 'runs', ({ status }) => status?.attempt?.healthy === true, 240);
}, 500_000);

test('a batch whose jar is not in the bucket, or may not be read, says so and fails after its last try', async () => {
  const batch = { mode: 'Batch', state: {}, batch: { backoffLimit: 0 } };
  const failure = async (name: string): Promise<string | undefined> => {
    const job = await jobs.until(name, 'has failed', ({ status }) => status?.state === 'Failed', 180);
    return condition(job, 'Failed')?.message;
  };
  await kubectl.apply([secret(S3_CREDENTIALS.secretAccessKey)]);
  await jobs.apply('jarless', fromJar('s3://jars/none.jar', batch));
  expect(await failure('jarless')).toContain('s3://jars/none.jar answered 404 NoSuchKey -> correct the uri');
  await kubectl.apply([secret('another')]);
  await jobs.apply('refused', fromJar(URI, batch));
  expect(await failure('refused')).toMatch(/answered 403 .*correct spec\.job\.jar\.s3\.credentialsSecretRef/);
}, 500_000);
