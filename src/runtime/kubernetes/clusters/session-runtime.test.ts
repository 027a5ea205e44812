// A job on a FlowCluster as the lifecycle sees it: a JobManager that answers as Flink does, pods that come and go, and submissions whose answers are lost.
import type { FlowCluster } from '../../../api/flowcluster.ts';
import { admit } from '../../../api/admission.ts';
import type { FlowJob } from '../../../api/flowjob.ts';
import { resolveSpec } from '../../../api/resolved.ts';
import type { Attempt } from '../../../api/status.ts';
import { VirtualClock } from '../../../kube/testing/virtual-clock.ts';
import type { ClusterProcess } from '../../../lifecycle/clusters/observation.ts';
import { NOTHING_KNOWN, type Refusal } from '../../../lifecycle/observation.ts';
import { until } from '../../../../test/harness/until.ts';
import type { AttemptPlan } from '../../port.ts';
import { SessionRuntime, type SessionRuntimeOptions } from './session-runtime.ts';

const key = { namespace: 'a', name: 'orders' };
const JOB_ID = 'a'.repeat(32);
const URL = 'http://10.0.0.9:8081';
const STORAGE = {
  persistentVolumeClaim: { claimName: 'shared-cluster-state', size: '1Gi', accessMode: 'ReadWriteOnce' },
};

const attempt: Attempt = {
  ...{ epoch: 3, jobId: JOB_ID, specHash: '', healthy: false, jobManagerUid: 'jm-1' },
  ...{ startedAt: '2026-01-01T00:01:00Z', runStartedAt: '2026-01-01T00:01:00Z' },
};
const jobManager: ClusterProcess = {
  ...{ name: 'shared-cluster-jobmanager', uid: 'jm-1', role: 'JobManager', index: 0, specHash: 'h' },
  ...{
    jobManagerUid: undefined,
    address: '10.0.0.9',
    ready: true,
    state: 'Running',
    exit: null,
    ending: false,
    trouble: null,
  },
};

/** What a JobManager does with one job. */
class FakeJobManager {
  /** Null: it has never had it. */
  state: string | null = null;
  uid = 'jm-1';
  submissions: object[] = [];
  cancelled = 0;
  answer: { status: number; body: object } = { status: 200, body: { jobid: JOB_ID } };

  /** Takes the place of the network. */
  readonly fetch = async (url: string, { method, body }: { method: string; body?: string }): Promise<Response> => {
    const told = (status: number, answer: object): Promise<Response> =>
      Promise.resolve(new Response(JSON.stringify(answer), { status }));
    switch (`${method} ${url}`) {
      case `GET ${URL}/jobs/${JOB_ID}`:
        return this.state === null
          ? told(404, { errors: ['Job not found'] })
          : told(200, { state: this.state, vertices: [] });
      case `POST ${URL}/jars/sql-driver-${this.uid}.jar/run`:
        this.submissions.push(JSON.parse(body!) as object);
        if (this.answer.status === 200) this.state = 'RUNNING';
        return told(this.answer.status, this.answer.body);
      case `PATCH ${URL}/jobs/${JOB_ID}?mode=cancel`:
        this.cancelled++;
        this.state = 'CANCELED';
        return told(202, {});
      case `POST ${URL}/jars/sql-driver-jm-1.jar/run`:
        return told(400, { errors: ['Jar file /tmp/uploads/flink-web-upload/sql-driver-jm-1.jar does not exist'] });
      default:
        return told(404, { errors: [`nobody asks for ${method} ${url}`] });
    }
  };
}

let flink: FakeJobManager;
let clock: VirtualClock;
let pods: ClusterProcess[];
let job: FlowJob | undefined;
let cluster: FlowCluster | undefined;
let runtime: SessionRuntime;
let podsChanged: () => void;
/** Questions to storage that no JobManager answers. */
let looked: object[];
/** Epochs before which what the job's own processes have left was to go. */
let cleared: number[];
/** Of pods of the job's own. */
let refusedElsewhere: Refusal | null;

