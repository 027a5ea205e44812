// Every CEL rule of the generated CRDs with an object that it accepts and one that it refuses: what the local evaluator and a real API server are tried with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { crdPath } from './generated-files.ts';
import type { Kind } from './group.ts';
import type { CelRule } from './schema-kit.ts';
import type { StructuralSchema } from './structural.ts';

interface Crd {
  spec: { versions: { schema: { openAPIV3Schema: StructuralSchema } }[] };
}

export function schemaInCrd(kind: Kind): StructuralSchema {
  const text = readFileSync(join(__dirname, '../..', crdPath(kind)), 'utf8');
  return (parse(text) as Crd).spec.versions[0]!.schema.openAPIV3Schema;
}

export function rulesIn(schema: StructuralSchema, path: string): { path: string; rule: CelRule }[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map((rule) => ({ path, rule })),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
      rulesIn(child, path === '' ? name : `${path}.${name}`),
    ),
    ...(schema.items === undefined ? [] : rulesIn(schema.items, `${path}[]`)),
  ];
}

export interface Example {
  accepted: object;
  refused: object;
  /** The object before the change, for rules about changes. */
  old?: object;
}

const sql = { sql: { inline: 'SELECT 1' } };
const job = (spec: object = {}, name = 'orders', state?: string): object => ({
  metadata: { name },
  spec: { mode: 'Streaming', job: sql, ...spec },
  ...(state === undefined ? {} : { status: { observedGeneration: 1, conditions: [], state } }),
});
const flink = { type: 'Flink', version: '2.3' };
const s3 = { uri: 's3://bucket/state' };
const jar = (more: object = {}): object => ({ jar: { uri: 'local:///opt/flink/usrlib/a.jar', ...more } });
const sha256 = 'a'.repeat(64);
const night = { name: 'night', schedule: '0 22 * * *', duration: '8h' };
const onCluster = { type: 'Flink', clusterRef: { name: 'shared' } };
const cluster = (spec: object = {}, name = 'shared'): object => ({
  metadata: { name },
  spec: { engine: { version: '2.3' }, ...spec },
});
const savepointOf = (name: string): object => ({ metadata: { name: 's' }, spec: { jobRef: { name } } });

const resourceExamples = (role: string, make: (spec: object) => object = job): Record<string, Example> => {
  const of = (resources: object): object => make({ [role]: { resources } });
  return {
    [`spec.${role}.resources: requests.memory must not be above limits.memory`]: {
      accepted: of({ requests: { memory: '1Gi' }, limits: { memory: '1024Mi' } }),
      refused: of({ requests: { memory: '2Gi' }, limits: { memory: '1.5Gi' } }),
    },
    [`spec.${role}.resources: requests.cpu must not be above limits.cpu`]: {
      accepted: of({ requests: { cpu: '500m' }, limits: { cpu: 1 } }),
      refused: of({ requests: { cpu: 2 }, limits: { cpu: '1500m' } }),
    },
    [`spec.${role}.resources.limits.memory: must be at least 128Mi`]: {
      accepted: of({ limits: { memory: 134217728 } }),
      refused: of({ limits: { memory: '127Mi' } }),
    },
  };
};

const whileRunning = (path: string, old: object, changed: object): Record<string, Example> => ({
  [`: spec.${path} must not change while the job runs`]: {
    old: job(old, 'orders', 'Running'),
    accepted: job(changed, 'orders', 'Suspended'),
    refused: job(changed, 'orders', 'Running'),
  },
});

