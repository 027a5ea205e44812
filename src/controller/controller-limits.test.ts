// What the loop does not do: act once it may not, and try without a pause where what it knows is old.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kind } from '../api/group.ts';
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
    jobs: () => [],
    processes: () => [],
    ended: () => [],
    refusal: () => null,
    connection: async () => null,
    ensureProcesses: async ({ attempt }) => void started.push(attempt.epoch),
    stopProcesses: () => undefined,
    stopTaskManagers: () => undefined,
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
