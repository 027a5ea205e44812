// FlowCluster: JobManager and TaskManagers of Apache Flink that several FlowJobs share.
import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { FLINK_VERSIONS, flinkKeys } from './engine.ts';
import { JobManagerSchema, PersistentVolumeClaimSchema, TaskManagerSchema } from './flowjob.ts';
import { ConditionSchema, type ObjectMeta } from './object.ts';
import type { ResolvedFlowJobSpec } from './resolved.ts';
import { defaultMemory } from './resources.ts';
import { S3_FIELDS, S3_FIELDS_RULE, S3_URI_PATTERN } from './s3.ts';
import { kubernetesObject, stringEnum, type CelRule } from './schema-kit.ts';

/** Change classes say what becomes of a FlowJob; a change of a FlowCluster has one meaning for all fields but the number of its TaskManagers. */
function withoutChangeClasses<T extends TSchema>(schema: T): T {
  const { 'x-flowjob-change': _class, ...rest } = schema as unknown as Record<string, unknown>;
  const { properties } = rest as { properties?: Record<string, TSchema> };
  if (properties === undefined) return rest as unknown as T;
  const stripped = Object.entries(properties).map(
    ([name, property]) => [name, withoutChangeClasses(property)] as const,
  );
  return { ...rest, properties: Object.fromEntries(stripped) } as unknown as T;
}

const EngineSchema = Type.Object(
  {
    type: stringEnum(['Flink'], { description: 'The engine: Apache Flink.', default: 'Flink' }),
    version: stringEnum(FLINK_VERSIONS.filter(runsSql), {
      description: 'The version that the image holds. From 2.0 on it runs SQL by itself.',
    }),
    image: Type.Optional(
      Type.String({
        description:
          'The image of JobManager and TaskManagers: one that is laid out as Flink’s own, with flink-sql-gateway in its opt folder.',
        minLength: 1,
        maxLength: 1024,
        'x-flowjob-default': '`flink:VERSION-java17`',
      }),
    ),
    config: flinkKeys(
      'Keys of Flink’s configuration. Numbers and true or false are written in quotes. Keys that other fields say are refused.',
    ),
  },
  { description: 'Which Flink it is.' },
);

function runsSql(version: (typeof FLINK_VERSIONS)[number]): version is Exclude<typeof version, '1.20'> {
  return version !== '1.20';
}

const OWN_CLAIM = 'a claim NAME-cluster-state that the operator makes, and that outlives the cluster';

const STATE_STAYS: CelRule = {
  rule: 'self == oldSelf',
  message:
    'the state of its jobs would be left behind: create another FlowCluster, suspend the jobs, and resume them with its name in engine.clusterRef; one with the same claim, or on S3, reaches their state',
};

const { claimName, ...claimFields } = PersistentVolumeClaimSchema.properties;
const ClaimSchema: typeof PersistentVolumeClaimSchema = {
  ...PersistentVolumeClaimSchema,
  properties: { claimName: { ...claimName, 'x-flowjob-default': OWN_CLAIM }, ...claimFields },
};

const StorageSchema = Type.Object(
  {
    uri: Type.Optional(
      Type.String({
        description: 'Folder on S3: s3://BUCKET/FOLDER. Each job has a folder of its own name below it.',
        pattern: `^${S3_URI_PATTERN}$`,
        maxLength: 1024,
      }),
    ),
    persistentVolumeClaim: Type.Optional(ClaimSchema),
    ...S3_FIELDS,
  },
  {
    description: 'Where the jobs on the cluster keep checkpoints and savepoints.',
    'x-flowjob-default': OWN_CLAIM,
    'x-kubernetes-validations': [
      {
        rule: '!has(self.uri) || !has(self.persistentVolumeClaim)',
        message: 'state is kept in one place: remove uri or persistentVolumeClaim',
      },
      S3_FIELDS_RULE,
    ] satisfies CelRule[],
  },
);

