// A job without Flink's plugin for S3, as Flink 2.3 with the adaptive scheduler was recorded to tell of it: in no exception.
import { createServer, type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { EngineClient } from '../engine-client.ts';
import { unlistedFailure } from './unlisted-failure.ts';

const recorded = resolve(__dirname, '../../../test/fixtures/flink-2.3/appmode/no_plugin_execution_result.json');
const jobId = '68e6653b4af259333a782d828f7aea17';
let server: Server;
let answer: string;

beforeEach(async () => {
  server = createServer(({ url }, response) => {
    response.writeHead(url === `/jobs/${jobId}/execution-result` ? 200 : 404, { 'content-type': 'application/json' });
    response.end(answer);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const told = async (): Promise<string | null> => {
  const { port } = server.address() as AddressInfo;
  return unlistedFailure(new EngineClient({ url: `http://127.0.0.1:${port}`, token: null }), jobId);
};

test('that the image lacks Flink’s plugin for S3 is told with what to do', async () => {
  answer = readFileSync(recorded, 'utf8');
  expect(await told()).toMatch(
    /^The image lacks Flink’s plugin for S3: put flink-s3-fs-hadoop.* \(UnsupportedFileSystemSchemeException: Could not find a file system/,
  );
});

test('a result without a failure tells nothing', async () => {
  answer = JSON.stringify({ status: { id: 'IN_PROGRESS' } });
  expect(await told()).toBeNull();
});
