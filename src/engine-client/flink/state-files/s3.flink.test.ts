// A job's state on S3, read and removed through a real server that speaks as S3 does.
import { existsSync, utimesSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { S3_CREDENTIALS, S3Server } from '../../../../test/flink/s3-server.ts';
import type { S3Access } from '../../../api/s3.ts';
import { metadata, stateFolderStatements, type Store } from '../state-folder.fixture.ts';
import { viewStateFolder } from '../state-folder.ts';
import { stateFiles } from './by-scheme.ts';
import { StoreUnavailable } from './port.ts';
import { S3Files } from './s3.ts';

let server: S3Server;
let client: S3Client;
let access: S3Access;
let store: Store;
let tests = 0;

/** As the kubelet gives them to a storage pod. */
function asWhom(accessKeyId: string, secretAccessKey: string): void {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
}

async function write(uri: string, content: Buffer, at?: number): Promise<void> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)!;
  await client.send(new PutObjectCommand({ Bucket, Key, Body: content }));
  if (at !== undefined) utimesSync(server.fileOf(uri), at, at);
}

beforeAll(async () => {
  server = await S3Server.start('flowjobs');
  access = { endpoint: server.endpoint };
  const { endpoint } = server;
  client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: S3_CREDENTIALS });
}, 300_000);

afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

beforeEach(async () => {
  asWhom(S3_CREDENTIALS.accessKeyId, S3_CREDENTIALS.secretAccessKey);
  store = {
    files: await stateFiles(access),
    root: `s3://flowjobs/tests/${tests++}/orders/flink`,
    write,
    isThere: async (path) => existsSync(server.fileOf(path)),
    uri: (path) => `${path}/`,
  };
});

stateFolderStatements(() => store);

test('more folders than a list has keys are all found, and more objects than that all removed', async () => {
  const files = new S3Files(access, 3);
  const folder = `${store.root}/checkpoints/job`;
  const wanted = Array.from({ length: 8 }, (_, n) => `${folder}/chk-${n}`);
  for (const path of wanted) for (const part of ['_metadata', 'a', 'b']) await write(`${path}/${part}`, metadata(1));
  expect((await files.folders(folder)).sort()).toEqual(wanted);
  await files.remove(folder);
  expect(await files.folders(folder)).toEqual([]);
  expect(existsSync(server.fileOf(folder))).toBe(false);
});

test('a folder whose name another one’s begins with goes alone', async () => {
  for (const name of ['chk-1', 'chk-10']) await write(`${store.root}/${name}/_metadata`, metadata(1));
  await store.files.remove(`${store.root}/chk-1`);
  expect(await store.files.folders(store.root)).toEqual([`${store.root}/chk-10`]);
});

test('a folder that Hadoop’s S3A made for nothing yet is empty', async () => {
  await write(`${store.root}/trigger/`, Buffer.alloc(0));
  expect(await store.files.folders(store.root)).toEqual([`${store.root}/trigger`]);
  await store.files.removeEmpty(`${store.root}/trigger`);
  expect(await store.files.folders(store.root)).toEqual([]);
});

test('a store that breaks off connections is asked again', async () => {
  await write(`${store.root}/chk-1/_metadata`, metadata(1));
  const { port, hostname } = new URL(server.endpoint);
  let broken = 0;
  const between = createServer((socket) => {
    socket.on('error', () => undefined);
    if (broken++ < 2) return void socket.destroy();
    const onwards = connect(Number(port), hostname);
    onwards.on('error', () => socket.destroy());
    socket.pipe(onwards).pipe(socket);
  });
  await new Promise<void>((listening) => between.listen(0, '127.0.0.1', listening));
  try {
    const endpoint = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    expect(await new S3Files({ endpoint }).folders(store.root)).toEqual([`${store.root}/chk-1`]);
    expect(broken).toBe(3);
  } finally {
    between.close();
  }
});

describe('what keeps the store from answering is no judgement of the state', () => {
  const view = async (of: S3Access, root = store.root): Promise<unknown> =>
    viewStateFolder(await stateFiles(of), root, { jobId: 'a'.repeat(32), savepoint: `${root}/savepoints/a/b` });

  test('credentials that it refuses are told with the Secret', async () => {
    asWhom(S3_CREDENTIALS.accessKeyId, 'another');
    const secret = { name: 's3', accessKeyIdKey: 'AWS_ACCESS_KEY_ID', secretAccessKeyKey: 'AWS_SECRET_ACCESS_KEY' };
    const asked = view({ ...access, credentialsSecretRef: secret });
    await expect(asked).rejects.toThrow(StoreUnavailable);
    await expect(asked).rejects.toThrow(/S3 \(bucket flowjobs\): it refuses.* or correct the Secret s3 that /);
  });

  test('a bucket that is not there is told with the URI', async () => {
    await expect(view(access, 's3://nowhere/orders/flink')).rejects.toThrow(
      /S3 \(bucket nowhere\): there is no such bucket: make it, or correct spec\.state\.storage\.uri/,
    );
  });

  test('an address where nobody is is told with the endpoint', async () => {
    await expect(view({ endpoint: 'http://127.0.0.1:1' })).rejects.toThrow(
      /http:\/\/127\.0\.0\.1:1 cannot be reached: correct spec\.state\.storage\.endpoint/,
    );
  });
});
