// The embedded engine's REST API against answers recorded from Flink 2.3: each recorded field is there, with its type, under each path.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { JobStatus } from '../../engine/rest/gateway.ts';
import { createRestServer } from '../../engine/rest/server.ts';
import { FakeGateway, JOB_ID } from './fake-gateway.ts';
import { shapeDifferences } from './shape.ts';

interface Recording {
  file: string;
  method: string;
  path: string;
  request: unknown;
  status: number;
}

const folder = join(__dirname, '../fixtures/flink-2.3');
const read = (file: string): never => JSON.parse(readFileSync(join(folder, file), 'utf8')) as never;
const index = (file: string): Recording[] => read(file);

/** Paths that the embedded engine does not have: sessions and jars, Flink's own logs and environment, and what later versions add. */
const notOurs = [
  /^\/(jars|datasets|applications)/,
  /^\/jobmanager\/(environment|logs)/,
  /\/resource-requirements$/,
  /\/rescales\//,
  /\/subtasks\/accumulators$/,
  /\/vertices\/[^/]+\/taskmanagers$/,
  /\/checkpoints\/details\/\d+\/subtasks\//,
];

/** Fields that differ on purpose. */
const ignored = new Set([
  // Keyed by vertex id: per-vertex sizes of one checkpoint come with the recorded job's ids only.
  '.tasks',
  // Only vertices with inputs have them; the recorded first node is a source as ours is.
  '.plan.nodes[].inputs',
]);

const answer = async (gateway: FakeGateway, recording: Pick<Recording, 'method' | 'path' | 'request'>, prefix = '') => {
  const server = createRestServer(gateway, { token: null });
  const path = recording.path.replace('127.0.0.1%3A46257-89c8df', 'taskmanager-0');
  const response = await server.inject({
    method: recording.method as 'GET',
    url: prefix + path,
    ...(recording.request === null ? {} : { payload: JSON.stringify(recording.request) }),
  });
  await server.close();
  return { status: response.statusCode, body: JSON.parse(response.body) as never };
};

const gets = index('_index_get.json').filter((recording) => !notOurs.some((pattern) => pattern.test(recording.path)));

test.each(gets.map((recording) => [`${recording.method} ${recording.path.slice(0, 120)}`, recording] as const))(
  '%s',
  async (_name, recording) => {
    for (const prefix of ['', '/v1']) {
      const { status, body } = await answer(new FakeGateway('RUNNING'), recording, prefix);
      expect(status).toBe(recording.status);
      // Which metrics exist differs: those that ours has must look like Flink's, and a list needs at least one.
      if (!/metrics/.test(recording.path) || /agg=|jobmanager|taskmanagers/.test(recording.path))
        expect(shapeDifferences(read(recording.file), body, ignored)).toEqual([]);
      else expect(Array.isArray(body)).toBe(true);
    }
  },
);

test('metric lists and values are id and string, as recorded', async () => {
  const vertex = `/jobs/${JOB_ID}/vertices/cbc357ccb763df2852fee8c4fc7d55f2`;
  const get = async (path: string) =>
    (await answer(new FakeGateway('RUNNING'), { method: 'GET', path, request: null })).body as unknown;
  expect(await get(`${vertex}/metrics`)).toContainEqual({ id: '1.busyTimeMsPerSecond' });
  expect(await get(`${vertex}/metrics?get=0.busyTimeMsPerSecond,0.nonsense`)).toEqual([
    { id: '0.busyTimeMsPerSecond', value: '8' },
  ]);
  expect(await get(`${vertex}/subtasks/metrics?get=busyTimeMsPerSecond&agg=max,avg&subtasks=0-1`)).toEqual([
    { id: 'busyTimeMsPerSecond', max: 8, avg: 8 },
  ]);
  // Flink answers with nothing at all when one of the names is unknown.
  expect(await get(`${vertex}/subtasks/metrics?get=busyTimeMsPerSecond,nonsense`)).toEqual([]);
});

const states: [string, JobStatus, string][] = [
  ['job_detail_finished.json', 'FINISHED', ''],
  ['job_detail_failed.json', 'FAILED', ''],
  ['job_detail_canceled.json', 'CANCELED', ''],
  ['job_detail_restarting.json', 'RESTARTING', ''],
  ['job_exceptions_failed.json', 'FAILED', '/exceptions'],
  ['job_execution_result_running.json', 'RUNNING', '/execution-result'],
  ['job_execution_result_finished.json', 'FINISHED', '/execution-result'],
  ['job_execution_result_failed.json', 'FAILED', '/execution-result'],
  ['job_execution_result_canceled.json', 'CANCELED', '/execution-result'],
  ['job_checkpoints_restored.json', 'RUNNING', '/checkpoints'],
];

