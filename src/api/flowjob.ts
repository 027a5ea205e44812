// FlowJob: the one schema behind the TypeScript types, the CRD, the defaults, validation and the reference.
import { Type, type Static } from '@sinclair/typebox';
import { AutoscalingSchema } from './autoscaling.ts';
import { CLUSTER_RULES } from './cluster-rules.ts';
import type { ObjectMeta } from './object.ts';
import { CRON_RULE, TIME_ZONE_RULE } from './cron-pattern.ts';
import { EngineSchema } from './engine.ts';
import { JarSchema } from './jar.ts';
import { resources } from './resources.ts';
import { RestoreSchema } from './restore.ts';
import { S3_FIELDS, S3_FIELDS_RULE, S3_RULES, S3_URI_PATTERN } from './s3.ts';
import { duration, kubernetesObject, quantity, stringEnum, type CelRule } from './schema-kit.ts';
import type { FlowJobStatus } from './status.ts';

/** What a user may add to the operator's pods: a PodTemplateSpec of which any part may be left out. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
}

const podTemplate = (role: string, container: string) =>
  Type.Optional(
    kubernetesObject<PodTemplate>({
      description:
        `On Kubernetes, what pods of ${role} have besides what the operator gives them: a PodTemplateSpec, merged the strategic way. ` +
        `The container of the engine is named ${container}.`,
      'x-flowjob-change': 'restart',
    }),
  );

export const MODES = ['Streaming', 'Batch', 'Automatic'] as const;
export const SQL_PLANS = ['AtEachStart', 'Compiled'] as const;
export const UPGRADE_STRATEGIES = ['Savepoint', 'LastState', 'Stateless'] as const;
export const DELETION_POLICIES = ['Savepoint', 'Delete'] as const;

/** Characters of a job's SQL text, wherever it stands: it is kept in status, and an object has its limit. */
export const MAX_SQL_LENGTH = 262_144;

/** How long a new version may take to its first checkpoint where the spec does not say. */
export const ROLLBACK_DEADLINE = '5m';

const ConfigMapKeyRefSchema = Type.Object(
  {
    name: Type.String({
      description:
        'Name of the ConfigMap, in the namespace of the FlowJob. What counts is the text: where it changes, the running version is replaced.',
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      maxLength: 253,
      'x-flowjob-change': 'none',
    }),
    key: Type.String({
      description: 'Key of the text among its data.',
      pattern: '^[-._a-zA-Z0-9]+$',
      maxLength: 253,
      'x-flowjob-change': 'none',
    }),
  },
  {
    description:
      'On Kubernetes, the ConfigMap that holds the SQL text. An edit of it is a change of the job like any other.',
  },
);

const JobSchema = Type.Object(
  {
    sql: Type.Optional(
      Type.Object(
        {
          inline: Type.Optional(
            Type.String({
              description: 'Flink SQL: CREATE TABLE, CREATE VIEW, SET, INSERT INTO, statement sets.',
              minLength: 1,
              maxLength: MAX_SQL_LENGTH,
              'x-flowjob-change': 'restart',
            }),
          ),
          configMapKeyRef: Type.Optional(ConfigMapKeyRefSchema),
          plan: Type.Optional(
            stringEnum(SQL_PLANS, {
              description:
                'When Apache Flink plans the text. `AtEachStart`: each version of Flink as it does it. `Compiled`: once (FLIP-190); the plan is kept with the state and run from then on, whatever version of Flink or image comes after. State of the one is not restored by the other.',
              'x-flowjob-change': 'restart',
              'x-flowjob-default': 'AtEachStart',
            }),
          ),
        },
        {
          description: 'The job as SQL text: here, or in a ConfigMap.',
          'x-kubernetes-validations': [
            {
              rule: 'has(self.inline) != has(self.configMapKeyRef)',
              message: 'the SQL text stands in one place: write either inline or configMapKeyRef',
            },
          ] satisfies CelRule[],
        },
      ),
    ),
    jar: Type.Optional(JarSchema),
    parallelism: Type.Optional(
      Type.Integer({
        description: 'How many subtasks each operator has. Not above taskManager.replicas x taskManager.slots.',
        minimum: 1,
        maximum: 128,
        format: 'int32',
        'x-flowjob-change': 'rescale',
        'x-flowjob-default': 'taskManager.replicas x taskManager.slots, 128 at most; on a FlowCluster 1',
      }),
    ),
  },
  {
    description: 'What is run.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.sql) != has(self.jar)',
        message: 'a job is SQL or a jar: write one of job.sql and job.jar',
      },
    ] satisfies CelRule[],
  },
);

