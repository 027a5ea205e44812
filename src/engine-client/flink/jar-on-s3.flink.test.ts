// Fetching a jar from a real server that speaks as S3 does.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { S3_CREDENTIALS, S3Server } from '../../../test/flink/s3-server.ts';
import type { JarOnS3 } from '../../api/jar.ts';
import { fetchJar } from './fetch-jar.ts';
import { openOnS3 } from './jar-on-s3.ts';

const JAR = Buffer.from(`PK${'x'.repeat(300_000)}`);
const sha256 = createHash('sha256').update(JAR).digest('hex');
const URI = 's3://jars/orders/1.4/orders.jar';
let server: S3Server;
let folder: string;
let waits: number[];

/** As the kubelet gives them to the init container. */
function asWhom(accessKeyId: string, secretAccessKey: string): void {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
}

beforeAll(async () => {
  server = await S3Server.start('jars');
  const { endpoint } = server;
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: S3_CREDENTIALS });
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(URI)!;
  await client.send(new PutObjectCommand({ Bucket, Key, Body: JAR }));
  client.destroy();
}, 300_000);

afterAll(async () => server?.stop());

beforeEach(() => {
  asWhom(S3_CREDENTIALS.accessKeyId, S3_CREDENTIALS.secretAccessKey);
  folder = mkdtempSync(join(tmpdir(), 'flowjob-jar-'));
  waits = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const get = async (
  { uri = URI, endpoint = server.endpoint, sha }: { uri?: string; endpoint?: string; sha?: string },
  field: JarOnS3['field'] = 'spec.job.jar.s3',
): Promise<string> =>
  fetchJar(
    { uri, sha256: sha, to: join(folder, 'job.jar') },
    {
      open: openOnS3({ access: { endpoint }, field }),
      pause: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      onRetry: () => undefined,
      stallMs: 2_000,
    },
  ).then(
    () => 'fetched',
    (error: Error) => error.message,
  );

test('the jar that is named is there, whole, with its sum or without one', async () => {
  for (const more of [{}, { sha: sha256 }]) {
    expect(await get(more)).toBe('fetched');
    expect(readFileSync(join(folder, 'job.jar')).equals(JAR)).toBe(true);
  }
  expect(waits).toEqual([]);
});

test('what cannot be had is told with the field and the remedy, and not asked for again', async () => {
  expect(await get({ uri: 's3://jars/orders/none.jar' })).toMatch(
    /^JAR_REFUSED: spec\.job\.jar\.uri: s3:\/\/jars\/orders\/none\.jar answered 404 NoSuchKey -> correct the uri/,
  );
  expect(await get({ uri: 's3://nowhere/a.jar' })).toMatch(/answered 404 NoSuchBucket -> make the bucket, or/);
  expect(await get({ sha: '0'.repeat(64) })).toContain(`its SHA-256 is ${sha256}, not 000`);
  asWhom(S3_CREDENTIALS.accessKeyId, 'another');
  expect(await get({})).toMatch(/answered 403 .*correct spec\.job\.jar\.s3\.credentialsSecretRef/);
  expect(await get({}, 'spec.state.storage')).toMatch(/correct spec\.state\.storage\.credentialsSecretRef/);
  expect(waits).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a store that is not there, and one that falls silent in the middle, are asked again and then told', async () => {
  expect(await get({ endpoint: 'http://127.0.0.1:1' })).toMatch(/^JAR_UNREACHABLE: .* could not be fetched: /);
  expect(waits).toHaveLength(5);
  waits = [];
  const silent = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nPK'));
  });
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  try {
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    expect(await get({ endpoint })).toMatch(/^JAR_UNREACHABLE: .* nothing came for 2 s/);
    expect(waits).toHaveLength(5);
  } finally {
    silent.close();
  }
  expect(readdirSync(folder)).toEqual([]);
}, 120_000);
