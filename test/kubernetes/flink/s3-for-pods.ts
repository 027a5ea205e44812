// A real S3 server on the node for tests in pods, which reach it by the address of their bridge, and who may ask it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3_CREDENTIALS, S3Server } from '../../flink/s3-server.ts';
import { kubectl } from '../flowjobs/operator.ts';
import { NODE_ADDRESS } from '../network.ts';

const SECRET = { name: 's3', accessKeyIdKey: 'accessKey', secretAccessKeyKey: 'secretKey' };

/** While the tests of the file run, behind `withOperator`: it has the bucket `flowjobs`, and the namespace the Secret with its credentials. */
export function withS3(namespace: string): () => S3Server {
  let server: S3Server | undefined;
  beforeAll(async () => {
    server = await startS3(namespace);
  }, 300_000);
  afterAll(async () => server?.stop());
  return () => server!;
}

async function startS3(namespace: string): Promise<S3Server> {
  const server = await S3Server.start('flowjobs', NODE_ADDRESS);
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = S3_CREDENTIALS;
  const metadata = { name: SECRET.name, namespace };
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { accessKey, secretKey } }]);
  return server;
}

/** `state.storage` at `uri`. */
export const storageOn = ({ endpoint }: S3Server, uri: string): object => ({
  uri,
  endpoint,
  credentialsSecretRef: SECRET,
});

/** The text of the files that a sink has completed in a folder. */
export function completedIn(server: S3Server, uri: string): string {
  const folder = server.fileOf(uri);
  const parts = readdirSync(folder).filter((name) => name.startsWith('part-'));
  return parts.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}
