// The embedded engine's REST API against answers recorded from Flink 2.3: each recorded field is there, with its type, under each path.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { JobStatus } from '../../engine/rest/gateway.ts';
import { createRestServer } from '../../engine/rest/server.ts';
import { FakeGateway, JOB_ID, START } from './fake-gateway.ts';
import { shapeDifferences, type Json } from './shape.ts';

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

/** Paths that the embedded engine does not have: sessions and their jars. */
const notOurs = [/^\/(jars|datasets)/];

/** Fields that differ on purpose. */
const ignoredIn: Record<string, string[]> = {
  // Which options there are is each engine's own affair.
  'job_config.json': ['.execution-config.user-config'],
  // There are no jars, and no files that the engine logs to.
  'jobmanager_environment.json': ['.classpath[]'],
  'jobmanager_logs.json': ['.logs[]'],
};
const NOTHING: ReadonlySet<string> = new Set();

const answer = async (gateway: FakeGateway, recording: Pick<Recording, 'method' | 'path' | 'request'>, prefix = '') => {
  const server = createRestServer(gateway, { token: null, now: () => START + 60_000 });
  const path = recording.path.replace('127.0.0.1%3A46257-89c8df', 'taskmanager-0');
  const response = await server.inject({
    method: recording.method as 'GET',
    url: prefix + path,
    ...(recording.request === null ? {} : { payload: JSON.stringify(recording.request) }),
  });
  await server.close();
  return { status: response.statusCode, body: JSON.parse(response.body) as Json };
};

/** The state that the job was in when the answer was recorded. */
function stateOf(file: string): JobStatus {
  const state = /finished|failed|canceled|restarting/.exec(file)?.[0].toUpperCase();
  return /savepoints|stop/.test(file) ? 'RUNNING' : ((state as JobStatus | undefined) ?? 'RUNNING');
}

// The last recording of a file is the one that it holds.
const recordings = new Map(
  ['_index_get.json', '_index_get2.json', '_index_actions.json']
    .flatMap(index)
    .filter((recording) => !notOurs.some((pattern) => pattern.test(recording.path)))
    .map((recording) => [recording.file, recording]),
);

test.each([...recordings])('%s: the recorded status, and every recorded field', async (file, recording) => {
  for (const prefix of ['', '/v1']) {
    const gateway = new FakeGateway(stateOf(file));
    // Operations of the recording were started before.
    const operation = /^(.*\/(?:savepoints|checkpoints|savepoint-disposal))\/([0-9a-f]{32})$/.exec(recording.path);
    if (operation !== null && recording.status === 200)
      gateway.operations.set(
        operation[2]!,
        file.includes('failed')
          ? { state: 'FAILED', failureClass: 'STORAGE', message: 'disk full' }
          : { state: 'COMPLETED', location: file.includes('checkpoints') ? '72' : '/data/savepoints/savepoint-1' },
      );
    const { status, body } = await answer(gateway, recording, prefix);
    expect(status).toBe(recording.status);
    expect(shapeDifferences(read(file), body, new Set(ignoredIn[file]))).toEqual([]);
  }
});

test.each([
  'job_resource_requirements_put_invalid_bounds.json',
  'job_resource_requirements_put_invalid_missing_vertex.json',
  'error_job_not_found.json',
  'error_bad_job_id.json',
  'error_savepoint_trigger_unknown.json',
  'error_cancel_finished_job.json',
])('%s: the class and message of the recorded exception', async (file) => {
  const { body } = await answer(new FakeGateway(stateOf(file)), recordings.get(file)!);
  const recorded = read(file) as { errors: string[] };
  expect(body).toEqual({ errors: [recorded.errors[0]!.split('\n\tat')[0]] });
});

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
  expect(await get(`${vertex}/metrics?get=constructor,0.__proto__`)).toEqual([]);
  expect(await get(`${vertex}/subtasks/1/metrics?get=busyTimeMsPerSecond`)).toEqual([
    { id: 'busyTimeMsPerSecond', value: '8' },
  ]);
  // Flink answers with nothing at all when one of the names is unknown.
  expect(await get(`${vertex}/subtasks/metrics?get=busyTimeMsPerSecond,nonsense`)).toEqual([]);
});