test.each(states)('%s has the shape of a job that is %s', async (file, status, path) => {
  const { body } = await answer(new FakeGateway(status), {
    method: 'GET',
    path: `/jobs/${JOB_ID}${path}`,
    request: null,
  });
  expect(shapeDifferences(read(file), body, ignored)).toEqual([]);
});

test.each([
  ['savepoints', { 'target-directory': '/data/savepoints' }, 'savepoints', 'job_savepoints_status_completed.json'],
  ['stop', { targetDirectory: '/data/savepoints', drain: true }, 'savepoints', 'job_stop_status_completed.json'],
  ['checkpoints', {}, 'checkpoints', 'job_checkpoints_trigger_status_completed.json'],
])(
  'POST %s answers 202 with the trigger id that was sent, and its status follows',
  async (command, body, statusPath, file) => {
    const gateway = new FakeGateway('RUNNING');
    const triggerId = 'ab'.repeat(16);
    const started = await answer(gateway, {
      method: 'POST',
      path: `/jobs/${JOB_ID}/${command}`,
      request: { ...body, triggerId },
    });
    expect(started).toEqual({ status: 202, body: { 'request-id': triggerId } });
    const status = await answer(gateway, {
      method: 'GET',
      path: `/jobs/${JOB_ID}/${statusPath}/${triggerId}`,
      request: null,
    });
    expect(shapeDifferences(read(file), status.body, ignored)).toEqual([]);
  },
);

test('an operation in progress and one that failed look like the recorded ones', async () => {
  const gateway = new FakeGateway('RUNNING');
  const [running, failed] = ['11'.repeat(16), '22'.repeat(16)];
  gateway.operations.set(running, { state: 'IN_PROGRESS' });
  gateway.operations.set(failed, { state: 'FAILED', failureClass: 'STORAGE', message: 'disk full' });
  const get = async (id: string) =>
    (await answer(gateway, { method: 'GET', path: `/jobs/${JOB_ID}/savepoints/${id}`, request: null })).body;
  expect(await get(running)).toEqual(read('job_savepoints_status_first_poll.json'));
  const recorded = read('job_savepoints_status_failed.json') as {
    operation: { 'failure-cause': Record<string, string> };
  };
  expect(shapeDifferences(recorded, await get(failed), ignored)).toEqual([]);
});

test('cancelling a finished job is a conflict, disposing and shutting down are accepted', async () => {
  const cancel = { method: 'PATCH', path: `/jobs/${JOB_ID}?mode=cancel`, request: null };
  expect((await answer(new FakeGateway('FINISHED'), cancel)).status).toBe(409);
  expect(await answer(new FakeGateway('RUNNING'), cancel)).toEqual({ status: 202, body: {} });
  const disposal = { method: 'POST', path: '/savepoint-disposal', request: { 'savepoint-path': '/data/savepoints/x' } };
  expect((await answer(new FakeGateway('RUNNING'), disposal)).status).toBe(202);
  expect((await answer(new FakeGateway('RUNNING'), { ...disposal, request: {} })).status).toBe(400);
  const gateway = new FakeGateway('RUNNING');
  expect((await answer(gateway, { method: 'DELETE', path: '/cluster', request: null })).status).toBe(200);
  expect(gateway.calls).toEqual(['shutdown']);
});

test('with a token configured only its bearer gets an answer', async () => {
  const server = createRestServer(new FakeGateway('RUNNING'), { token: 'secret' });
  const get = async (authorization?: string) =>
    (
      await server.inject({
        method: 'GET',
        url: '/v1/overview',
        headers: authorization === undefined ? {} : { authorization },
      })
    ).statusCode;
  expect(await get()).toBe(401);
  expect(await get('Bearer wrong')).toBe(401);
  expect(await get('Bearer secret')).toBe(200);
  await server.close();
});

test("no path, however odd, crashes the server: errors are in Flink's form", async () => {
  const server = createRestServer(new FakeGateway('RUNNING'), { token: null });
  const piece = fc.oneof(
    fc.constantFrom('jobs', JOB_ID, 'vertices', 'metrics', 'savepoints', 'checkpoints', 'details', 'v1', '..'),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE'),
      fc.array(piece, { maxLength: 6 }),
      fc.string(),
      async (method, parts, body) => {
        const url = `/${parts.map(encodeURIComponent).join('/')}`;
        const response = await server.inject({
          method: method as 'GET',
          url,
          ...(method === 'GET' ? {} : { payload: body }),
        });
        if (response.statusCode >= 400)
          expect((JSON.parse(response.body) as { errors: string[] }).errors).toHaveLength(1);
        expect(response.statusCode).toBeLessThan(500);
      },
    ),
    { numRuns: 300 },
  );
  await server.close();
});
