// FlowSavepoints on S3: they say themselves how the store is reached, so that their files can go when nobody else is left who knows.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { decideOrphan } from './savepoints.ts';
import { World } from './simulated-world.fixture.ts';

const resources = { limits: { memory: '2Gi' } };
const credentialsSecretRef = { name: 's3', accessKeyIdKey: 'accessKey', secretAccessKeyKey: 'secretKey' };
const endpoint = 'http://minio:9000';
const spec: FlowJobSpec = {
  engine: { type: 'Flink', version: '2.3' },
  mode: 'Streaming',
  suspend: false,
  restartNonce: 0,
  job: { sql: { inline: 'version 0' } },
  state: { checkpoint: { interval: '10s' }, storage: { uri: 's3://jobs/state', endpoint, credentialsSecretRef } },
  upgrade: {},
  jobManager: { resources, podTemplate: { spec: { serviceAccountName: 'orders' } } },
  taskManager: { replicas: 1, slots: 1, resources },
};
const wanted: FlowSavepoint = {
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowSavepoint',
  metadata: {
    name: 'kept',
    namespace: 'default',
    uid: 'kept',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:20:00Z',
  },
  spec: { jobRef: { name: 'orders' }, disposalPolicy: 'Delete' },
};

test('one that is complete says how its store is reached, and so does what removes it after its job', () => {
  const world = new World(spec);
  world.savepoints.push(structuredClone(wanted));
  for (let i = 0; i < 12; i++) {
    world.progress();
    world.pass();
  }
  const [savepoint] = world.savepoints;
  const s3 = { endpoint, credentialsSecretRef, serviceAccountName: 'orders' };
  expect(savepoint!.status).toMatchObject({ state: 'Completed', s3 });

  const deleted = { ...savepoint!.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' };
  const { actions } = decideOrphan({ ...savepoint!, metadata: deleted }, undefined, world.now);
  expect(actions).toEqual([{ kind: 'DisposeSavepoint', path: savepoint!.status!.path, engine: 'Flink', s3 }]);
});