/** By the rule's place and how its message begins. */
export const examples: Record<Kind, Record<string, Example>> = {
  FlowJob: {
    'spec: the embedded engine runs no job with mode Automatic': {
      accepted: job({ mode: 'Automatic', engine: flink }),
      refused: job({ mode: 'Automatic' }),
    },
    'spec: only a job with mode Batch has it': {
      accepted: job({ mode: 'Batch', batch: {} }),
      refused: job({ batch: {} }),
    },
    'spec: a batch job takes no savepoints: remove upgrade.strategy': {
      accepted: job({ mode: 'Batch', upgrade: { strategy: 'Stateless' } }),
      refused: job({ mode: 'Batch', upgrade: { strategy: 'LastState' } }),
    },
    'spec: a batch job has no version before': {
      accepted: job({ mode: 'Batch', upgrade: { rollback: { enabled: false } } }),
      refused: job({ mode: 'Batch', upgrade: { rollback: {} } }),
    },
    'spec: only a stream on Apache Flink 2.0 or later has': {
      accepted: job({ engine: { type: 'Flink', version: '2.3' }, upgrade: { startBeforeStop: true } }),
      refused: job({ upgrade: { startBeforeStop: true } }),
    },
    'spec.upgrade.rollback.deadline: must be longer than zero': {
      accepted: job({ upgrade: { rollback: { deadline: '10s' } } }),
      refused: job({ upgrade: { rollback: { deadline: '0s' } } }),
    },
    'spec: a batch job takes no savepoints: remove deletionPolicy': {
      accepted: job({ deletionPolicy: 'Savepoint' }),
      refused: job({ mode: 'Batch', deletionPolicy: 'Savepoint' }),
    },
    'spec: a batch job starts from its input': {
      accepted: job({ state: { restore: { uri: 'file:///savepoint' } } }),
      refused: job({ mode: 'Batch', state: { restore: { policy: 'Empty' } } }),
    },
    'spec.state.restore: a job starts from one savepoint': {
      accepted: job({ state: { restore: { savepointRef: { name: 'last' }, policy: 'Newest' } } }),
      refused: job({ state: { restore: { savepointRef: { name: 'last' }, uri: '/savepoint' } } }),
    },
    'spec.state.restore: a job that starts empty starts from no savepoint': {
      accepted: job({ state: { restore: { policy: 'Empty' } } }),
      refused: job({ state: { restore: { policy: 'Empty', uri: '/savepoint' } } }),
    },
    'spec: must not be above taskManager.replicas x taskManager.slots': {
      accepted: job({ job: { ...sql, parallelism: 6 }, taskManager: { replicas: 3 } }),
      refused: job({ job: { ...sql, parallelism: 3 } }),
    },
    'spec.job.sql: the SQL text stands in one place': {
      accepted: job({ job: { sql: { configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } } } }),
      refused: job({ job: { sql: { inline: 'SELECT 1', configMapKeyRef: { name: 'orders-sql', key: 'job.sql' } } } }),
    },
    'spec: a batch job is not autoscaled': {
      accepted: job({ autoscaling: { enabled: true } }),
      refused: job({ mode: 'Batch', autoscaling: {} }),
    },
    'spec.autoscaling: must not be above maxParallelism': {
      accepted: job({ autoscaling: { minParallelism: 16 } }),
      refused: job({ autoscaling: { minParallelism: 17 } }),
    },
    'spec.autoscaling: minParallelism of a schedule': {
      accepted: job({
        autoscaling: {
          schedules: [
            { ...night, minParallelism: 2 },
            { ...night, maxParallelism: 1 },
          ],
        },
      }),
      refused: job({ autoscaling: { schedules: [night, { ...night, minParallelism: 3, maxParallelism: 2 }] } }),
    },
    'spec.autoscaling: a schedule must not have a minParallelism above': {
      accepted: job({
        autoscaling: {
          schedules: [
            { ...night, minParallelism: 16 },
            { ...night, minParallelism: 32, maxParallelism: 32 },
          ],
        },
      }),
      refused: job({ autoscaling: { schedules: [{ ...night, minParallelism: 17 }] } }),
    },
    'spec.autoscaling: a budget needs prices': {
      accepted: job({ autoscaling: { budgetPerHour: 1.5, prices: { corePerHour: 0.04, gibPerHour: 0.005 } } }),
      refused: job({ autoscaling: { budgetPerHour: 2 } }),
    },
    'spec.autoscaling.catchUpTime: must be longer than zero': {
      accepted: job({ autoscaling: { catchUpTime: '1m' } }),
      refused: job({ autoscaling: { catchUpTime: '0m' } }),
    },
    'spec.autoscaling.lagTarget: must be longer than zero': {
      accepted: job({ autoscaling: { lagTarget: '5s' } }),
      refused: job({ autoscaling: { lagTarget: '0s' } }),
    },
    'spec.autoscaling.scaleToZero.idleAfter: must be 10s or longer': {
      accepted: job({ autoscaling: { scaleToZero: { idleAfter: '10s' } } }),
      refused: job({ autoscaling: { scaleToZero: { idleAfter: '9999ms' } } }),
    },
    'spec.autoscaling.scaleToZero.lookEvery: must be 10s or longer': {
      accepted: job({ autoscaling: { scaleToZero: { lookEvery: '10000ms' } } }),
      refused: job({ autoscaling: { scaleToZero: { lookEvery: '9s' } } }),
    },
    'spec.autoscaling.schedules[].schedule: must be five fields of cron': {
      accepted: job({ autoscaling: { schedules: [night, { ...night, schedule: '@hourly' }] } }),
      refused: job({ autoscaling: { schedules: [night, { ...night, schedule: '99 * * * *' }] } }),
    },
    'spec.autoscaling.schedules[].timeZone: must be a time zone': {
      accepted: job({ autoscaling: { schedules: [night, { ...night, timeZone: 'Europe/Berlin' }] } }),
      refused: job({ autoscaling: { schedules: [night, { ...night, timeZone: 'Mars/Phobos' }] } }),
    },
    'spec.state.savepoints.timeZone: must be a time zone': {
      accepted: job({ state: { savepoints: { schedule: '@daily', timeZone: 'America/New_York' } } }),
      refused: job({ state: { savepoints: { schedule: '@daily', timeZone: 'Nowhere/Land' } } }),
    },
    'spec.state.savepoints.schedule: must be five fields of cron': {
      accepted: job({ state: { savepoints: { schedule: '*/15 0-6,22 1 JAN-DEC MON-FRI/2' } } }),
      refused: job({ state: { savepoints: { schedule: '0 24 * * *' } } }),
    },
    'spec.state.savepoints.retain.age: must be longer than zero': {
      accepted: job({ state: { savepoints: { schedule: '@daily', retain: { age: '7d' } } } }),
      refused: job({ state: { savepoints: { schedule: '@daily', retain: { age: '0d' } } } }),
    },
    'spec: a batch job takes no savepoints: remove state.savepoints': {
      accepted: job({ state: { savepoints: { schedule: '0 */6 * * *' } } }),
      refused: job({ mode: 'Batch', state: { savepoints: { schedule: '0 */6 * * *' } } }),
    },
    'spec.batch.deleteAfterFinished: must be longer than zero': {
      accepted: job({ mode: 'Batch', batch: { deleteAfterFinished: '7d' } }),
      refused: job({ mode: 'Batch', batch: { deleteAfterFinished: '0h' } }),
    },
    'spec.state.storage: state is kept in one place': {
      accepted: job({ state: { storage: { persistentVolumeClaim: { size: '5Gi' } } } }),
      refused: job({ state: { storage: { uri: 'file:///state', persistentVolumeClaim: {} } } }),
    },
    'spec.state.storage: credentialsSecretRef, endpoint, region, pathStyleAccess are about state on S3': {
      accepted: job({
        engine: flink,
        state: { storage: { ...s3, endpoint: 'http://minio:9000', credentialsSecretRef: { name: 's3' } } },
      }),
      refused: job({ state: { storage: { uri: 'file:///state', credentialsSecretRef: { name: 's3' } } } }),
    },
    'spec: the embedded engine keeps its state on a volume': {
      accepted: job({ engine: flink, state: { storage: s3 } }),
      refused: job({ state: { storage: s3 } }),
    },
    'spec: a savepoint on S3 is read as state.storage says': {
      accepted: job({ engine: flink, state: { storage: s3, restore: { uri: 's3://bucket/savepoint' } } }),
      refused: job({ engine: flink, state: { restore: { uri: 's3://bucket/savepoint' } } }),
    },
    'spec.state.checkpoint.interval: must be longer than zero': {
      accepted: job({ state: { checkpoint: { interval: '100ms' } } }),
      refused: job({ state: { checkpoint: { interval: '00s' } } }),
    },
    'spec.batch.activeDeadline: must be longer than zero': {
      accepted: job({ mode: 'Batch', batch: { activeDeadline: '1h' } }),
      refused: job({ mode: 'Batch', batch: { activeDeadline: '0s' } }),
    },
    ...resourceExamples('jobManager'),
    ...resourceExamples('taskManager'),
    ': metadata.name must not be longer than 45 characters': {
      accepted: job({}, 'a'.repeat(45)),
      refused: job({}, 'a'.repeat(46)),
    },
    ': metadata.name must be fit to name a service': {
      accepted: job({}, 'a-1'),
      refused: job({}, '1-a'),
    },
    ...whileRunning('mode', {}, { mode: 'Batch' }),
    ...whileRunning('state.storage.uri', {}, { state: { storage: { uri: 'file:///elsewhere' } } }),
    ...whileRunning(
      'state.storage.persistentVolumeClaim.claimName',
      {},
      { state: { storage: { persistentVolumeClaim: { claimName: 'another' } } } },
    ),
    ...whileRunning('engine.type', {}, { engine: flink }),
    'spec.engine: only Apache Flink is chosen by its version': {
      accepted: job({ engine: flink }),
      refused: job({ engine: { version: '2.3' } }),
    },
    'spec.engine: only Apache Flink is configured by keys': {
      accepted: job({ engine: { ...flink, config: { 'state.backend.type': 'rocksdb' } } }),
      refused: job({ engine: { config: { 'state.backend.type': 'rocksdb' } } }),
    },
    'spec.engine: which Flink runs the job is not said': {
      accepted: job({ engine: flink }),
      refused: job({ engine: { type: 'Flink' } }),
    },
    'spec.engine: a FlowCluster is one of Apache Flink': {
      accepted: job({ engine: onCluster }),
      refused: job({ engine: { clusterRef: { name: 'shared' } } }),
    },
    'spec.engine: version and image are those of the FlowCluster': {
      accepted: job({ engine: { ...onCluster, config: { 'table.exec.mini-batch.enabled': 'true' } } }),
      refused: job({ engine: { ...onCluster, version: '2.3' } }),
    },
    'spec: the JobManager is that of the FlowCluster': {
      accepted: job({ engine: onCluster, jobManager: {} }),
      refused: job({ engine: onCluster, jobManager: { resources: { limits: { memory: '2Gi' } } } }),
    },
    'spec: the TaskManagers are those of the FlowCluster': {
      accepted: job({ engine: onCluster, job: { ...sql, parallelism: 8 } }),
      refused: job({ engine: onCluster, taskManager: { replicas: 2 } }),
    },
    'spec: state is kept where the FlowCluster says': {
      accepted: job({ engine: onCluster, state: { checkpoint: { interval: '5s' } } }),
      refused: job({ engine: onCluster, state: { storage: s3 } }),
    },
    'spec: TaskManagers that several jobs share': {
      accepted: job({ engine: flink, autoscaling: {} }),
      refused: job({ engine: onCluster, autoscaling: {} }),
    },
    'spec: a FlowCluster runs SQL': {
      accepted: job({ engine: onCluster }),
      refused: job({ engine: onCluster, job: jar() }),
    },
    'spec: plans are compiled where a job has processes of its own': {
      accepted: job({ engine: onCluster, job: { sql: { ...sql.sql, plan: 'AtEachStart' } } }),
      refused: job({ engine: onCluster, job: { sql: { ...sql.sql, plan: 'Compiled' } } }),
    },
    ...whileRunning('engine.clusterRef.name', { engine: onCluster }, { engine: flink }),
    'spec.engine.config: the operator sets these keys itself': {
      accepted: job({ engine: { ...flink, config: { 'rest.profiling.enabled': 'true' } } }),
      refused: job({ engine: { ...flink, config: { 'kubernetes.cluster-id': 'mine' } } }),
    },
    ': spec.job must not change between sql and jar while the job runs': {
      old: job({ engine: flink }, 'orders', 'Running'),
      accepted: job({ engine: flink, job: jar() }, 'orders', 'Suspended'),
      refused: job({ engine: flink, job: jar() }, 'orders', 'Running'),
    },
    'spec.job: a job is SQL or a jar': {
      accepted: job({ engine: flink, job: jar() }),
      refused: job({ engine: flink, job: { ...sql, ...jar() } }),
    },
    'spec.job.jar.uri: must be local:///PATH or /PATH': {
      accepted: job({ engine: flink, job: jar({ uri: '/opt/flink/usrlib/a.jar' }) }),
      refused: job({ engine: flink, job: jar({ uri: 's3://jars/a.jar?versionId=1' }) }),
    },
    'spec.job.jar.uri: whoever may read the FlowJob would read the password': {
      accepted: job({ engine: flink, job: jar({ uri: 'https://repo.example/a@1.jar' }) }),
      refused: job({ engine: flink, job: jar({ uri: 'https://me:secret@repo.example/a.jar' }) }),
    },
    'spec.job.jar: what comes by http could be another jar': {
      accepted: job({ engine: flink, job: jar({ uri: 'http://repo.example/a.jar', sha256 }) }),
      refused: job({ engine: flink, job: jar({ uri: 'http://repo.example/a.jar' }) }),
    },
    'spec.job.jar: only a jar that is fetched is checked': {
      accepted: job({ engine: flink, job: jar({ uri: 's3://jars/a.jar', sha256 }) }),
      refused: job({ engine: flink, job: jar({ sha256 }) }),
    },
    'spec.job.jar: says how a jar on S3 is fetched': {
      accepted: job({ engine: flink, job: jar({ uri: 's3://jars/1.4/a.jar', s3: { endpoint: 'http://minio:9000' } }) }),
      refused: job({ engine: flink, job: jar({ uri: 'https://repo.example/a.jar', s3: {} }) }),
    },
    'spec: only Apache Flink runs jars': {
      accepted: job({ engine: flink, job: jar() }),
      refused: job({ job: jar() }),
    },
    'spec: plans are compiled for streams on Apache Flink': {
      accepted: job({ engine: flink, job: { sql: { inline: 'SELECT 1', plan: 'Compiled' } } }),
      refused: job({ job: { sql: { inline: 'SELECT 1', plan: 'Compiled' } } }),
    },
    'spec: Apache Flink runs SQL by itself from 2.0 on': {
      accepted: job({ engine: { type: 'Flink', version: '1.20' }, job: jar() }),
      refused: job({ engine: { type: 'Flink', version: '1.20' } }),
    },
  },
  FlowSavepoint: {
    'spec.jobRef: a savepoint is of one job for good': {
      old: savepointOf('orders'),
      accepted: savepointOf('orders'),
      refused: savepointOf('flights'),
    },
  },
  FlowCluster: {
    'spec.state: the state of its jobs would be left behind': {
      old: cluster({ state: { storage: s3 } }),
      accepted: cluster({ state: { storage: s3 }, taskManager: { replicas: 3 } }),
      refused: cluster({ state: { storage: { uri: 's3://bucket/elsewhere' } } }),
    },
    'spec.state.storage: state is kept in one place': {
      accepted: cluster({ state: { storage: { persistentVolumeClaim: { claimName: 'states' } } } }),
      refused: cluster({ state: { storage: { ...s3, persistentVolumeClaim: {} } } }),
    },
    'spec.state.storage: credentialsSecretRef, endpoint, region, pathStyleAccess are about state on S3': {
      accepted: cluster({ state: { storage: { ...s3, endpoint: 'http://minio:9000' } } }),
      refused: cluster({ state: { storage: { endpoint: 'http://minio:9000' } } }),
    },
    'spec.engine.config: the operator sets these keys itself': {
      accepted: cluster({ engine: { version: '2.3', config: { 'rest.profiling.enabled': 'true' } } }),
      refused: cluster({ engine: { version: '2.3', config: { 'web.submit.enable': 'false' } } }),
    },
    ...resourceExamples('jobManager', cluster),
    ...resourceExamples('taskManager', cluster),
    ': metadata.name must not be longer than 45 characters': {
      accepted: cluster({}, 'a'.repeat(45)),
      refused: cluster({}, 'a'.repeat(46)),
    },
    ': metadata.name must be fit to name a service': {
      accepted: cluster({}, 'a-1'),
      refused: cluster({}, '1-a'),
    },
  },
};
