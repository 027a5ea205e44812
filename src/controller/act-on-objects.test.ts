import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowJob } from '../api/flowjob.ts';
import { LocalStore } from '../store/local/local-store.ts';
import { actOnObjects } from './act-on-objects.ts';

let directory: string;
let store: LocalStore;
let job: FlowJob;
const key = { namespace: 'default', name: 'orders' };
const create = { kind: 'CreateSavepoint', name: 'orders-29442180', scheduledAt: '2025-12-24T01:00:00.000Z' } as const;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-objects-'));
  store = new LocalStore({ directory, now: () => new Date() });
  job = await store.create<'FlowJob'>({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: 'orders' },
    spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } } },
  });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

test('a savepoint of the schedule is made once, says what it was made for, and removes its files when it goes', async () => {
  await actOnObjects(create, job, store);
  await actOnObjects(create, job, store);
  const { items } = await store.list('FlowSavepoint');
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    metadata: {
      name: create.name,
      labels: { 'flowjob.dev/job': 'orders', 'flowjob.dev/scheduled': 'true' },
      annotations: { 'flowjob.dev/scheduled-at': create.scheduledAt },
    },
    spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Delete' },
  });
  expect(items[0]?.metadata).not.toHaveProperty('ownerReferences');
});

test('what is gone already can be deleted again', async () => {
  await actOnObjects(create, job, store);
  for (let i = 0; i < 2; i++) await actOnObjects({ kind: 'DeleteSavepoint', name: create.name }, job, store);
  expect((await store.list('FlowSavepoint')).items).toEqual([]);
  for (let i = 0; i < 2; i++) await actOnObjects({ kind: 'DeleteJob' }, job, store);
  expect(await store.get('FlowJob', key)).toBeNull();
});

test('a FlowJob that has come under the name since is not deleted', async () => {
  const other = { ...job, metadata: { ...job.metadata, uid: 'of-the-one-before' } };
  await actOnObjects({ kind: 'DeleteJob' }, other, store);
  expect(await store.get('FlowJob', key)).not.toBeNull();
});
