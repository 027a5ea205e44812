import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FlowJob, FlowJobSpec } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { KeptRevision } from '../lifecycle/revisions.ts';
import { findByArguments } from '../runtime/local/process-table.ts';
import { LocalRuntime } from '../runtime/local/local-runtime.ts';
import { stopJobs } from '../runtime/local/stop-jobs.ts';
import { LocalRevisions } from '../store/local/local-revisions.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { Controller } from './controller.ts';

// Each test starts real processes, which take their time where others start theirs.
jest.setTimeout(150_000);

const engineFile = resolve(__dirname, '../runtime/local/fake-engine.fixture.ts');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const key = { namespace: 'default', name: 'orders' };

/** Processes of the job's attempts, on record or not. */
const processes = () =>
  Array.from({ length: 9 }, (_, epoch) =>
    findByArguments(['--config-dir', join(directory, 'jobs', key.name, `attempt-${epoch}`)]),
  ).flat();

interface Operator {
  runtime: LocalRuntime;
  /** What every look at a job's SQL throws; null: nothing. */
  failing: (() => Error) | null;
  /** What was logged as an error. */
  errors: string[];
  /** The actions that were logged, by kind. */
  acted: string[];
  stop(): Promise<void>;
}

let directory: string;
let store: LocalStore;
let operator: Operator;

function startOperator(failing: (() => Error) | null = null): Operator {
  const runtime = new LocalRuntime({ directory, node: process.execPath, engineFile, now: Date.now });
  const own = new LocalStore({ directory, now: () => new Date() });
  const errors: string[] = [];
  const acted: string[] = [];
  const checkSql = (job: FlowJob): string | null => {
    if (started.failing !== null) throw started.failing();
    return job.spec.job.sql!.inline!.includes('-- bad') ? 'SQL_SYNTAX (line 1, column 2): no' : null;
  };
  const log = {
    ...silent,
    info: (fields: object, message: string) => {
      if (message === 'acting') acted.push((fields as { action: { kind: string } }).action.kind);
    },
    error: (fields: object, message: string) => void errors.push(`${message} ${String(Object(fields).err)}`),
  };
  const controller = new Controller({
    store: own,
    runtime,
    revisions: new LocalRevisions(directory),
    checkSql,
    now: Date.now,
    log,
  });
  const abort = new AbortController();
  const started: Operator = {
    runtime,
    failing,
    errors,
    acted,
    stop: async () => {
      abort.abort();
      await running;
      runtime.close();
      await own.close();
      expect(errors).toEqual([]);
    },
  };
  const running = controller.run(abort.signal);
  return started;
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-controller-'));
  store = new LocalStore({ directory, now: () => new Date() });
  operator = startOperator();
});

afterEach(async () => {
  await operator.stop();
  await stopJobs({ runtime: operator.runtime, store, now: Date.now, checkpointMs: 0 });
  await store.close();
  expect(processes().length).toBe(0);
  rmSync(directory, { recursive: true });
});

function manifest(sql: string, spec: object = {}) {
  return {
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob' as const,
    metadata: { name: key.name },
    spec: { mode: 'Streaming', job: { sql: { inline: sql } }, taskManager: { replicas: 2 }, ...spec },
  };
}

const apply = (sql: string, spec: object = {}) => store.apply(manifest(sql, spec));