export const PersistentVolumeClaimSchema = Type.Object(
  {
    claimName: Type.Optional(
      Type.String({
        description: 'A claim that is there already. Several jobs may share one.',
        pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
        maxLength: 253,
        'x-flowjob-change': 'refused-while-running',
        'x-flowjob-default': 'a claim NAME-state that the operator makes, and that outlives the job',
      }),
    ),
    size: quantity({
      description: 'Size of the claim that the operator makes.',
      default: '1Gi',
      'x-flowjob-change': 'none',
    }),
    storageClassName: Type.Optional(
      Type.String({
        description: 'Storage class of the claim that the operator makes.',
        maxLength: 253,
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'the cluster’s default class',
      }),
    ),
    accessMode: stringEnum(['ReadWriteOnce', 'ReadWriteMany'], {
      description:
        'Access mode of the claim that the operator makes. Pods that share a ReadWriteOnce volume run on one node.',
      default: 'ReadWriteOnce',
      'x-flowjob-change': 'none',
    }),
  },
  { description: 'On Kubernetes, the PersistentVolumeClaim that holds the state. Without effect elsewhere.' },
);

const SavepointScheduleSchema = Type.Object(
  {
    schedule: Type.String({
      description:
        'When a savepoint is taken, as in a CronJob: minute, hour, day of the month, month, day of the week. A FlowSavepoint is made for each time at which the job runs; of times that were missed, the last one is made up for.',
      maxLength: 100,
      'x-flowjob-change': 'in-place',
      'x-kubernetes-validations': [CRON_RULE],
    }),
    timeZone: Type.Optional(
      Type.String({
        description: 'The time zone that the schedule is in, as the IANA names it: `Europe/Berlin`.',
        pattern: '^[A-Za-z][A-Za-z0-9_+/-]*$',
        maxLength: 64,
        'x-flowjob-change': 'in-place',
        'x-flowjob-default': 'UTC',
        'x-kubernetes-validations': [TIME_ZONE_RULE],
      }),
    ),
    retain: Type.Object(
      {
        count: Type.Integer({
          description: 'How many complete ones are kept; older ones are deleted, with their files.',
          default: 10,
          minimum: 1,
          maximum: 1000,
          format: 'int32',
          'x-flowjob-change': 'in-place',
        }),
        age: Type.Optional(
          duration({
            description:
              'How long one is kept. The newest complete one stays, however old, and what the job would start from.',
            positive: true,
            'x-flowjob-change': 'in-place',
            'x-flowjob-default': 'as long as `count` allows',
          }),
        ),
      },
      { description: 'Which savepoints of the schedule are kept. Others are nobody’s but yours.', default: {} },
    ),
  },
  { description: 'Savepoints that are taken by a schedule. Not with mode Batch.' },
);

const StateSchema = Type.Object(
  {
    storage: Type.Optional(
      Type.Object(
        {
          uri: Type.Optional(
            Type.String({
              description:
                'Folder in which the job keeps its checkpoints and savepoints, below a folder of its own name: a file: URI with an absolute path, or, with engine Flink, s3://BUCKET/FOLDER. Jobs may share it. On Kubernetes podTemplate has to mount the folder of a file: URI in every pod.',
              pattern: `^(file:(//)?/.+|${S3_URI_PATTERN})$`,
              maxLength: 1024,
              'x-flowjob-change': 'refused-while-running',
            }),
          ),
          persistentVolumeClaim: Type.Optional(PersistentVolumeClaimSchema),
          ...S3_FIELDS,
        },
        {
          description: 'Where checkpoints and savepoints are kept.',
          'x-flowjob-default':
            'a folder of the operator’s own, one per FlowJob; on Kubernetes a claim named NAME-state',
          'x-kubernetes-validations': [
            {
              rule: '!has(self.uri) || !has(self.persistentVolumeClaim)',
              message: 'state is kept in one place: remove uri or persistentVolumeClaim',
            },
            S3_FIELDS_RULE,
          ] satisfies CelRule[],
        },
      ),
    ),
    checkpoint: Type.Object(
      {
        interval: duration({
          description:
            'Time from the start of one checkpoint to the start of the next. A batch job takes no checkpoints.',
          default: '10s',
          positive: true,
          'x-flowjob-change': 'restart',
        }),
      },
      { description: 'When checkpoints are taken.', default: {} },
    ),
    savepoints: Type.Optional(SavepointScheduleSchema),
    restore: Type.Optional(RestoreSchema),
  },
  { description: 'The state that the job keeps.', default: {} },
);

