// A real S3 server on the node for tests in pods, which reach it by the address of their bridge, and who may ask it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3_CREDENTIALS, S3Server } from '../../flink/s3-server.ts';
import { kubectl } from '../flowjobs/operator.ts';
import { NODE_ADDRESS } from '../network.ts';

const SECRET = { name: 's3', accessKeyIdKey: 'accessKey', secretAccessKeyKey: 'secretKey' };

/** With the bucket `flowjobs`, and the Secret with its credentials in `namespace`, which is there. */
export async function startS3(namespace: string): Promise<S3Server> {
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