async function until(what: string, holds: (job: FlowJob | null) => boolean): Promise<FlowJob> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const job = await store.get('FlowJob', key);
    if (holds(job)) return job!;
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}: ${JSON.stringify(job?.status, null, 1)}`);
    await pause(10);
  }
}

const inState = (state: string) =>
  until(state, (job) => job?.status?.state === state && job.status.observedGeneration === job.metadata.generation);
const condition = (job: FlowJob, type: string) => job.status?.conditions.find((x) => x.type === type)?.status;
const alive = () => operator.runtime.processes(key).filter((process) => process.state === 'Running');

test('a stream is ready when its first checkpoint is complete, and nothing is written while it runs', async () => {
  await apply('SELECT 1');
  const job = await inState('Running');
  expect(condition(job, 'Ready')).toBe('True');
  expect(condition(job, 'Reconciling')).toBeUndefined();
  expect(job.status?.attempt).toMatchObject({ epoch: 1, healthy: true });
  expect(alive().map((p) => `${p.role} ${p.index}`)).toEqual(['JobManager 0', 'TaskManager 0', 'TaskManager 1']);
  await pause(1_200);
  expect((await store.get('FlowJob', key))?.metadata.resourceVersion).toBe(job.metadata.resourceVersion);
});

test('an action that is asked for in pass after pass is logged when it begins, and no more', async () => {
  await apply('SELECT 1');
  await inState('Running');
  await apply('SELECT 1', { suspend: true });
  await inState('Suspended');
  expect(operator.acted.filter((kind) => kind === 'StopProcesses')).toEqual(['StopProcesses']);
  expect(operator.acted.filter((kind) => kind === 'EnsureProcesses').length).toBeLessThan(3);
});

test('an upgrade stops the old version with a savepoint and starts the new one from it', async () => {
  await apply('SELECT 1');
  const first = await inState('Running');
  await apply('SELECT 2');
  const second = await inState('Running');
  expect(second.status?.attempt?.epoch).toBe(2);
  expect(second.status?.attempt?.jobId).not.toBe(first.status?.attempt?.jobId);
  expect(second.status?.lastSavepoint?.jobId).toBe(first.status?.attempt?.jobId);
  expect(second.status?.attempt?.restoreFrom).toBe(second.status?.lastSavepoint?.path);
  expect(second.status?.accepted?.spec.job.sql?.inline).toBe('SELECT 2');
  expect(new Set(alive().map((process) => process.epoch))).toEqual(new Set([2]));
});

test('a bad new version leaves the running one alone and says where it is wrong', async () => {
  await apply('SELECT 1');
  await inState('Running');
  await apply('-- bad');
  const job = await until('stalled', (found) => found !== null && condition(found, 'Stalled') === 'True');
  expect(job.status?.state).toBe('Running');
  expect(job.status?.conditions.find((x) => x.type === 'Stalled')?.message).toContain('line 1, column 2');
  expect(alive()).toHaveLength(3);
});

test('a suspended stream has no process, and goes on from its savepoint when resumed', async () => {
  await apply('SELECT 1');
  await inState('Running');
  await apply('SELECT 1', { suspend: true });
  const suspended = await inState('Suspended');
  expect(alive()).toEqual([]);
  expect(condition(suspended, 'Suspended')).toBe('True');
  await apply('SELECT 1');
  const resumed = await inState('Running');
  expect(resumed.status?.attempt?.restoreFrom).toBe(suspended.status?.lastSavepoint?.path);
});

test('a lost JobManager brings a new attempt of the same run', async () => {
  await apply('SELECT 1');
  const first = await inState('Running');
  const jobManager = findByArguments(['jobmanager', '--job-id', first.status!.attempt!.jobId])[0]!;
  process.kill(jobManager.pid, 'SIGKILL');
  const second = await until(
    'the second attempt',
    (job) => job?.status?.state === 'Running' && job.status.attempt?.epoch === 2,
  );
  expect(second.status?.attempt?.jobId).toBe(first.status?.attempt?.jobId);
  expect(second.status?.recovery?.restarts).toBe(1);
});

test('a lost TaskManager is started again, and nothing else', async () => {
  await apply('SELECT 1');
  const before = await inState('Running');
  const taskManager = findByArguments(['taskmanager', 'orders-1-taskmanager-1'])[0]!;
  process.kill(taskManager.pid, 'SIGKILL');
  await until('the TaskManager is back', () => alive().some((p) => p.role === 'TaskManager' && p.restarts === 1));
  const job = await until('ready again', (found) => found !== null && condition(found, 'Ready') === 'True');
  expect(job.status?.attempt).toEqual(before.status?.attempt);
});

test('a batch job that is done has a summary and no process, and does not run again', async () => {
  await apply('-- finish', { mode: 'Batch' });
  const job = await inState('Finished');
  expect(condition(job, 'Complete')).toBe('True');
  expect(job.status?.batch).toMatchObject({ rowsIn: 3, rowsOut: 2, attempts: 1 });
  await until('no process is left', () => alive().length === 0);
  await operator.stop();
  operator = startOperator();
  await pause(300);
  expect((await inState('Finished')).status?.attempt?.epoch).toBe(1);
  await apply('-- finish', { mode: 'Batch', restartNonce: 1 });
  expect(
    (await until('the second run', (found) => found?.status?.attempt?.epoch === 2)).status?.attempt?.jobId,
  ).not.toBe(job.status?.attempt?.jobId);
});

test('a stream that has finished runs nothing for an edit, says so, and runs the new version once restartNonce is raised', async () => {
  await apply('-- finish');
  const first = await inState('Finished');
  await apply('-- finish, differently');
  const edited = await inState('Finished');
  expect(edited.status).toMatchObject({ observedGeneration: 2, attempt: first.status?.attempt });
  expect([condition(edited, 'Ready'), condition(edited, 'Complete')]).toEqual(['True', 'True']);
  expect(edited.status?.conditions.find((x) => x.type === 'Complete')?.message).toContain('raise spec.restartNonce');
  await apply('-- bad');
  const bad = await inState('Finished');
  expect(condition(bad, 'Stalled')).toBeUndefined();
  expect(bad.status?.conditions.find((x) => x.type === 'Complete')?.message).toContain('line 1, column 2');
  await apply('-- finish, differently', { restartNonce: 1 });
  const again = await until(
    'the second run has finished',
    (job) => job?.status?.state === 'Finished' && job.status.attempt?.epoch === 2,
  );
  expect(again.status?.accepted?.spec.job.sql?.inline).toBe('-- finish, differently');
});

test('a batch job that fails is tried again up to its limit, then it has failed with the root cause', async () => {
  await apply('-- fail', { mode: 'Batch', batch: { backoffLimit: 1 } });
  const job = await inState('Failed');
  expect(job.status?.attempt?.epoch).toBe(2);
  expect(job.status?.conditions.find((x) => x.type === 'Failed')).toMatchObject({ reason: 'BackoffLimitExceeded' });
  expect(job.status?.conditions.find((x) => x.type === 'Failed')?.message).toContain('CSV_BAD_ROW');
});

test('a job born suspended never starts a process', async () => {
  await apply('SELECT 1', { suspend: true });
  await inState('Suspended');
  expect(operator.runtime.processes(key)).toEqual([]);
});

test('a job with SQL that cannot be planned fails without a process, and runs once it is corrected', async () => {
  await apply('-- bad');
  const job = await inState('Failed');
  expect(job.status?.conditions.find((x) => x.type === 'Failed')).toMatchObject({ reason: 'InvalidSpec' });
  expect(operator.runtime.processes(key)).toEqual([]);
  await apply('SELECT 1');
  await inState('Running');
});

test('a new operator takes up the processes that run, and starts none beside them', async () => {
  await apply('SELECT 1');
  await inState('Running');
  const before = processes()
    .map((process) => process.pid)
    .sort();
  await operator.stop();
  operator = startOperator();
  await apply('SELECT 1', { upgrade: { strategy: 'Stateless' } });
  await inState('Running');
  expect(
    processes()
      .map((process) => process.pid)
      .sort(),
  ).toEqual(before);
});

test('a new operator finds processes whose records a crash has damaged', async () => {
  await apply('SELECT 1');
  const job = await inState('Running');
  const before = processes()
    .map((process) => process.pid)
    .sort();
  await operator.stop();
  const attempt = join(directory, 'jobs', key.name, 'attempt-1');
  for (const name of ['jobmanager', 'taskmanager-0', 'taskmanager-1'])
    writeFileSync(join(attempt, `${name}.process.json`), '');
  operator = startOperator();
  expect(alive()).toHaveLength(3);
  await apply('SELECT 1', { upgrade: { strategy: 'Stateless' } });
  const after = await inState('Running');
  expect(after.status?.attempt).toEqual(job.status?.attempt);
  expect(
    processes()
      .map((process) => process.pid)
      .sort(),
  ).toEqual(before);
});

test('what the processes read is whole at every moment, and what holds secrets is for the owner only', async () => {
  await apply('SELECT 1');
  const job = await inState('Running');
  const attempt = join(directory, 'jobs', key.name, 'attempt-1');
  const files = ['token', 'job.sql', 'config.yaml'].map((name) => join(attempt, name));
  expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
  const [token, sql] = files.map((file) => statSync(file).ino);
  const plan = { key, uid: job.metadata.uid, attempt: job.status!.attempt!, spec: job.status!.accepted!.spec };
  await operator.runtime.ensureProcesses(plan, []);
  // Replaced, not written into; the token stays, as processes know it.
  expect(statSync(files[1]!).ino).not.toBe(sql);
  expect(statSync(files[0]!).ino).toBe(token);
  expect(alive()).toHaveLength(3);
});

test('jobs stopped by down go on from their checkpoint at the next up, and count no failure', async () => {
  await apply('SELECT 1');
  const before = await inState('Running');
  await operator.stop();
  expect(await stopJobs({ runtime: operator.runtime, store, now: Date.now })).toEqual(['orders']);
  operator = startOperator();
  const job = await until(
    'it goes on',
    (found) => found?.status?.state === 'Running' && found.status.attempt?.epoch === 2,
  );
  expect(job.status?.attempt?.jobId).toBe(before.status?.attempt?.jobId);
  expect(job.status?.recovery?.restarts).toBe(0);
});

test('deleting a stream takes a last savepoint, which stays', async () => {
  await apply('SELECT 1');
  const job = await inState('Running');
  await store.delete('FlowJob', key);
  await until('it is gone', (found) => found === null);
  expect(alive()).toEqual([]);
  const { newest } = await operator.runtime.storage({
    key,
    engine: 'Embedded',
    storage: undefined,
    jobId: job.status!.attempt!.jobId,
    lastSavepoint: undefined,
    stopTriggerId: undefined,
  });
  expect(newest?.kind).toBe('Checkpoint');
});

test('a paused job is not touched', async () => {
  await apply('SELECT 1');
  await inState('Running');
  const job = (await store.get('FlowJob', key))!;
  await store.update({
    ...job,
    metadata: { ...job.metadata, annotations: { ...job.metadata.annotations, 'flowjob.dev/pause': 'true' } },
  });
  await until('paused', (found) => found !== null && condition(found, 'Paused') === 'True');
  await apply('SELECT 2');
  const savepoint = await store.create({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { name: 'later' },
    spec: { jobRef: { name: 'orders' } },
  });
  await pause(300);
  expect((await store.get('FlowJob', key))?.status?.attempt?.epoch).toBe(1);
  expect(await store.get('FlowSavepoint', { namespace: 'default', name: 'later' })).toEqual(savepoint);
});

test('a FlowSavepoint may come before its job: manifests are applied in any order', async () => {
  const name = { namespace: 'default', name: 'early' };
  await store.create({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { name: name.name },
    spec: { jobRef: { name: 'orders' } },
  });
  let savepoint: FlowSavepoint | null = null;
  const seen = (): FlowSavepoint | null => (
    void store.get('FlowSavepoint', name).then((s) => (savepoint = s)),
    savepoint
  );
  await until('it is told', () => seen()?.status?.conditions[0]?.reason === 'JobNotFound');
  await apply('SELECT 1');
  await until('it is complete', () => seen()?.status?.state === 'Completed');
});

test('a FlowSavepoint is taken of a running job and can be disposed of', async () => {
  await apply('SELECT 1');
  await inState('Running');
  const name = { namespace: 'default', name: 'now' };
  await store.create({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { name: 'now' },
    spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Delete' },
  });
  let savepoint: FlowSavepoint | null = null;
  await until(
    'the savepoint',
    () =>
      savepoint?.status?.state === 'Completed' ||
      (void store.get('FlowSavepoint', name).then((s) => (savepoint = s)), false),
  );
  const path = (savepoint as unknown as FlowSavepoint).status?.path;
  expect((await store.get('FlowJob', key))?.status?.lastSavepoint?.path).toBe(path);
  await store.delete('FlowSavepoint', name);
  await until(
    'it is gone',
    () => (void store.get('FlowSavepoint', name).then((s) => (savepoint = s)), savepoint === null),
  );
});

test('a damaged newest checkpoint keeps a lost job from starting, is named in Stalled, and holds no deletion up', async () => {
  await apply('SELECT 1');
  const first = await inState('Running');
  const manifestFile = readdirSync(join(directory, 'state'), { recursive: true, encoding: 'utf8' }).find(
    (name) => name.includes('chk-') && name.endsWith('_metadata'),
  )!;
  const file = join(directory, 'state', manifestFile);
  const whole = readFileSync(file);
  const damaged = Buffer.from(whole);
  damaged[damaged.length - 1]! ^= 1;
  writeFileSync(file, damaged);
  process.kill(findByArguments(['jobmanager', '--job-id', first.status!.attempt!.jobId])[0]!.pid, 'SIGKILL');
  const stalled = await until('stalled', (job) => job !== null && condition(job, 'Stalled') === 'True');
  const message = stalled.status?.conditions.find((x) => x.type === 'Stalled')?.message;
  expect(message).toContain('_metadata');
  expect(message).toContain('Hint: ');
  expect(stalled.status?.attempt?.epoch).toBe(1);
  await store.delete('FlowJob', key);
  await until('it is gone', (found) => found === null);
});

test('passes that keep failing are told once in conditions and as an event, and no more when they succeed again', async () => {
  await apply('SELECT 1');
  await inState('Running');
  await operator.stop();
  operator = startOperator(() => Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));
  const told = await until('told', (job) => job !== null && condition(job, 'Stalled') === 'True');
  expect(told.status?.conditions.find((x) => x.type === 'Stalled')).toMatchObject({ reason: 'OperatorError' });
  expect(told.status?.conditions.find((x) => x.type === 'Stalled')?.message).toContain('Hint: the disk fails');
  expect(condition(told, 'Ready')).toBe('False');
  const failures = operator.errors.length;
  await until('it was tried again', () => operator.errors.length > failures);
  expect((await store.get('FlowJob', key))?.metadata.resourceVersion).toBe(told.metadata.resourceVersion);
  const events = await store.listEvents({ kind: 'FlowJob', ...key });
  expect(events.filter(({ reason }) => reason === 'OperatorError').map(({ count }) => count)).toEqual([1]);
  operator.failing = null;
  operator.errors.length = 0;
  const again = await until('ready again', (job) => job !== null && condition(job, 'Ready') === 'True');
  expect(condition(again, 'Stalled')).toBeUndefined();
}, 30_000);

test('each accepted version is kept with its text, and a version that cannot run is not', async () => {
  const folder = join(directory, 'jobs', key.name, 'revisions');
  const kept = (): string[] =>
    readdirSync(folder)
      .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as KeptRevision & { spec: FlowJobSpec })
      .sort((a, b) => a.revision - b.revision)
      .map(({ revision, spec }) => `${revision}: ${spec.job.sql?.inline}`);
  await apply('SELECT 1');
  await inState('Running');
  await apply('SELECT 2');
  await until('the second version runs', (job) => job?.status?.attempt?.epoch === 2 && job.status.state === 'Running');
  await apply('-- bad');
  await until(
    'it is refused',
    (job) => job?.status?.conditions.some(({ reason }) => reason === 'InvalidSpec') === true,
  );
  expect(kept()).toEqual(['1: SELECT 1', '2: SELECT 2']);
});

test('while what was decided cannot be done the trouble stands in the conditions, and no try writes anything', async () => {
  const failing = jest
    .spyOn(operator.runtime, 'ensureProcesses')
    .mockImplementation(() => Promise.reject(Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' })));
  await apply('SELECT 1');
  const told = await until('told', (job) => job !== null && condition(job, 'Stalled') === 'True');
  const tries = failing.mock.calls.length;
  await until('it was tried twice more', () => failing.mock.calls.length > tries + 1);
  expect((await store.get('FlowJob', key))?.metadata.resourceVersion).toBe(told.metadata.resourceVersion);
  failing.mockRestore();
  operator.errors.length = 0;
  const running = await inState('Running');
  expect(condition(running, 'Stalled')).toBeUndefined();
}, 30_000);

test('a JobManager that does not answer is told as that, and so is a FlowSavepoint that waits for it', async () => {
  await apply('SELECT 1');
  const { status } = await inState('Running');
  const [jobManager] = findByArguments(['jobmanager', '--job-id', status!.attempt!.jobId]);
  process.kill(jobManager!.pid, 'SIGSTOP');
  try {
    await store.create({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowSavepoint',
      metadata: { name: 'now' },
      spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Retain' },
    });
    await until('it is told', (job) => job?.status?.conditions[0]?.reason === 'JobManagerSilent');
    const savepoint = await store.get('FlowSavepoint', { namespace: 'default', name: 'now' });
    expect(savepoint?.status?.state).toBe('Pending');
    expect(savepoint?.status?.conditions[0]?.reason).not.toBe('NotSeen');
  } finally {
    process.kill(jobManager!.pid, 'SIGCONT');
  }
  const again = await until('it answers', (job) => job?.status?.conditions[0]?.reason === 'Running');
  expect(again.status?.attempt?.epoch).toBe(status!.attempt!.epoch);
}, 60_000);
