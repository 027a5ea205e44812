// The status of a FlowJob: what the operator decided and saw. It is a write-ahead log: ids stand here before they are used.
// Nothing that ticks stands here (times of now, counters, samples): those are metrics.
import { Type, type Static } from '@sinclair/typebox';
import { AutoscalingStatusSchema, VertexSizesSchema } from './autoscaling-status.ts';
import { ConditionSchema } from './object.ts';
import { ResolvedFlowJobSpecSchema, type ResolvedFlowJobSpec } from './resolved.ts';
import { kubernetesObject, stringEnum } from './schema-kit.ts';

/** States of the lifecycle; `src/lifecycle` has one file for each and the table of legal transitions. */
export const JOB_STATES = {
  Pending: 'Accepted; no process exists yet.',
  Starting: 'Processes are being started; no checkpoint of this version has completed yet.',
  Running: 'The job runs.',
  Suspending: 'The job is being stopped because spec.suspend asks for it.',
  Suspended: 'Stopped as asked; no process exists.',
  Upgrading: 'The running version is being stopped; the new one starts when it is gone.',
  RollingBack: 'The new version is being stopped; the version before it starts again when it is gone.',
  Recovering: 'The attempt was lost; the next one starts after a back-off, from the last checkpoint.',
  Finished: 'The job came to its end. It is not run again unless spec.restartNonce changes.',
  Failed: 'The job failed for good. It is not run again unless the spec changes.',
  Deleting: 'Being deleted under deletionPolicy.',
} as const;
export type JobState = keyof typeof JOB_STATES;
export const JOB_STATE_NAMES = Object.keys(JOB_STATES) as JobState[];
/** States in which no version of the job runs, so that fields of class refused-while-running may change. */
export const STOPPED_STATES = ['Pending', 'Suspended', 'Finished', 'Failed'] as const satisfies readonly JobState[];

const time = (description: string) => Type.String({ description, format: 'date-time' });
const hexId = (description: string) => Type.String({ description, pattern: '^[0-9a-f]{32}$', maxLength: 32 });
const count = (description: string) => Type.Integer({ description, minimum: 0, format: 'int64' });

export const RUN_ENDS = ['Stopped', 'Cancelled', 'Abandoned', 'Finished', 'Failed'] as const;

export const AttemptSchema = Type.Object(
  {
    epoch: Type.Integer({
      description: 'Rises with each attempt; fences all earlier ones in storage.',
      minimum: 1,
      format: 'int64',
    }),
    jobId: hexId(
      'The engine’s job id: the same over the attempts of one run, new for an upgrade, a resume or a new run. On a FlowCluster new for each attempt.',
    ),
    specHash: Type.String({ description: 'Hash of the parts of the spec that this attempt runs.', maxLength: 64 }),
    restoreFrom: Type.Optional(
      Type.String({
        description: 'Savepoint that the run starts from when it has no checkpoint of its own yet.',
        maxLength: 2048,
      }),
    ),
    resumeFrom: Type.Optional(
      Type.String({
        description:
          'On Apache Flink, the checkpoint of the same run that this attempt goes on from; before the first there is none.',
        maxLength: 2048,
      }),
    ),
    restoreClaim: Type.Optional(
      Type.String({
        description: 'On Kubernetes, the PersistentVolumeClaim that holds restoreFrom where it is not the job’s own.',
        maxLength: 253,
      }),
    ),
    allowNonRestoredState: Type.Optional(
      Type.Boolean({ description: 'State in restoreFrom that belongs to no operator is dropped.' }),
    ),
    jobManagerUid: Type.Optional(
      Type.String({
        description:
          'On a FlowCluster, uid of the JobManager’s pod that the attempt is submitted to: with that pod it is gone.',
        maxLength: 64,
      }),
    ),
    taskManagers: Type.Optional(
      Type.Array(Type.Integer({ description: 'Of one TaskManager.', minimum: 0, maximum: 65535, format: 'int32' }), {
        description:
          'Indexes of the TaskManagers that it has, once it was rescaled in place; before that they are 0 to replicas - 1.',
        maxItems: 128,
      }),
    ),
    vertices: Type.Optional(
      VertexSizesSchema('What the engine was asked for of each vertex, once an autoscaler has decided.'),
    ),
    checkpointed: Type.Optional(
      Type.Boolean({
        description: 'On Apache Flink, the run has had a checkpoint of its own: it never goes on without one.',
      }),
    ),
    session: Type.Optional(
      Type.Boolean({
        description: 'On Apache Flink, its processes were up before its job, which is submitted to them over REST.',
      }),
    ),
    startedAt: time('When the attempt was decided on.'),
    runStartedAt: time('When the first attempt of the run was decided on.'),
    healthy: Type.Boolean({ description: 'Streaming: its first checkpoint completed. Batch: it runs.' }),
    ended: Type.Optional(
      stringEnum(RUN_ENDS, {
        description: 'Why the run is over. Once this is set its processes are stopped, and it is never started again.',
      }),
    ),
  },
  { description: 'The attempt that runs, or the next one to start.' },
);