const RollbackSchema = Type.Object(
  {
    enabled: Type.Boolean({
      description:
        'Whether the version before is started again when a new one fails for good, or is not at its first checkpoint in time.',
      default: true,
      'x-flowjob-change': 'none',
    }),
    deadline: duration({
      description:
        'How long a new version may take to its first checkpoint, from its start on: what pods wait for counts as well.',
      default: ROLLBACK_DEADLINE,
      positive: true,
      'x-flowjob-change': 'none',
    }),
  },
  {
    description:
      'Going back to the version before an upgrade, from the state that it left. Only until the first checkpoint of the new version, before which that publishes nothing; not with strategy Stateless.',
    'x-flowjob-default': `enabled for Streaming, with a deadline of ${ROLLBACK_DEADLINE}`,
  },
);

const UpgradeSchema = Type.Object(
  {
    strategy: Type.Optional(
      stringEnum(UPGRADE_STRATEGIES, {
        description:
          'How a running job gets from one version to the next. `Savepoint`: stopped with a savepoint, started from it. ' +
          '`LastState`: stopped at once, started from its newest checkpoint; what it did since comes again, once. ' +
          '`Stateless`: stopped, started with empty state.',
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'Savepoint for Streaming, Stateless for Batch',
      }),
    ),
    rollback: Type.Optional(RollbackSchema),
    startBeforeStop: Type.Optional(
      Type.Boolean({
        description:
          'On Apache Flink, JobManager and TaskManagers of the next version are up before the running one is stopped, so that both need room for a while. ' +
          'Where there is none, the running version is stopped first.',
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'true for Streaming and Automatic on Flink 2.0 and later',
      }),
    ),
  },
  { description: 'How changes that need a restart are carried out.', default: {} },
);

const BatchSchema = Type.Object(
  {
    backoffLimit: Type.Integer({
      description: 'How often a failed run is started again before the job is Failed.',
      default: 3,
      minimum: 0,
      maximum: 1000,
      format: 'int32',
      'x-flowjob-change': 'none',
    }),
    activeDeadline: Type.Optional(
      duration({
        description: 'The job is Failed when it has not ended this long after its start, retries included.',
        positive: true,
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'no deadline',
      }),
    ),
    ttlAfterFinished: Type.Object(
      {
        succeeded: duration({
          description: 'How long processes of a job that succeeded stay.',
          default: '0s',
          'x-flowjob-change': 'none',
        }),
        failed: duration({
          description: 'How long processes of a job that failed stay, for a look at its logs and its REST API.',
          default: '1h',
          'x-flowjob-change': 'none',
        }),
      },
      { description: 'When the processes of a job that has ended go. The FlowJob and its status stay.', default: {} },
    ),
    deleteAfterFinished: Type.Optional(
      duration({
        description:
          'How long after its end, in success or failure, the FlowJob itself is deleted. Not for a FlowJob that is kept in git: it would come back, and run again.',
        positive: true,
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'it stays',
      }),
    ),
  },
  { description: 'How a batch job is retried and cleared away. Only with mode Batch.' },
);

export const JobManagerSchema = Type.Object(
  { resources: resources('JobManager'), podTemplate: podTemplate('the JobManager', 'jobmanager') },
  { description: 'The process that coordinates the work.', default: {} },
);

export const TaskManagerSchema = Type.Object(
  {
    replicas: Type.Integer({
      description: 'How many TaskManagers there are. The scale subresource reads and writes this field.',
      default: 1,
      minimum: 1,
      maximum: 128,
      format: 'int32',
      'x-flowjob-change': 'rescale',
    }),
    slots: Type.Integer({
      description: 'How many subtasks of one operator a TaskManager runs at once, each in a thread of its own.',
      default: 2,
      minimum: 1,
      maximum: 64,
      format: 'int32',
      'x-flowjob-change': 'restart',
    }),
    resources: resources('TaskManager'),
    podTemplate: podTemplate('TaskManagers', 'taskmanager'),
  },
  { description: 'The processes that do the work.', default: {} },
);