// Recordings that the indexes do not list: other states of other jobs.
const states: [string, JobStatus, string][] = [
  ['job_detail_failed.json', 'FAILED', `/jobs/${JOB_ID}`],
  ['job_detail_canceled.json', 'CANCELED', `/jobs/${JOB_ID}`],
  ['job_detail_restarting.json', 'RESTARTING', `/jobs/${JOB_ID}`],
  ['job_exceptions_failed.json', 'FAILED', `/jobs/${JOB_ID}/exceptions`],
  ['job_exceptions_restarting.json', 'RESTARTING', `/jobs/${JOB_ID}/exceptions`],
  ['job_execution_result_failed.json', 'FAILED', `/jobs/${JOB_ID}/execution-result`],
  ['job_execution_result_canceled.json', 'CANCELED', `/jobs/${JOB_ID}/execution-result`],
  ['job_checkpoints_restored.json', 'RUNNING', `/jobs/${JOB_ID}/checkpoints`],
  ['jobs_overview_failed.json', 'FAILED', '/jobs/overview'],
  ['jobs_overview_restarting.json', 'RESTARTING', '/jobs/overview'],
  ['appmode/fail_applications_overview.json', 'FAILED', '/applications/overview'],
  ['appmode/fail_applications_id.json', 'FAILED', `/applications/${JOB_ID}`],
  ['appmode/fail_applications_id_exceptions.json', 'FAILED', `/applications/${JOB_ID}/exceptions`],
  ['appmode/finished_applications_id.json', 'FINISHED', `/applications/${JOB_ID}`],
  ['appmode/finished_applications_id_exceptions.json', 'FINISHED', `/applications/${JOB_ID}/exceptions`],
];

test.each(states)('%s has the shape of a job that is %s', async (file, status, path) => {
  const { body } = await answer(new FakeGateway(status), { method: 'GET', path, request: null });
  expect(shapeDifferences(read(file), body, NOTHING)).toEqual([]);
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
    expect(shapeDifferences(read(file), status.body, NOTHING)).toEqual([]);
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
  expect(shapeDifferences(recorded, await get(failed), NOTHING)).toEqual([]);
});