const admitted = <T>(kind: string, name: string, spec: object): T =>
  admit({ apiVersion: 'flowjob.dev/v1alpha1', kind, metadata: { name, namespace: 'a', uid: name }, spec }) as T;

function start(): SessionRuntime {
  const nothing = (): undefined => undefined;
  const inner = {
    ...{
      jobs: () => [],
      processes: () => [],
      ended: () => [],
      refusal: () => refusedElsewhere,
      stopProcesses: nothing,
    },
    ...{ forget: async () => Promise.resolve(), onChange: nothing, close: nothing, connection: async () => null },
    storage: async (question: object) => {
      looked.push(question);
      return Promise.resolve({ epoch: 0, ...NOTHING_KNOWN });
    },
    clearEarlier: async ({ attempt: { epoch } }: AttemptPlan) => Promise.resolve(void cleared.push(epoch)),
  };
  return new SessionRuntime({
    inner: inner as unknown as SessionRuntimeOptions['inner'],
    jobs: { get: () => job },
    clusters: { get: () => cluster },
    processes: {
      processes: () => pods,
      onChange: (listener) => void (podsChanged = () => listener({ ...key, name: 'shared' })),
    },
    clock,
    onTrouble: (error) => {
      throw error;
    },
  });
}

beforeEach(() => {
  flink = new FakeJobManager();
  jest.spyOn(globalThis, 'fetch').mockImplementation(flink.fetch as typeof fetch);
  clock = new VirtualClock();
  pods = [jobManager];
  looked = [];
  cleared = [];
  refusedElsewhere = null;
  const raw = admitted<FlowJob>('FlowJob', 'orders', {
    mode: 'Streaming',
    engine: { type: 'Flink', clusterRef: { name: 'shared' } },
    job: { sql: { inline: 'INSERT INTO b SELECT * FROM a' } },
  });
  const spec = resolveSpec(raw.spec, { storage: STORAGE as never });
  job = {
    ...raw,
    status: { observedGeneration: 1, conditions: [], attempt, accepted: { generation: 1, specHash: '', spec } },
  };
  const shared = admitted<FlowCluster>('FlowCluster', 'shared', { engine: { version: '2.3' } });
  const accepted = { generation: 1, specHash: 'h', spec: shared.spec as never };
  cluster = { ...shared, status: { observedGeneration: 1, conditions: [], accepted } };
  runtime = start();
});
afterEach(() => jest.restoreAllMocks());

const plan = (more: Partial<Attempt> = {}): AttemptPlan => ({
  key,
  uid: 'orders',
  attempt: { ...attempt, ...more },
  spec: job!.status!.accepted!.spec,
});
const submit = async (more: Partial<Attempt> = {}): Promise<void> => {
  const before = flink.submissions.length;
  await runtime.ensureProcesses(plan(more), []);
  await until('it is submitted', () => flink.submissions.length > before, { seconds: 5, every: 5 });
};
const submitAndHear = async (): Promise<void> => {
  const heard = new Promise<void>((told) => runtime.onChange(() => told()));
  await submit();
  await heard;
};
/** However often it is asked for, the attempt is not taken for over. */
const goesOn = (): Promise<unknown> =>
  expect(
    until(
      'it is over',
      () => {
        runtime.stopProcesses(key, attempt.epoch, true);
        return runtime.processes(key).length === 0;
      },
      { seconds: 0.3, every: 20 },
    ),
  ).rejects.toThrow();
const stopped = (): Promise<unknown> =>
  until(
    'nothing of it is left',
    () => {
      runtime.stopProcesses(key, attempt.epoch, true);
      return runtime.processes(key).length === 0;
    },
    { seconds: 5, every: 5 },
  );

test('a cluster tells jobs which JobManager takes them, and why there is none', () => {
  expect(runtime.of(job!)).toEqual({ jobManager: 'jm-1', storage: STORAGE, trouble: null });
  pods = [{ ...jobManager, ready: false }];
  expect(runtime.of(job!)).toMatchObject({ jobManager: null });
  pods = [{ ...jobManager, specHash: 'of before' }];
  expect(runtime.of(job!)).toMatchObject({
    jobManager: null,
    trouble: expect.stringContaining('does not take jobs yet'),
  });
  cluster = undefined;
  expect(runtime.of(job!)).toEqual({
    jobManager: null,
    storage: null,
    trouble: expect.stringMatching(/no FlowCluster "shared" in namespace a.*Create it/),
  });
});