export const PreparedSchema = Type.Object(
  {
    epoch: Type.Integer({
      description: 'The attempt that it becomes. No other attempt gets this number.',
      minimum: 1,
      format: 'int64',
    }),
    jobId: hexId('The engine’s job id, once it is submitted.'),
    specHash: Type.String({ description: 'Hash of the parts of the spec that it runs.', maxLength: 64 }),
    since: time('When it was decided on.'),
    spec: Type.Optional(
      kubernetesObject<ResolvedFlowJobSpec>({
        description: 'What its processes are made from. Absent once they are not wanted any more.',
      }),
    ),
    failure: Type.Optional(
      Type.String({
        description: 'Why its processes could not be had: the running version is stopped first, then.',
        maxLength: 4096,
      }),
    ),
    invalid: Type.Optional(
      Type.String({
        description: 'Why the engine cannot run the version at all: the running one goes on.',
        maxLength: 4096,
      }),
    ),
  },
  { description: 'The next attempt, whose processes are started before the running version is stopped.' },
);

export const LastSavepointSchema = Type.Object(
  {
    path: Type.String({ description: 'Where it is.', maxLength: 2048 }),
    triggerId: hexId('The id under which it was asked for.'),
    jobId: hexId('The job that it was taken of.'),
    completedAt: time('When it was complete.'),
  },
  { description: 'The newest completed savepoint.' },
);

export const RESTORE_ORIGINS = ['SavepointRef', 'Uri', 'Newest', 'Empty'] as const;

export const RestoredSchema = Type.Object(
  {
    origin: stringEnum(RESTORE_ORIGINS, {
      description: 'What decided: savepointRef, uri, the newest state in storage, or none.',
    }),
    path: Type.Optional(Type.String({ description: 'The savepoint or checkpoint.', maxLength: 2048 })),
    savepointName: Type.Optional(Type.String({ description: 'The FlowSavepoint.', maxLength: 253 })),
    complete: Type.Boolean({
      description: 'The first checkpoint since then is complete: spec.state.restore has no effect any more.',
    }),
  },
  { description: 'What the job started from when it started for the first time, by spec.state.restore.' },
);

/** A version whose processes were started, or may be started again. */
const VERSION = {
  generation: Type.Integer({ description: 'The generation that it was taken from.', format: 'int64' }),
  specHash: Type.String({ description: 'Hash of the parts whose change needs a restart.', maxLength: 64 }),
  spec: ResolvedFlowJobSpecSchema,
};

/** Nobody but the operator reads it: its fields are those of `accepted.spec`, and not listed once more. */
const KEPT_SPEC = kubernetesObject<ResolvedFlowJobSpec>({ description: 'The spec as it was accepted.' });

