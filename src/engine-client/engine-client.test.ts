import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { EngineClient, EngineClientError } from './engine-client.ts';

const recorded = resolve(__dirname, '../../test/fixtures/flink-2.3');
const jobId = '68e6653b4af259333a782d828f7aea17';
const triggerId = '25a58a75a6517af266d3f0b9acadaa72';

let server: Server;
let client: EngineClient;
let asked: { method: string; path: string; authorization: string | undefined; body: string }[];
/** What the server answers next: status and a recorded file, or text. */
let answer: { status: number; file?: string; text?: string };

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, path: url, authorization: headers.authorization, body });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.file === undefined ? answer.text : readFileSync(join(recorded, answer.file)));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  client = new EngineClient({ url: `http://127.0.0.1:${port}`, token: 'secret', timeoutMs: 20_000 });
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('the trigger id chosen by the operator goes into the body, the token into the header', async () => {
  answer = { status: 202, file: 'job_stop_post.json' };
  await client.stopWithSavepoint(jobId, triggerId);
  expect(asked[0]).toMatchObject({ method: 'POST', path: `/jobs/${jobId}/stop`, authorization: 'Bearer secret' });
  expect(JSON.parse(asked[0]!.body)).toEqual({ triggerId, drain: false });
});

test('a completed savepoint has its path', async () => {
  answer = { status: 200, file: 'job_stop_status_completed.json' };
  const path = '/data/savepoints/savepoint-68e665-914643625659';
  expect(await client.savepointStatus(jobId, triggerId)).toEqual({ state: 'Completed', path });
});

test('a failed savepoint is reported as completed by the engine, and as failed by us', async () => {
  answer = { status: 200, file: 'job_savepoints_status_failed.json' };
  const status = await client.savepointStatus(jobId, triggerId);
  expect(status.state).toBe('Failed');
  expect(JSON.stringify(status)).not.toContain('\\n');
});

test('a completed checkpoint has no path', async () => {
  answer = { status: 200, file: 'job_checkpoints_trigger_status_completed.json' };
  expect(await client.checkpointStatus(jobId, triggerId)).toEqual({ state: 'Completed', path: null });
});

test('an operation that the engine does not know is unknown, not an error', async () => {
  answer = { status: 404, text: '{"errors": ["There is no savepoint operation"]}' };
  expect(await client.savepointStatus(jobId, triggerId)).toEqual({ state: 'Unknown' });
});

test('a refusal says what the engine said, in one line', async () => {
  answer = { status: 409, text: '{"errors": ["a.b.C: the job is over\\n\\tat x.y"]}' };
  await expect(client.cancel(jobId)).rejects.toMatchObject({
    code: 'ENGINE_REFUSED',
    httpStatus: 409,
    message: `PATCH /jobs/${jobId}?mode=cancel: the job is over`,
  });
});

test('a server that is not there is unreachable', async () => {
  const nobody = new EngineClient({ url: 'http://127.0.0.1:1', token: null, timeoutMs: 300 });
  const error: unknown = await nobody.overview().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(EngineClientError);
  expect(error).toMatchObject({ code: 'ENGINE_UNREACHABLE', httpStatus: null });
});

test('a submission is answered in one of four ways; silence leaves it open', async () => {
  const submission = { jar: 'driver.jar', jobId, programArgs: [] };
  answer = { status: 200, file: 'submission/submitted.json' };
  expect(await client.submit(submission)).toEqual({ kind: 'Submitted' });
  expect(asked).toEqual([
    expect.objectContaining({ method: 'POST', path: '/jars/driver.jar/run', body: expect.stringContaining(jobId) }),
  ]);
  answer = { status: 400, file: 'submission/same_id_running_400.json' };
  expect(await client.submit(submission)).toEqual({ kind: 'AlreadyThere' });
  answer = { status: 500, file: 'submission/plan_invalid_sql_500.json' };
  expect(await client.plan(submission)).toMatchObject({ kind: 'Refused' });
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  expect(await client.submit(submission)).toMatchObject({ kind: 'Unreachable' });
});