export const FlowClusterSpecSchema = withoutChangeClasses(
  Type.Object(
    {
      engine: EngineSchema,
      jobManager: JobManagerSchema,
      taskManager: TaskManagerSchema,
      state: Type.Object(
        { storage: Type.Optional(StorageSchema) },
        {
          description: 'The state of its jobs. It cannot be changed.',
          default: {},
          'x-kubernetes-validations': [STATE_STAYS],
        },
      ),
    },
    { description: 'What the cluster should be.' },
  ),
);
export type FlowClusterSpec = Static<typeof FlowClusterSpecSchema>;

/** The spec with every question answered. */
export interface ResolvedFlowClusterSpec extends Omit<FlowClusterSpec, 'jobManager' | 'taskManager'> {
  jobManager: ResolvedFlowJobSpec['jobManager'];
  taskManager: ResolvedFlowJobSpec['taskManager'];
}

/** `spec` has its fixed defaults already. */
export function resolveCluster(spec: FlowClusterSpec): ResolvedFlowClusterSpec {
  const withMemory = (role: 'jobManager' | 'taskManager') => {
    const { limits, requests } = spec[role].resources;
    const memory = limits.memory ?? defaultMemory(role, 'Flink', requests?.memory);
    return { ...spec[role].resources, limits: { ...limits, memory } };
  };
  return {
    ...spec,
    jobManager: { ...spec.jobManager, resources: withMemory('jobManager') },
    taskManager: { ...spec.taskManager, resources: withMemory('taskManager') },
  };
}

/** The claim that the operator makes where the spec names none. */
export const clusterClaim = (cluster: string): string => `${cluster}-cluster-state`;

/** Where jobs on the cluster keep their state, as the spec of a FlowJob would say it. */
export function storageOfJobs(
  cluster: string,
  { state: { storage } }: Pick<FlowClusterSpec, 'state'>,
): NonNullable<FlowClusterSpec['state']['storage']> {
  if (storage?.uri !== undefined) return storage;
  const { claimName = clusterClaim(cluster), ...claim } = storage?.persistentVolumeClaim ?? CLAIM_DEFAULTS;
  return { persistentVolumeClaim: { ...claim, claimName } };
}

const CLAIM_DEFAULTS: { claimName?: string; size: string; accessMode: 'ReadWriteOnce' } = {
  size: '1Gi',
  accessMode: 'ReadWriteOnce',
};

export const FlowClusterStatusSchema = Type.Object(
  {
    observedGeneration: Type.Integer({
      description: 'The generation that this status is about; -1: never seen.',
      format: 'int64',
    }),
    conditions: Type.Array(ConditionSchema, {
      description: 'What holds of the cluster; see the table of conditions and reasons.',
      maxItems: 16,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
    accepted: Type.Optional(
      Type.Object(
        {
          generation: Type.Integer({ description: 'The generation that it was taken from.', format: 'int64' }),
          specHash: Type.String({ description: 'Hash of what its processes are made from.', maxLength: 64 }),
          spec: kubernetesObject<ResolvedFlowClusterSpec>({ description: 'The spec, all defaults filled in.' }),
        },
        { description: 'What the processes are made from: a change waits until no job runs on the cluster.' },
      ),
    ),
    taskManager: Type.Optional(
      Type.Object(
        {
          replicas: Type.Integer({ description: 'TaskManagers that run.', minimum: 0, format: 'int32' }),
          selector: Type.String({ description: 'Label selector of their pods, for scalers.', maxLength: 1024 }),
        },
        { description: 'The TaskManagers, for the scale subresource.' },
      ),
    ),
  },
  { description: 'What became of it.' },
);
export type FlowClusterStatus = Static<typeof FlowClusterStatusSchema>;

export interface FlowCluster {
  apiVersion: 'flowjob.dev/v1alpha1';
  kind: 'FlowCluster';
  metadata: ObjectMeta;
  spec: FlowClusterSpec;
  status?: FlowClusterStatus;
}