export const RolledBackSchema = Type.Object(
  {
    generation: Type.Integer({ description: 'The generation that it was taken from.', format: 'int64' }),
    specHash: Type.String({ description: 'Hash of the parts whose change is tried anew.', maxLength: 64 }),
    failure: Type.String({ description: 'Why it was given up.', maxLength: 4096 }),
    size: Type.Optional(
      Type.Object(
        {
          replicas: Type.Integer({ description: 'taskManager.replicas.', minimum: 1, format: 'int32' }),
          parallelism: Type.Integer({ description: 'job.parallelism.', minimum: 1, format: 'int32' }),
        },
        {
          description:
            'What size the spec asked for then: as long as it does, the version that runs keeps the size that it had. Absent once the spec has asked for another.',
        },
      ),
    ),
  },
  {
    description:
      'The version that the spec asks for and that was given up: it is not tried again before the spec changes.',
  },
);

export const OPERATION_KINDS = ['StopWithSavepoint', 'Checkpoint', 'Cancel'] as const;

export const PendingOperationSchema = Type.Object(
  {
    kind: stringEnum(OPERATION_KINDS, { description: 'What was asked of the engine.' }),
    triggerId: hexId('Chosen and written here before the call, so that the repeated call is the same call.'),
    jobId: hexId('The job that it was asked of.'),
    startedAt: time('When it was decided on.'),
    failures: Type.Optional(count('How often it was tried in vain, each time under another id.')),
    failure: Type.Optional(Type.String({ description: 'Why it failed the last time.', maxLength: 4096 })),
    retryAt: Type.Optional(time('It is not tried again before this.')),
  },
  { description: 'An operation of the engine that the operator waits for.' },
);

export const RecoverySchema = Type.Object(
  {
    restarts: count('Attempts lost in a row; 0 again once an attempt was healthy for long enough.'),
    nextAttemptAt: Type.Optional(time('The next attempt does not start before this.')),
    lastFailure: Type.Optional(
      Type.String({ description: 'Why the last attempt was lost, shortened.', maxLength: 4096 }),
    ),
  },
  { description: 'Lost attempts and the back-off before the next.' },
);

export const SCALING_STEPS = ['Starting', 'Rescaling', 'Draining'] as const;

export const ScalingSchema = Type.Object(
  {
    replicas: Type.Integer({ description: 'TaskManagers that it is to have.', minimum: 1, format: 'int32' }),
    parallelism: Type.Integer({ description: 'Parallelism that it is to have.', minimum: 1, format: 'int32' }),
    vertices: Type.Optional(VertexSizesSchema('What single vertices are to have.')),
    step: stringEnum(SCALING_STEPS, {
      description:
        '`Starting`: TaskManagers come up. `Rescaling`: the engine is asked for the parallelism. `Draining`: it has it, and leaves TaskManagers without work, which are stopped then.',
    }),
    since: time('When the step began.'),
    failure: Type.Optional(
      Type.String({
        description: 'Why it cannot be done in place: the running version is replaced instead.',
        maxLength: 4096,
      }),
    ),
  },
  { description: 'A rescaling in place that is under way: of the attempt that runs.' },
);

export const BatchSummarySchema = Type.Object(
  {
    startedAt: time('When the first attempt of the run started.'),
    finishedAt: time('When the job came to its end.'),
    durationMs: count('Milliseconds from start to end, in the engine.'),
    rowsIn: Type.Optional(count('Rows read from sources; absent where the engine does not count them.')),
    rowsOut: Type.Optional(count('Rows written to sinks; absent where the engine does not count them.')),
    attempts: count('Attempts that the run took.'),
    restartNonce: Type.Optional(
      count('spec.restartNonce when the end was put on record: this value asks for no other run.'),
    ),
  },
  { description: 'How the last run that came to its end went.' },
);