describe('rescaling over REST', () => {
  const path = `/jobs/${JOB_ID}/resource-requirements`;
  const put = async (gateway: FakeGateway, request: unknown) => answer(gateway, { method: 'PUT', path, request });
  const get = async (gateway: FakeGateway, of = path) => answer(gateway, { method: 'GET', path: of, request: null });

  test('what was asked for is what is told', async () => {
    const gateway = new FakeGateway('RUNNING');
    const wanted = read('job_resource_requirements_get_after_rescale.json');
    expect(await put(gateway, wanted)).toEqual({ status: 200, body: read('job_resource_requirements_put.json') });
    expect(await get(gateway)).toEqual({ status: 200, body: wanted });
  });

  test.each([
    [[]],
    [{ cbc357ccb763df2852fee8c4fc7d55f2: 2 }],
    [{ cbc357ccb763df2852fee8c4fc7d55f2: { parallelism: { lowerBound: 1 } } }],
    [{ cbc357ccb763df2852fee8c4fc7d55f2: { parallelism: { lowerBound: 1, upperBound: '2' } } }],
  ])('%j is a bad request', async (body) => {
    const gateway = new FakeGateway('RUNNING');
    expect(await put(gateway, body)).toMatchObject({ status: 400, body: { errors: [expect.stringContaining('Bad')] } });
    expect(gateway.calls).toEqual([]);
  });

  test('a batch is not rescaled, nor a job that has ended', async () => {
    const batch = new FakeGateway('RUNNING');
    batch.job().plan.mode = 'BATCH';
    const requirements = read('job_resource_requirements_get.json');
    const refused = { errors: [expect.stringContaining('The AdaptiveBatchScheduler does not support changing')] };
    expect(await put(batch, requirements)).toEqual({ status: 400, body: refused });
    batch.job().plan.mode = 'STREAMING';
    expect((await put(new FakeGateway('FINISHED'), requirements)).status).toBe(409);
    expect((await get(new FakeGateway('FINISHED'), `/jobs/${JOB_ID}/rescales/history`)).status).toBe(404);
  });

  test('one rescaling has its details, another id has none', async () => {
    const gateway = new FakeGateway('RUNNING');
    const rescaleUuid = 'ab'.repeat(16);
    gateway.job().rescales!.history.push({
      ...{
        rescaleUuid,
        resourceRequirementsUuid: 'cd'.repeat(16),
        rescaleAttemptId: 1,
        triggerCause: 'UPDATE_REQUIREMENT',
      },
      ...{ startTimestamp: START, endTimestamp: START + 70, terminalState: 'COMPLETED', terminatedReason: 'SUCCEEDED' },
      vertices: [{ id: 'v', name: 'Source', desired: 4, sufficient: 1, before: 2, after: 4 }],
      slots: { desired: 4, sufficient: 1, before: 2, after: 4 },
      schedulerStates: [{ state: 'Restarting', enter: START, leave: START + 30 }],
    });
    const details = `/jobs/${JOB_ID}/rescales/details`;
    expect((await get(gateway, `${details}/${rescaleUuid}`)).body).toMatchObject({
      rescaleUuid,
      vertices: { v: { preRescaleParallelism: 2, postRescaleParallelism: 4 } },
      schedulerStates: [{ state: 'Restarting', durationInMillis: 30 }],
    });
    expect((await get(gateway, `${details}/${'ef'.repeat(16)}`)).status).toBe(404);
    expect((await get(gateway, `/jobs/${JOB_ID}/rescales/summary`)).body).toMatchObject({
      completedRescalesDurationStatsInMillis: { min: 70, max: 70, avg: 70 },
    });
  });
});

test('cancelling a finished job is a conflict, disposing and shutting down are accepted', async () => {
  const cancel = { method: 'PATCH', path: `/jobs/${JOB_ID}?mode=cancel`, request: null };
  expect((await answer(new FakeGateway('FINISHED'), cancel)).status).toBe(409);
  expect(await answer(new FakeGateway('RUNNING'), cancel)).toEqual({ status: 202, body: {} });
  const disposal = { method: 'POST', path: '/savepoint-disposal', request: { 'savepoint-path': '/data/savepoints/x' } };
  expect((await answer(new FakeGateway('RUNNING'), disposal)).status).toBe(200);
  expect((await answer(new FakeGateway('RUNNING'), { ...disposal, request: {} })).status).toBe(400);
  const gateway = new FakeGateway('RUNNING');
  expect((await answer(gateway, { method: 'DELETE', path: '/cluster', request: null })).status).toBe(200);
  expect(gateway.calls).toEqual(['shutdown']);
});

test('an aggregate is over the subtasks that have the metric; what is not a number stands in quotes', async () => {
  const gateway = new FakeGateway('RUNNING');
  const [first, second] = gateway.job().vertices[0]!.subtasks;
  first!.metrics = { lag: 4, busy: NaN, currentInputWatermark: Number.MIN_SAFE_INTEGER };
  second!.metrics = { busy: 1, currentInputWatermark: Number.MAX_SAFE_INTEGER };
  const vertex = `/jobs/${JOB_ID}/vertices/${gateway.job().vertices[0]!.id}`;
  const get = async (path: string) =>
    (await answer(gateway, { method: 'GET', path: vertex + path, request: null })).body;
  expect(await get('/subtasks/metrics?get=lag&agg=min,sum')).toEqual([{ id: 'lag', min: 4, sum: 4 }]);
  expect(await get('/subtasks/metrics?get=busy&agg=max')).toEqual([{ id: 'busy', max: 'NaN' }]);
  // The web UI knows "no watermark" by this number.
  expect(await get('/watermarks')).toEqual([
    { id: '0.currentInputWatermark', value: '-9223372036854775808' },
    { id: '1.currentInputWatermark', value: '9223372036854775807' },
  ]);
});

