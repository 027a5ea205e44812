// What the operator and people rely on of an engine's REST API, as tests of running jobs: the same for the embedded engine (`npm test`) and for Apache Flink
// itself (`npm run test:flink`). What the shapes of all answers are, rest.test.ts holds the embedded engine to; here recordings are held to a live engine.
import { existsSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { until } from '../harness/until.ts';
import { shapeDifferences, type Json } from './shape.ts';

/** A job that an engine runs for a test. */
export interface RunningJob {
  /** Address of the engine's REST API. */
  url: string;
  id: string;
}

export interface Engine {
  /** Starts a SQL text with one INSERT and a parallelism of two. `savepoint`: where it goes on from. Returns when the engine has taken it. */
  start: (sql: string, savepoint?: string) => Promise<RunningJob>;
  /** Ends every job and what runs it. */
  endJobs: () => Promise<void>;
}

interface Answer {
  status: number;
  body: Json;
}

const folder = join(__dirname, '../fixtures/flink-2.3');
const recorded = (file: string): Json => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Json;
const newId = (): string => randomBytes(16).toString('hex');
const PATIENCE = { seconds: 60, every: 50 };

const STREAM = `
SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (bidder INT, price BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '200', 'fields.bidder.min' = '0', 'fields.bidder.max' = '9'
);
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;
`;
/** None of its rows can be cast. */
const FAILING = `
SET 'restart-strategy.type' = 'none';
CREATE TABLE n (id BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '10', 'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '1000000'
);
CREATE TABLE snk (id INT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT CAST('x' || CAST(id AS STRING) AS INT) FROM n;
`;

/** Recording -> its path, with J for the job, V for its first vertex, T for a TaskManager and C for a completed checkpoint. */
const shapes: [file: string, path: string][] = [
  ['overview.json', '/overview'],
  ['config.json', '/config'],
  ['jobs.json', '/jobs'],
  ['jobs_overview.json', '/jobs/overview'],
  ['taskmanagers.json', '/taskmanagers'],
  ['taskmanager_detail.json', '/taskmanagers/T'],
  ['applications_overview.json', '/applications/overview'],
  ['appmode/finished_applications_id.json', '/applications/J'],
  ['appmode/finished_applications_id_exceptions.json', '/applications/J/exceptions'],
  ['jobmanager_environment.json', '/jobmanager/environment'],
  ['jobmanager_logs.json', '/jobmanager/logs'],
  ['jobmanager_config.json', '/jobmanager/config'],
  ['jobmanager_metrics_list.json', '/jobmanager/metrics'],
  ['job_detail.json', '/jobs/J'],
  ['job_status.json', '/jobs/J/status'],
  ['job_plan.json', '/jobs/J/plan'],
  ['job_config.json', '/jobs/J/config'],
  ['job_exceptions.json', '/jobs/J/exceptions'],
  ['job_accumulators.json', '/jobs/J/accumulators'],
  ['job_checkpoints.json', '/jobs/J/checkpoints'],
  ['job_checkpoints_config.json', '/jobs/J/checkpoints/config'],
  ['job_checkpoint_details.json', '/jobs/J/checkpoints/details/C'],
  ['job_checkpoint_details_subtasks_v0.json', '/jobs/J/checkpoints/details/C/subtasks/V'],
  ['job_metrics_list.json', '/jobs/J/metrics'],
  ['job_rescales_config.json', '/jobs/J/rescales/config'],
  ['job_rescales_overview.json', '/jobs/J/rescales/overview'],
  ['job_execution_result_running.json', '/jobs/J/execution-result'],
  ['vertex_detail_v0.json', '/jobs/J/vertices/V'],
  ['vertex_subtasktimes_v0.json', '/jobs/J/vertices/V/subtasktimes'],
  ['vertex_taskmanagers_v0.json', '/jobs/J/vertices/V/taskmanagers'],
  ['vertex_backpressure_v0.json', '/jobs/J/vertices/V/backpressure'],
  ['vertex_subtask_0_v0.json', '/jobs/J/vertices/V/subtasks/0'],
  ['vertex_subtasks_accumulators_v0.json', '/jobs/J/vertices/V/subtasks/accumulators'],
  ['vertex_metrics_list_v0.json', '/jobs/J/vertices/V/metrics'],
  ['vertex_subtasks_metrics_list_v0.json', '/jobs/J/vertices/V/subtasks/metrics'],
];

/** Differ with the job or with the configuration: by vertex, by option, by what there is of jars and log files. */
const IGNORED: ReadonlySet<string> = new Set([
  ...['.tasks', '.execution-config.user-config', '.classpath[]', '.jvm.options[]', '.logs[]'],
]);

export function stateTheProtocol(engine: Engine): void {
  let job: RunningJob;

  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(job.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: JSON.parse(await response.text()) as Json };
  };
  const get = async <T>(path: string): Promise<T> => (await ask('GET', path)).body as T;
  const ofJob = (path: string): string => `/jobs/${job.id}${path}`;

  const reaches = async (state: string): Promise<void> =>
    void (await until(
      `the job is ${state}`,
      async () => (await get<{ status: string }>(ofJob('/status'))).status === state,
      PATIENCE,
    ));
  interface Vertex {
    id: string;
    parallelism: number;
    tasks: Record<string, number>;
  }
  const vertices = async (): Promise<Vertex[]> => (await get<{ vertices: Vertex[] }>(ofJob(''))).vertices;
  const runsWith = async (parallelism: number): Promise<void> =>
    void (await until(
      `all tasks run with a parallelism of ${parallelism}`,
      async () => {
        const found = await vertices();
        const areAll = found.every((v) => v.parallelism === parallelism && v.tasks['RUNNING'] === parallelism);
        return found.length === 2 && areAll;
      },
      PATIENCE,
    ));
  interface Operation {
    status: { id: string };
    operation: { location?: string; checkpointId?: number };
  }
  const ended = async (look: () => Promise<Operation>): Promise<Operation['operation']> =>
    until(
      'the operation ends',
      async () => {
        const { status, operation } = await look();
        return status.id === 'COMPLETED' ? operation : null;
      },
      PATIENCE,
    );
  /** Of the operation that was started by a POST. */
  const result = async (kind: 'savepoints' | 'checkpoints', triggerId: string): Promise<Operation['operation']> =>
    ended(async () => get<Operation>(ofJob(`/${kind}/${triggerId}`)));
  interface Checkpoints {
    counts: { restored: number; completed: number };
    latest: { completed: { id: number } | null; restored: { is_savepoint: boolean; external_path: string } | null };
    history: { id: number; is_savepoint: boolean }[];
  }
  const checkpoints = async (): Promise<Checkpoints> => get<Checkpoints>(ofJob('/checkpoints'));
  /** Takes one under a chosen id and returns its own id as soon as it is told of: Flink's statistics are as old as its web interface may be. */
  const takeCheckpoint = async (): Promise<number> => {
    const triggerId = newId();
    const accepted = { status: 202, body: { 'request-id': triggerId } };
    expect(await ask('POST', ofJob('/checkpoints'), { triggerId })).toEqual(accepted);
    const { checkpointId } = await result('checkpoints', triggerId);
    const isTold = async (): Promise<boolean> => (await checkpoints()).history.some(({ id }) => id === checkpointId);
    await until('the checkpoint is in the history', isTold, PATIENCE);
    return checkpointId!;
  };

  const startStream = async (savepoint?: string): Promise<void> => {
    job = await engine.start(STREAM, savepoint);
    await reaches('RUNNING');
    await runsWith(2);
  };
  /** Flink writes `file:` before the paths of savepoints everywhere, the embedded engine in its checkpoints only. */
  const pathOf = (location: string): string => location.replace(/^file:(\/\/)?/, '');
  const isMetadataThere = (location: string): boolean => existsSync(join(pathOf(location), '_metadata'));

  describe('of a stream that runs', () => {
    beforeAll(async () => {
      await startStream();
      await until('a checkpoint is complete', async () => (await checkpoints()).latest.completed !== null, PATIENCE);
    });
    afterAll(async () => engine.endJobs());

    test.each(shapes)('%s is what is answered to GET %s', async (file, path) => {
      const [source] = await vertices();
      const { taskmanagers } = await get<{ taskmanagers: { id: string }[] }>('/taskmanagers');
      const { latest } = await checkpoints();
      const actual = path
        .replace('J', job.id)
        .replace('V', source!.id)
        .replace('T', encodeURIComponent(taskmanagers[0]!.id))
        .replace('C', String(latest.completed!.id));
      for (const prefix of ['', '/v1']) {
        const { status, body } = await ask('GET', prefix + actual);
        expect(status).toBe(200);
        expect(shapeDifferences(recorded(file), body, IGNORED)).toEqual([]);
      }
    });

    test('the overview counts TaskManagers, slots and jobs', async () => {
      const counts = { taskmanagers: 1, 'slots-total': 2, 'slots-available': 0, 'jobs-running': 1 };
      await until(
        'the overview is up to date',
        async () => {
          const overview = await get<Record<string, number>>('/overview');
          return Object.entries(counts).every(([name, count]) => overview[name] === count);
        },
        PATIENCE,
      );
    });

    test('the plan names the vertices of the job, and what each reads from', async () => {
      interface Plan {
        plan: { nodes: { id: string; parallelism: number; inputs?: { id: string; ship_strategy: string }[] }[] };
      }
      const { nodes } = (await get<Plan>(ofJob('/plan'))).plan;
      expect(nodes.map(({ id }) => id).sort()).toEqual((await vertices()).map(({ id }) => id).sort());
      expect(nodes.map(({ parallelism }) => parallelism)).toEqual([2, 2]);
      const [source] = nodes.filter(({ inputs }) => inputs === undefined);
      const inputs = nodes.flatMap((node) => node.inputs ?? []);
      expect(inputs).toEqual([expect.objectContaining({ id: source!.id, ship_strategy: 'HASH' })]);
    });

    test('metrics are values by name; of a name that is not there, nothing is told', async () => {
      const [, counter] = await vertices();
      const vertex = ofJob(`/vertices/${counter!.id}`);
      const named = async (name: string): Promise<unknown[]> => get(`${vertex}/subtasks/metrics?get=${name}&agg=sum`);
      await until(
        'records are counted',
        async () => {
          const [found] = (await named('numRecordsIn')) as { sum: number }[];
          return found !== undefined && found.sum > 0;
        },
        PATIENCE,
      );
      expect(await named('numRecordsIn')).toEqual([{ id: 'numRecordsIn', sum: expect.any(Number) as number }]);
      expect(await named('numRecordsIn,noSuchThing')).toEqual([]);
      expect(await get(`${vertex}/metrics?get=0.numRecordsIn,0.noSuchThing`)).toEqual([
        { id: '0.numRecordsIn', value: expect.stringMatching(/^\d+$/) as string },
      ]);
    });

    test('a vertex that no watermark has reached shows the first of all times', async () => {
      const [, counter] = await vertices();
      const watermark = { id: '0.currentInputWatermark', value: '-9223372036854775808' };
      expect(await get(ofJob(`/vertices/${counter!.id}/watermarks`))).toContainEqual(watermark);
    });

    test('a checkpoint has its numbers by vertex, whose sums are those of the whole', async () => {
      const { latest } = await checkpoints();
      interface Numbers {
        state_size: number;
        num_subtasks: number;
        num_acknowledged_subtasks: number;
        tasks: Record<string, Numbers>;
      }
      const whole = await get<Numbers>(ofJob(`/checkpoints/details/${latest.completed!.id}`));
      expect(Object.keys(whole.tasks).sort()).toEqual((await vertices()).map(({ id }) => id).sort());
      expect(whole).toMatchObject({ num_subtasks: 4, num_acknowledged_subtasks: 4 });
      expect(whole.state_size).toBeGreaterThan(0);
      const sum = (value: (one: Numbers) => number): number =>
        Object.values(whole.tasks).reduce((total, task) => total + value(task), 0);
      expect(sum((task) => task.num_subtasks)).toBe(whole.num_subtasks);
      expect(sum((task) => task.num_acknowledged_subtasks)).toBe(whole.num_acknowledged_subtasks);
      expect(sum((task) => task.state_size)).toBe(whole.state_size);
    });

    test('flame graphs are disabled', async () => {
      const [source] = await vertices();
      expect(await ask('GET', ofJob(`/vertices/${source!.id}/flamegraph?type=on_cpu`))).toEqual({
        status: 200,
        body: { endTimestamp: -2 },
      });
    });

    test('a checkpoint is taken under the id that was asked for', async () => {
      const checkpointId = await takeCheckpoint();
      const { body, status } = await ask('GET', ofJob(`/checkpoints/details/${checkpointId}`));
      expect(status).toBe(200);
      expect(body).toMatchObject({ id: checkpointId, status: 'COMPLETED', is_savepoint: false });
    });

    test('a savepoint is taken once, however often it is asked for under one id', async () => {
      const savepoints = async (): Promise<number> => {
        const later = await takeCheckpoint();
        const { history } = await checkpoints();
        return history.filter((entry) => entry.is_savepoint && entry.id < later).length;
      };
      const [triggerId, before] = [newId(), await savepoints()];
      const accepted = { status: 202, body: { 'request-id': triggerId } };
      const request = { triggerId, 'cancel-job': false };
      expect(await ask('POST', ofJob('/savepoints'), request)).toEqual(accepted);
      expect(await ask('POST', ofJob('/savepoints'), request)).toEqual(accepted);
      const { location } = await result('savepoints', triggerId);
      expect(isMetadataThere(location!)).toBe(true);
      expect(await ask('POST', ofJob('/savepoints'), request)).toEqual(accepted);
      expect(await result('savepoints', triggerId)).toEqual({ location });
      expect(await savepoints()).toBe(before + 1);
    });

    test('a savepoint is disposed of once; of one that is not there it is told why that cannot be', async () => {
      const triggerId = newId();
      await ask('POST', ofJob('/savepoints'), { triggerId });
      const { location } = await result('savepoints', triggerId);
      const dispose = async (): Promise<Operation['operation']> => {
        const { status, body } = await ask('POST', '/savepoint-disposal', { 'savepoint-path': location });
        expect(status).toBe(200);
        const path = `/savepoint-disposal/${(body as { 'request-id': string })['request-id']}`;
        return ended(async () => get<Operation>(path));
      };
      expect(await dispose()).toEqual({});
      expect(isMetadataThere(location!)).toBe(false);
      expect(await dispose()).toMatchObject({
        'failure-cause': {
          class: 'org.apache.flink.util.FlinkException',
          'stack-trace': expect.stringContaining(location!) as string,
          'serialized-throwable': expect.stringMatching(/^rO0AB/) as string,
        },
      });
    });

    test.each([
      ['a job that there is not', 'GET', `/jobs/${'f'.repeat(32)}`, 404, /NotFoundException: Job f{32} not found/],
      ['an id that is none', 'GET', '/jobs/xyz', 400, /Bad request.*jobid.*xyz/s],
      ['a savepoint that nobody asked for', 'GET', `/jobs/J/savepoints/${'f'.repeat(32)}`, 404, /f{32}/],
      ['a vertex that there is not', 'GET', `/jobs/J/vertices/${'f'.repeat(32)}`, 404, /f{32}/],
      ['a path that there is not', 'GET', '/no/such/path', 404, /\/no\/such\/path/],
      ['a mode of ending that there is not', 'PATCH', '/jobs/J?mode=suspend', 400, /suspend/],
    ])('%s is refused with an error that names it', async (_what, method, path, status, says) => {
      const answer = await ask(method, path.replace('J', job.id));
      expect(answer.status).toBe(status);
      expect(Object.keys(answer.body as object)).toEqual(['errors']);
      const { errors } = answer.body as { errors: string[] };
      expect(errors.join('\n')).toMatch(says);
    });

    test('another parallelism is taken while the job runs, if it is asked for all vertices with bounds that can be', async () => {
      const path = ofJob('/resource-requirements');
      const bounds = (lowerBound: number, upperBound: number) => ({ parallelism: { lowerBound, upperBound } });
      const ids = (await vertices()).map(({ id }) => id);
      const forAll = (wanted: unknown): Record<string, unknown> => Object.fromEntries(ids.map((id) => [id, wanted]));
      expect(await ask('GET', path)).toEqual({ status: 200, body: forAll(bounds(1, 2)) });
      expect(await ask('PUT', path, { [ids[0]!]: bounds(1, 1) })).toMatchObject({ status: 400 });
      expect(await ask('PUT', path, forAll(bounds(2, 1)))).toMatchObject({ status: 400 });
      for (const parallelism of [1, 2]) {
        const wanted = forAll(bounds(1, parallelism));
        expect(await ask('PUT', path, wanted)).toEqual({ status: 200, body: {} });
        expect(await ask('GET', path)).toEqual({ status: 200, body: wanted });
        await runsWith(parallelism);
      }
      expect(await get(ofJob('/exceptions'))).toMatchObject({ exceptionHistory: { entries: [] } });
    });
  });

  describe('of a job that ends', () => {
    afterEach(async () => engine.endJobs());

    test('stopped with a savepoint it is FINISHED, and another goes on from there', async () => {
      await startStream();
      const triggerId = newId();
      const stop = await ask('POST', ofJob('/stop'), { triggerId, drain: false });
      expect(stop).toEqual({ status: 202, body: { 'request-id': triggerId } });
      const { location } = await result('savepoints', triggerId);
      await reaches('FINISHED');
      expect(isMetadataThere(location!)).toBe(true);
      expect(await ask('PATCH', ofJob('?mode=cancel'))).toMatchObject({ status: 409 });

      await startStream(location);
      const restored = async (): Promise<boolean> => (await checkpoints()).counts.restored === 1;
      await until('the restore is counted', restored, PATIENCE);
      const { latest } = await checkpoints();
      expect(latest.restored).toMatchObject({ is_savepoint: true });
      expect(pathOf(latest.restored!.external_path)).toBe(pathOf(location!));
    });

    test('cancelled it is CANCELED, and stays so when it is cancelled again', async () => {
      await startStream();
      expect(await ask('PATCH', ofJob('?mode=cancel'))).toEqual({ status: 202, body: {} });
      await reaches('CANCELED');
      expect(await ask('PATCH', ofJob('?mode=cancel'))).toEqual({ status: 202, body: {} });
      await reaches('CANCELED');
    });

    test.each([
      ['GET', '/jobs/J/yarn-cancel'],
      ['POST', '/applications/J/cancel'],
    ])('cancelled as the web UI does it, by %s %s, it is CANCELED', async (method, path) => {
      await startStream();
      expect(await ask(method, path.replace('J', job.id))).toEqual({ status: 202, body: {} });
      await reaches('CANCELED');
    });

    test('failed for good it says why', async () => {
      const begun = Date.now();
      job = await engine.start(FAILING);
      await reaches('FAILED');
      interface Exceptions {
        exceptionHistory: {
          entries: { exceptionName: string; stacktrace: string; timestamp: number }[];
        };
      }
      const [newest] = await until(
        'the exception is told',
        async () => {
          const { entries } = (await get<Exceptions>(ofJob('/exceptions'))).exceptionHistory;
          return entries.length > 0 && entries;
        },
        PATIENCE,
      );
      expect(newest!.exceptionName).toMatch(/\w/);
      expect(newest!.timestamp).toBeGreaterThanOrEqual(begun);
      expect(newest!.timestamp).toBeLessThanOrEqual(Date.now());
      expect(newest!.stacktrace).toMatch(/'x\d+'/);
      expect(await ask('PATCH', ofJob('?mode=cancel'))).toMatchObject({ status: 409 });
    });
  });
}