export const SavepointScheduleStatusSchema = Type.Object(
  {
    schedule: Type.String({ description: 'The schedule that `since` is about.', maxLength: 100 }),
    timeZone: Type.String({ description: 'Its time zone.', maxLength: 64 }),
    since: time(
      'The last time of the schedule that was seen to, or when the schedule was first seen: later ones are due.',
    ),
    pending: Type.Optional(
      Type.String({
        description: 'Name of the FlowSavepoint that is being made for it; chosen and written here before it is made.',
        maxLength: 63,
      }),
    ),
  },
  { description: 'How far state.savepoints has been seen to.' },
);

export const FlowJobStatusSchema = Type.Object(
  {
    observedGeneration: Type.Integer({
      description: 'The generation that this status is about; -1: never seen.',
      format: 'int64',
    }),
    state: Type.Optional(stringEnum(JOB_STATE_NAMES, { description: 'Where the job is in its lifecycle.' })),
    conditions: Type.Array(ConditionSchema, {
      description: 'What holds of the job; see the table of conditions and reasons.',
      maxItems: 16,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
    accepted: Type.Optional(Type.Object(VERSION, { description: 'The version that runs, or ran last.' })),
    previous: Type.Optional(
      Type.Object(
        { ...VERSION, spec: KEPT_SPEC },
        {
          description:
            'The version before it that has proven itself: what a rollback goes back to. Absent once this one has, and without spec.upgrade.rollback.',
        },
      ),
    ),
    rolledBack: Type.Optional(RolledBackSchema),
    refused: Type.Optional(
      Type.Object(
        {
          generation: Type.Integer({ description: 'The generation that it was taken from.', format: 'int64' }),
          specHash: Type.String({ description: 'Hash of the parts whose change is tried anew.', maxLength: 64 }),
        },
        { description: 'The version that could not be started at all; absent when the last one could.' },
      ),
    ),
    attempt: Type.Optional(AttemptSchema),
    prepared: Type.Optional(PreparedSchema),
    restored: Type.Optional(RestoredSchema),
    lastSavepoint: Type.Optional(LastSavepointSchema),
    pending: Type.Optional(PendingOperationSchema),
    scaling: Type.Optional(ScalingSchema),
    autoscaling: Type.Optional(AutoscalingStatusSchema),
    recovery: Type.Optional(RecoverySchema),
    batch: Type.Optional(BatchSummarySchema),
    savepointSchedule: Type.Optional(SavepointScheduleStatusSchema),
    parallelism: Type.Optional(
      Type.Integer({ description: 'Parallelism of the running version.', minimum: 0, format: 'int32' }),
    ),
    taskManager: Type.Optional(
      Type.Object(
        {
          replicas: Type.Integer({ description: 'TaskManagers that run.', minimum: 0, format: 'int32' }),
          selector: Type.String({
            description: 'Label selector of the TaskManagers, for the scale subresource.',
            maxLength: 256,
          }),
        },
        { description: 'The TaskManagers, for the scale subresource.' },
      ),
    ),
  },
  { description: 'What the operator decided and saw.' },
);
export type FlowJobStatus = Static<typeof FlowJobStatusSchema>;
/** A version of a job as it stands in status. */
export type Version = NonNullable<FlowJobStatus['accepted']>;
export type Attempt = Static<typeof AttemptSchema>;
export type Prepared = Static<typeof PreparedSchema>;
export type Restored = Static<typeof RestoredSchema>;
export type RolledBack = Static<typeof RolledBackSchema>;
export type LastSavepoint = Static<typeof LastSavepointSchema>;
export type PendingOperation = Static<typeof PendingOperationSchema>;
export type Scaling = Static<typeof ScalingSchema>;
export type Recovery = Static<typeof RecoverySchema>;
export type SavepointScheduleStatus = Static<typeof SavepointScheduleStatusSchema>;
export type BatchSummary = Static<typeof BatchSummarySchema>;