describe("what Flink's web UI asks for", () => {
  const get = async (path: string, gateway = new FakeGateway('RUNNING')) =>
    answer(gateway, { method: 'GET', path, request: null });
  const vertex = `/jobs/${JOB_ID}/vertices/cbc357ccb763df2852fee8c4fc7d55f2`;

  test.each([
    ['GET', `/jobs/${JOB_ID}/yarn-cancel`],
    ['POST', `/applications/${JOB_ID}/cancel`],
  ])('%s %s cancels the job', async (method, path) => {
    const gateway = new FakeGateway('RUNNING');
    expect(await answer(gateway, { method, path, request: null })).toEqual({ status: 202, body: {} });
    expect(gateway.calls).toEqual(['cancel']);
    expect((await answer(new FakeGateway('FINISHED'), { method, path, request: null })).status).toBe(409);
  });

  test.each<[JobStatus, string]>([
    ['INITIALIZING', 'CREATED'],
    ['RESTARTING', 'RUNNING'],
    ['CANCELLING', 'CANCELING'],
    ['CANCELED', 'CANCELED'],
  ])('the application of a job that is %s is %s', async (job, application) => {
    const overview = await get('/applications/overview', new FakeGateway(job));
    expect(overview.body).toMatchObject({ applications: [{ id: JOB_ID, status: application, jobs: { [job]: 1 } }] });
  });

  test('there is no other application', async () => {
    const { status, body } = await get(`/applications/${'ff'.repeat(16)}`);
    expect(status).toBe(404);
    expect(body).toEqual({ errors: [expect.stringContaining('Could not find Flink application')] });
  });

  test('a subtask that has not acknowledged a checkpoint is pending, and counts in no sum', async () => {
    const gateway = new FakeGateway('RUNNING');
    const [task] = gateway.job().checkpoints.history[0]!.tasks;
    Object.assign(task!.subtasks[1]!, { ackTimestamp: null, stateSize: 0, checkpointedSize: 0 });
    const details = `/jobs/${JOB_ID}/checkpoints/details/12`;
    const sums = { num_subtasks: 2, num_acknowledged_subtasks: 1, state_size: 80_000, end_to_end_duration: 57 };
    expect((await get(details, gateway)).body).toMatchObject({ tasks: { [task!.vertexId]: sums } });
    expect((await get(`${details}/subtasks/${task!.vertexId}`, gateway)).body).toMatchObject({
      ...sums,
      summary: { state_size: { min: 80_000, max: 80_000 } },
      subtasks: [
        { index: 0, status: 'completed' },
        { index: 1, status: 'pending_or_failed' },
      ],
    });
    for (const subtask of task!.subtasks) subtask.ackTimestamp = null;
    expect((await get(details, gateway)).body).toMatchObject({
      tasks: { [task!.vertexId]: { latest_ack_timestamp: -1, end_to_end_duration: -1 } },
    });
    expect((await get(`${details}/subtasks/${'ff'.repeat(16)}`, gateway)).status).toBe(404);
  });

  test('flame graphs are told to be disabled', async () => {
    expect((await get(`${vertex}/flamegraph?type=on_cpu`)).body).toEqual({ endTimestamp: -2 });
  });

  test('where logs are is told in the place of logs', async () => {
    const server = createRestServer(new FakeGateway('RUNNING'), { token: null });
    for (const path of ['/jobmanager/log', '/jobmanager/stdout', '/taskmanagers/taskmanager-0/log']) {
      const response = await server.inject({ method: 'GET', url: path });
      expect(response.headers['content-type']).toContain('text/plain');
      expect(response.body).toContain('flowjob logs');
    }
    expect((await server.inject({ method: 'GET', url: '/taskmanagers/other/log' })).statusCode).toBe(404);
    await server.close();
  });
});

