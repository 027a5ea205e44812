// What the loop does not do: act once it may not, and try without a pause where what it knows is old.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAUSE_ANNOTATION, type Kind } from '../api/group.ts';
import type { NewImages } from '../lifecycle/observation.ts';
import type { Runtime } from '../runtime/port.ts';
import { LocalRevisions } from '../store/local/local-revisions.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { StoreError, type Objects } from '../store/port.ts';
import { until } from '../../test/harness/until.ts';
import { Controller } from './controller.ts';
import { Reconciler, type ReconcilerOptions } from './reconciler.ts';

const key = { namespace: 'default', name: 'orders' };
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Shows what was here the moment before: every write from that is refused. */
class OldStore extends LocalStore {
  writes = 0;

  override update<K extends Kind>(object: Objects[K]): Promise<Objects[K]> {
    this.writes++;
    return Promise.reject(new StoreError('Conflict', `${object.metadata.name} changed since`));
  }
}

let directory: string;
let started: number[];
let runtime: Runtime;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-limits-'));
  started = [];
  runtime = {
    ahead: null,
    jobs: () => [],
    processes: () => [],
    ended: () => [],
    refusal: () => null,
    savepointFolder: () => null,
    connection: async () => null,
    ensureProcesses: async ({ attempt }) => void started.push(attempt.epoch),
    stopProcesses: () => undefined,
    stopTaskManagers: () => undefined,
    newImages: async () => null,
    storage: async () => ({
      ...{ epoch: 0, newest: null, unreadable: { checkpoints: null, savepoint: null } },
      ...{ pendingSavepoint: null, result: null, found: null, savepoint: null },
    }),
    claimOf: () => null,
    disposeSavepoint: async () => undefined,
    removeState: async () => undefined,
    forget: async () => undefined,
    onChange: () => undefined,
    close: () => undefined,
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const optionsFor = (store: LocalStore): ReconcilerOptions => ({
  ...{ store, runtime, revisions: new LocalRevisions(directory) },
  ...{ checkSql: () => null, now: Date.now, log },
});

async function applied<S extends LocalStore>(store: S): Promise<S> {
  await store.apply({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: key.name },
    spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } } },
  });
  return store;
}

test('what was decided is not done once somebody else may lead', async () => {
  const store = await applied(new LocalStore({ directory, now: () => new Date() }));
  let leads = true;
  const reconciler = new Reconciler({
    ...optionsFor(store),
    mayAct: () => {
      if (!leads) throw new Error('this process no longer leads');
    },
  });
  // The lease is lost between the write of status and the action.
  const write = store.updateStatus.bind(store);
  store.updateStatus = async (object) => {
    const written = await write(object);
    leads = false;
    return written;
  };
  await expect(reconciler.reconcile(key, [])).rejects.toThrow('no longer leads');
  expect((await store.get('FlowJob', key))?.status?.attempt?.epoch).toBe(1);
  expect(started).toEqual([]);
  store.updateStatus = write;
  leads = true;
  await reconciler.reconcile(key, []);
  expect(started).toEqual([1]);
  await store.close();
});

test('what happened to a job is told although one of its savepoints cannot be written just then', async () => {
  const store = await applied(new LocalStore({ directory, now: () => new Date() }));
  await store.apply({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { name: 'contested' },
    spec: { jobRef: { name: key.name } },
  });
  const write = store.updateStatus.bind(store);
  store.updateStatus = async (object) => {
    if (object.kind === 'FlowSavepoint') throw new Error('somebody else wrote it');
    return write(object);
  };
  await expect(new Reconciler(optionsFor(store)).reconcile(key, ['contested'])).rejects.toThrow('somebody else');
  expect((await store.get('FlowJob', key))?.status?.state).toBe('Starting');
  expect((await store.listEvents()).map(({ reason }) => reason)).toContain('Starting');
  await store.close();
});

test('the images of a version are asked for only while it is to take over, and of a paused job never', async () => {
  const store = await applied(new LocalStore({ directory, now: () => new Date() }));
  const asked: (string | null | undefined)[] = [];
  let known: NewImages | null = { trouble: 'no such image -> correct spec.engine.image' };
  const jobManager = { epoch: 1, role: 'JobManager', index: 0, state: 'Running', exit: null, restarts: 0 } as const;
  runtime.newImages = async (_, next) => {
    asked.push(next === null ? null : next.spec.engine.image);
    return next === null ? null : known;
  };
  const reconciler = new Reconciler(optionsFor(store));
  const state = async (): Promise<string | undefined> => {
    await reconciler.reconcile(key, []);
    return (await store.get('FlowJob', key))?.status?.state;
  };
  await state();
  runtime.processes = () => [jobManager];
  const job = (await store.get('FlowJob', key))!;
  const attempt = { ...job.status!.attempt!, healthy: true };
  await store.updateStatus<'FlowJob'>({ ...job, status: { ...job.status!, state: 'Running', attempt } });
  expect(await state()).toBe('Running');
  expect(new Set(asked.splice(0))).toEqual(new Set([null]));

  const edit = async (annotations: Record<string, string>): Promise<void> => {
    const current = (await store.get('FlowJob', key))!;
    const engine = { type: 'Embedded' as const, image: 'flowjob:next' };
    const metadata = { ...current.metadata, annotations };
    await store.update<'FlowJob'>({ ...current, metadata, spec: { ...current.spec, engine } });
  };
  await edit({ [PAUSE_ANNOTATION]: 'true' });
  expect(await state()).toBe('Running');
  expect(asked).toEqual([]);
  await edit({});
  expect(await state()).toBe('Running');
  expect(asked).toEqual(['flowjob:next']);
  known = null;
  expect(await state()).toBe('Upgrading');
  await store.close();
});

test('a conflict with what somebody else wrote is tried again after a back-off that grows', async () => {
  const store = await applied(new OldStore({ directory, now: () => new Date() }));
  let retried = 0;
  const metrics = { queueRetried: () => void retried++ };
  const ending = new AbortController();
  const running = new Controller({ ...optionsFor(store), metrics }).run(ending.signal);
  await until('it was tried three times', () => store.writes >= 3, { seconds: 20 });
  expect(retried).toBeGreaterThanOrEqual(2);
  ending.abort();
  await running;
  await store.close();
});