export const FlowJobSpecSchema = Type.Object(
  {
    engine: EngineSchema,
    mode: stringEnum(MODES, {
      description:
        '`Streaming`: the job runs until it is stopped, or its input ends. `Batch`: its input ends, and so does the job. `Automatic`, with engine.type Flink: a stream that takes fewer checkpoints while its sources say that they read a backlog (FLIP-309).',
      'x-flowjob-change': 'refused-while-running',
    }),
    suspend: Type.Boolean({
      description:
        'True: a running job is stopped (Streaming: with a savepoint) and has no process until this is false again. A job born suspended never starts one.',
      default: false,
      'x-flowjob-change': 'in-place',
    }),
    restartNonce: Type.Integer({
      description:
        'Change it to run a job again that is Finished, Failed or rolled back, or to restart one that runs. Nothing else runs a job again that is Finished.',
      default: 0,
      minimum: 0,
      format: 'int64',
      'x-flowjob-change': 'restart',
    }),
    revisionHistoryLimit: Type.Optional(
      Type.Integer({
        description:
          'How many older versions are kept beside the one that was accepted last, each with the SQL text that it ran: on Kubernetes as ControllerRevisions.',
        minimum: 1,
        maximum: 100,
        format: 'int32',
        'x-flowjob-change': 'none',
        'x-flowjob-default': '10',
      }),
    ),
    job: JobSchema,
    state: StateSchema,
    upgrade: UpgradeSchema,
    autoscaling: Type.Optional(AutoscalingSchema),
    batch: Type.Optional(BatchSchema),
    deletionPolicy: Type.Optional(
      stringEnum(DELETION_POLICIES, {
        description:
          'What deleting the FlowJob does first. `Savepoint`: a last savepoint is taken and kept. `Delete`: the job is cancelled and its state removed.',
        'x-flowjob-change': 'none',
        'x-flowjob-default': 'Savepoint for Streaming, Delete for Batch',
      }),
    ),
    jobManager: JobManagerSchema,
    taskManager: TaskManagerSchema,
  },
  {
    description: 'What the job should be.',
    'x-kubernetes-validations': [
      {
        rule: "self.mode != 'Automatic' || self.engine.type == 'Flink'",
        message:
          'the embedded engine runs no job with mode Automatic: set mode to Streaming or Batch, or engine.type to Flink',
        fieldPath: '.mode',
      },
      {
        rule: "self.mode == 'Batch' || !has(self.batch)",
        message: 'only a job with mode Batch has it: remove batch, or set mode to Batch',
        fieldPath: '.batch',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.autoscaling)",
        message: 'a batch job is not autoscaled: remove autoscaling, or set mode to Streaming',
        fieldPath: '.autoscaling',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.upgrade.strategy) || self.upgrade.strategy == 'Stateless'",
        message: 'a batch job takes no savepoints: remove upgrade.strategy, or set it to Stateless',
        fieldPath: '.upgrade.strategy',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.upgrade.rollback) || !self.upgrade.rollback.enabled",
        message: 'a batch job has no version before to go back to: remove upgrade.rollback',
        fieldPath: '.upgrade.rollback',
      },
      {
        rule: "!has(self.upgrade.startBeforeStop) || !self.upgrade.startBeforeStop || (self.mode != 'Batch' && self.engine.type == 'Flink' && (!has(self.engine.version) || self.engine.version != '1.20'))",
        message:
          'only a stream on Apache Flink 2.0 or later has processes of its next version up beside it: remove upgrade.startBeforeStop',
        fieldPath: '.upgrade.startBeforeStop',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.deletionPolicy) || self.deletionPolicy != 'Savepoint'",
        message: 'a batch job takes no savepoints: remove deletionPolicy, or set it to Delete',
        fieldPath: '.deletionPolicy',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.state.savepoints)",
        message: 'a batch job takes no savepoints: remove state.savepoints',
        fieldPath: '.state.savepoints',
      },
      {
        rule: "self.mode != 'Batch' || !has(self.state.restore)",
        message: 'a batch job starts from its input, not from state: remove state.restore, or set mode to Streaming',
        fieldPath: '.state.restore',
      },
      {
        rule: 'has(self.engine.clusterRef) || !has(self.job.parallelism) || self.job.parallelism <= self.taskManager.replicas * self.taskManager.slots',
        message:
          'must not be above taskManager.replicas x taskManager.slots: lower it, or raise taskManager.replicas or taskManager.slots',
        fieldPath: '.job.parallelism',
      },
      {
        rule: "self.engine.type == 'Flink' || !has(self.job.jar)",
        message: 'only Apache Flink runs jars: set engine.type to Flink, with a version, or write the job as SQL',
        fieldPath: '.job.jar',
      },
      {
        rule: "!has(self.engine.version) || self.engine.version != '1.20' || !has(self.job.sql)",
        message: 'Apache Flink runs SQL by itself from 2.0 on: set engine.version to 2.0 or later, or run a jar',
        fieldPath: '.engine.version',
      },
      {
        rule: "!has(self.job.sql) || !has(self.job.sql.plan) || self.job.sql.plan != 'Compiled' || (self.engine.type == 'Flink' && self.mode != 'Batch')",
        message:
          'plans are compiled for streams on Apache Flink: remove job.sql.plan, or set engine.type to Flink, and mode to Streaming',
        fieldPath: '.job.sql.plan',
      },
      ...S3_RULES,
      ...CLUSTER_RULES,
    ] satisfies CelRule[],
  },
);

/** The spec with fixed defaults filled in; what depends on the mode is still open (see resolveSpec). */
export type FlowJobSpec = Static<typeof FlowJobSpecSchema>;

export interface FlowJob {
  apiVersion: 'flowjob.dev/v1alpha1';
  kind: 'FlowJob';
  metadata: ObjectMeta;
  spec: FlowJobSpec;
  status?: FlowJobStatus;
}