test('the sums of a vertex are called complete when every subtask that has not ended has told its own', async () => {
  const gateway = new FakeGateway('RUNNING');
  const flags = async (): Promise<unknown> => {
    const { body } = await answer(gateway, { method: 'GET', path: `/jobs/${JOB_ID}`, request: null });
    const { metrics } = (body as { vertices: { metrics: Record<string, Json> }[] }).vertices[0]!;
    return ['read-records', 'write-records'].map((name) => metrics[`${name}-complete`]);
  };
  const [first] = gateway.job().vertices[0]!.subtasks;
  expect(await flags()).toEqual([true, true]);
  first!.metrics = { numRecordsIn: 1 };
  expect(await flags()).toEqual([true, false]);
  first!.state = 'CANCELED';
  expect(await flags()).toEqual([true, true]);
});

test('a savepoint that has left the history of checkpoints has its details while it is the newest', async () => {
  const details = async (id: number) => {
    const path = `/jobs/${JOB_ID}/checkpoints/details/${id}`;
    return answer(new FakeGateway('RUNNING'), { method: 'GET', path, request: null });
  };
  expect(await details(5)).toMatchObject({ status: 200, body: { id: 5, is_savepoint: true } });
  expect(await details(6)).toMatchObject({ status: 404 });
});

test('secrets are masked in configurations', async () => {
  const gateway = new FakeGateway('RUNNING');
  gateway.job().config.push(['s3.secret-key', 'hunter2'], ['flowjob.token-file', '/run/token']);
  const path = `/jobs/${JOB_ID}/jobmanager/config`;
  const { body } = await answer(gateway, { method: 'GET', path, request: null });
  expect(body).toContainEqual({ key: 's3.secret-key', value: '******' });
  expect(body).toContainEqual({ key: 'flowjob.token-file', value: '/run/token' });
});

test.each([
  ['GET', `/jobs/${JOB_ID}/exceptions?maxExceptions=x`, null],
  ['GET', `/jobs/${JOB_ID}/checkpoints/details/x`, null],
  ['GET', `/jobs/metrics?get=uptime&agg=median`, null],
  ['PATCH', `/jobs/${JOB_ID}?mode=suspend`, null],
  ['POST', `/jobs/${JOB_ID}/savepoints`, { triggerId: 'x' }],
  ['POST', `/jobs/${JOB_ID}/stop`, { targetDirectory: 5 }],
])('%s %s is a bad request', async (method, path, request) => {
  const { status, body } = await answer(new FakeGateway('RUNNING'), { method, path, request });
  expect(status).toBe(400);
  expect(body).toEqual({ errors: [expect.stringContaining('Bad request')] });
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
  const unknown = await server.inject({ method: 'GET', url: '/no/such/path' });
  expect(unknown.statusCode).toBe(401);
  expect(unknown.headers['www-authenticate']).toBe('Bearer');
  expect(JSON.parse(unknown.body)).toEqual({ errors: [expect.stringContaining('Unauthorized')] });
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
      fc.dictionary(fc.constantFrom('get', 'agg', 'subtasks', 'mode', 'maxExceptions', 'x'), fc.string(), {
        maxKeys: 2,
      }),
      fc.oneof(fc.string(), fc.json()),
      async (method, parts, query, body) => {
        const url = `/${parts.map(encodeURIComponent).join('/')}?${new URLSearchParams(query).toString()}`;
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
