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
const night = { name: 'night', schedule: '0 22 * * *', duration: '8h' };
const savepointOf = (name: string): object => ({ metadata: { name: 's' }, spec: { jobRef: { name } } });

const resourceExamples = (role: string): Record<string, Example> => {
  const of = (resources: object): object => job({ [role]: { resources } });
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
    'spec: only a job with mode Batch has it': {
      accepted: job({ mode: 'Batch', batch: {} }),
      refused: job({ batch: {} }),
    },
    'spec: a batch job takes no savepoints: remove upgrade.strategy': {
      accepted: job({ mode: 'Batch', upgrade: { strategy: 'Stateless' } }),
      refused: job({ mode: 'Batch', upgrade: { strategy: 'LastState' } }),
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
    'spec.autoscaling.scaleToZero.idleAfter: must be longer than zero': {
      accepted: job({ autoscaling: { scaleToZero: {} } }),
      refused: job({ autoscaling: { scaleToZero: { idleAfter: '0m' } } }),
    },
    'spec.autoscaling.scaleToZero.lookEvery: must be longer than zero': {
      accepted: job({ autoscaling: { scaleToZero: { lookEvery: '1h' } } }),
      refused: job({ autoscaling: { scaleToZero: { lookEvery: '0h' } } }),
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
    // The schema admits one type so far, so the refused one is made up.
    ...whileRunning('engine.type', {}, { engine: { type: 'Other' } }),
  },
  FlowSavepoint: {
    'spec.jobRef: a savepoint is of one job for good': {
      old: savepointOf('orders'),
      accepted: savepointOf('orders'),
      refused: savepointOf('flights'),
    },
  },
};