test('a cluster that is being deleted takes no job that has not begun there, and keeps those that have', () => {
  cluster = { ...cluster!, metadata: { ...cluster!.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(runtime.of(job!)).toMatchObject({ jobManager: 'jm-1', trouble: null });
  const { accepted, ...never } = job!.status!;
  const elsewhere = { ...accepted!, spec: { ...accepted!.spec, engine: { type: 'Flink', version: '2.3' } as const } };
  for (const status of [never, { ...never, accepted: elsewhere }])
    expect(runtime.of({ ...job!, status })).toEqual({
      jobManager: null,
      storage: null,
      closed: true,
      trouble: expect.stringMatching(/"shared" is being deleted, and takes no more jobs.*spec\.engine\.clusterRef/),
    });
});

test('an attempt is submitted once, with its state below the folder of the cluster', async () => {
  await submit({ restoreFrom: '/flowjob/state/orders/flink/checkpoints/b/chk-2' });
  await runtime.ensureProcesses(plan(), []);
  expect(flink.submissions).toMatchObject([
    {
      jobId: JOB_ID,
      savepointPath: '/flowjob/state/orders/flink/checkpoints/b/chk-2',
      flinkConfiguration: { 'execution.checkpointing.dir': 'file:///flowjob/state/orders/flink/checkpoints' },
    },
  ]);
  expect(runtime.processes(key)).toMatchObject([{ epoch: 3, role: 'JobManager', state: 'Running' }]);
  await expect(runtime.connection(key, attempt)).resolves.toEqual({ url: URL, token: null });
});

test('what processes of its own have left goes when a job is submitted to a cluster', async () => {
  await submit();
  expect(cleared).toEqual([attempt.epoch]);
});

test('a program that Flink does not take is refused for good, and is not submitted again', async () => {
  flink.answer = { status: 400, body: { errors: ['org.apache.flink.table.api.ValidationException: no such column'] } };
  await submit();
  const why = await until('it is refused', () => runtime.submissionRefusal(key, attempt), { seconds: 5, every: 5 });
  expect(why).toContain('no such column');
  await runtime.ensureProcesses(plan(), []);
  expect(flink.submissions).toHaveLength(1);
  expect(runtime.submissionRefusal(key, { ...attempt, jobId: 'b'.repeat(32) })).toBeNull();
});

test('a refusal beside a job that is there all the same is the job’s to tell', async () => {
  flink.answer = { status: 400, body: { errors: ['it failed'] } };
  flink.state = 'FAILED';
  const answered = new Promise((told) => runtime.onChange(told));
  await submit();
  await answered;
  expect(runtime.submissionRefusal(key, attempt)).toBeNull();
});

test('where nobody answers it is told, and tried again', async () => {
  flink.answer = { status: 503, body: { errors: ['leader election'] } };
  await submit();
  const refusal = await until('it is told', () => runtime.refusal(key), { seconds: 5, every: 5 });
  expect(refusal.reason).toContain('could not be submitted to FlowCluster "shared"');
  expect(refusal.retryAt).toBeGreaterThan(clock.now());
  flink.answer = { status: 200, body: {} };
  await submit();
  await until('it is through', () => runtime.refusal(key) === null, { seconds: 5, every: 5 });
});

test('a savepoint on a claim that the cluster does not mount is refused with what to do', async () => {
  await runtime.ensureProcesses(plan({ restoreFrom: '/flowjob/state/x', restoreClaim: 'other-state' }), []);
  const why = await until('it is refused', () => runtime.submissionRefusal(key, attempt), { seconds: 5, every: 5 });
  expect(why).toMatch(/on PersistentVolumeClaim other-state.*copy it/);
  expect(flink.submissions).toEqual([]);
});

test('an attempt is over when its job is, by the JobManager’s word; until then it is cancelled', async () => {
  await submit();
  await stopped();
  expect(flink.cancelled).toBe(1);
  expect(runtime.processes(key)).toEqual([]);
});

test('a job that has never been submitted is over at once', async () => {
  await stopped();
  expect(flink.cancelled).toBe(0);
});

test('one whose submission nobody has heard of may yet come: it is waited for, and cancelled when it does', async () => {
  flink.answer = { status: 504, body: { errors: [] } };
  await submit();
  await until('the answer is lost', () => runtime.refusal(key), { seconds: 5, every: 5 });
  runtime.stopProcesses(key, attempt.epoch, true);
  await clock.advance(60_000);
  await goesOn();
  flink.state = 'RUNNING';
  await stopped();
  expect(flink.cancelled).toBe(1);
});

test('another operator may have submitted what this one knows nothing of, however long ago the attempt began: that is waited for, too', async () => {
  await clock.advance(600_000);
  runtime = start();
  runtime.stopProcesses(key, attempt.epoch, true);
  await goesOn();
  await clock.advance(120_000);
  await stopped();
});

const DUPLICATE = {
  status: 400,
  body: {
    errors: [
      'org.apache.flink.runtime.client.DuplicateApplicationSubmissionException: Application has already been submitted.',
    ],
  },
};

test('one that its JobManager has had, and does not show, may be planned yet: it is waited for, and cancelled when it shows', async () => {
  flink.answer = DUPLICATE;
  await submitAndHear();
  runtime.stopProcesses(key, attempt.epoch, true);
  await clock.advance(60_000);
  await goesOn();
  flink.state = 'RUNNING';
  await stopped();
  expect(flink.cancelled).toBe(1);
});

test('one that its JobManager has had, and does not show however long planning may take, has ended and is forgotten: that is told', async () => {
  flink.answer = DUPLICATE;
  await submitAndHear();
  await clock.advance(599_000);
  await submitAndHear();
  expect(runtime.submissionRefusal(key, attempt)).toBeNull();
  // Until then it is asked for seldom: the JobManager is everybody's.
  const { reason, retryAt } = runtime.refusal(key)!;
  expect(reason).toMatch(/FlowCluster "shared" has had the job, and does not show it yet/);
  expect(retryAt).toBeGreaterThan(clock.now());
  await clock.advance(1_000);
  await submitAndHear();
  const why = await until('it is told', () => runtime.submissionRefusal(key, attempt), { seconds: 5, every: 5 });
  expect(why).toMatch(/keeps no record of how it ended.*spec.restartNonce/);
  await stopped();
});

test('one that its JobManager has had, and shows, goes on', async () => {
  flink.answer = DUPLICATE;
  flink.state = 'RUNNING';
  await submitAndHear();
  await clock.advance(700_000);
  await submitAndHear();
  expect(runtime.submissionRefusal(key, attempt)).toBeNull();
  expect(runtime.refusal(key)).toBeNull();
});

test('one that was refused when one before it may be on its way yet is waited for all the same', async () => {
  flink.answer = { status: 504, body: { errors: [] } };
  await submit();
  await until('the answer is lost', () => runtime.refusal(key), { seconds: 5, every: 5 });
  await clock.advance(60_000);
  flink.answer = { status: 400, body: { errors: ['no such column'] } };
  await submit();
  await until('it is refused', () => runtime.submissionRefusal(key, attempt), { seconds: 5, every: 5 });
  await goesOn();
  await clock.advance(60_000);
  await stopped();
});

test('what was refused of an attempt, or where the job ran before, is no trouble of the one that runs', async () => {
  refusedElsewhere = { reason: 'exceeded quota', retryAt: 0 };
  expect(runtime.refusal(key)).toBeNull();
  flink.answer = { status: 503, body: { errors: ['leader election'] } };
  await submit();
  await until('it is told', () => runtime.refusal(key), { seconds: 5, every: 5 });
  job = { ...job!, status: { ...job!.status!, attempt: { ...attempt, epoch: 4, jobId: 'b'.repeat(32) } } };
  expect(runtime.refusal(key)).toBeNull();
  job = { ...job, status: { observedGeneration: 1, conditions: [] } };
  expect(runtime.refusal(key)).toEqual(refusedElsewhere);
});

test('with its JobManager’s pod the attempt is gone, for the reason for which that ended', () => {
  podsChanged();
  pods = [{ ...jobManager, state: 'Exited', exit: { at: 7, reason: 'It needed more memory.' } }];
  podsChanged();
  pods = [{ ...jobManager, uid: 'jm-2' }];
  podsChanged();
  const [lost] = runtime.processes(key);
  expect(lost).toMatchObject({ state: 'Exited', exit: { at: 7, asked: false } });
  expect(lost?.exit?.reason).toMatch(/JobManager of FlowCluster "shared".*needed more memory/);
});

test('one that was deleted was deleted by somebody, which is no failure of the job', () => {
  podsChanged();
  pods = [];
  podsChanged();
  expect(runtime.processes(key)).toMatchObject([{ state: 'Exited', exit: { asked: true } }]);
  job = { ...job!, status: { ...job!.status!, attempt: { ...attempt, ended: 'Finished' } } };
  expect(runtime.processes(key)).toEqual([]);
});

test('what is in storage is looked for there only once the attempt is gone, near the pods of the cluster', async () => {
  const question = { key, engine: 'Flink', storage: STORAGE as never, jobId: JOB_ID } as const;
  await expect(runtime.storage(question)).resolves.toMatchObject({ epoch: 3, newest: null });
  expect(looked).toEqual([]);
  pods = [];
  await runtime.storage(question);
  expect(looked).toMatchObject([{ podTemplate: { spec: { affinity: {} } } }]);
});

test('an address at which another JobManager answers by now takes nothing, and nothing is known of the job from that', async () => {
  flink.uid = 'of another cluster';
  await runtime.ensureProcesses(plan(), []);
  const refusal = await until('it is told', () => runtime.refusal(key), { seconds: 5, every: 5 });
  expect(refusal.reason).toContain('Another JobManager answers there.');
  expect(runtime.submissionRefusal(key, attempt)).toBeNull();
  expect(flink.submissions).toEqual([]);
});

test('a job that came to its end before it could be cancelled is known to have, when its JobManager is not asked any more', async () => {
  await submit();
  flink.state = 'FINISHED';
  await stopped();
  expect(flink.cancelled).toBe(0);
  const question = { key, engine: 'Flink', storage: STORAGE as never, jobId: JOB_ID } as const;
  await expect(runtime.storage(question)).resolves.toMatchObject({
    result: { state: 'FINISHED', savepointPath: null },
  });
  await expect(runtime.storage({ ...question, jobId: 'b'.repeat(32) })).resolves.toMatchObject({ result: null });
});

test('one that was cancelled to end its attempt has no end of its own', async () => {
  await submit();
  await stopped();
  const question = { key, engine: 'Flink', storage: STORAGE as never, jobId: JOB_ID } as const;
  await expect(runtime.storage(question)).resolves.toMatchObject({ result: null, pendingSavepoint: null });
});

test('what was in storage before the job was submitted is not taken for what it has left', async () => {
  const question = { key, engine: 'Flink', storage: STORAGE as never, jobId: JOB_ID } as const;
  const { jobManagerUid: _, ...unplaced } = attempt;
  job = { ...job!, status: { ...job!.status!, attempt: unplaced } };
  await runtime.storage(question);
  job = { ...job, status: { ...job.status!, attempt } };
  pods = [];
  await runtime.storage(question);
  expect(looked).toHaveLength(2);
  expect(looked[0]).not.toHaveProperty('writer');
  expect(looked[1]).toHaveProperty('writer', 'jm-1');
});

test('a job whose object is gone is still stopped', async () => {
  await submit();
  runtime.processes(key);
  job = undefined;
  expect(runtime.processes(key)).toHaveLength(1);
  await stopped();
  expect(flink.cancelled).toBe(1);
  await runtime.forget(key);
});
