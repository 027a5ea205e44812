// The status of a FlowJob: what the operator decided and saw. It is a write-ahead log: ids stand here before they are used.
// Nothing that ticks stands here (times of now, counters, samples): those are metrics.
import { Type, type Static } from '@sinclair/typebox';
import { AutoscalingStatusSchema, VertexSizesSchema } from './autoscaling-status.ts';
import { ConditionSchema } from './object.ts';
import { ResolvedFlowJobSpecSchema } from './resolved.ts';
import { stringEnum } from './schema-kit.ts';

/** States of the lifecycle; `src/lifecycle` has one file for each and the table of legal transitions. */
export const JOB_STATES = {
  Pending: 'Accepted; no process exists yet.',
  Starting: 'Processes are being started; no checkpoint of this version has completed yet.',
  Running: 'The job runs.',
  Suspending: 'The job is being stopped because spec.suspend asks for it.',
  Suspended: 'Stopped as asked; no process exists.',
  Upgrading: 'The running version is being stopped; the new one starts when it is gone.',
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
      'The engine’s job id: the same over the attempts of one run, new for an upgrade, a resume or a new run.',
    ),
    specHash: Type.String({ description: 'Hash of the parts of the spec that this attempt runs.', maxLength: 64 }),
    restoreFrom: Type.Optional(
      Type.String({
        description: 'Savepoint that the run starts from when it has no checkpoint of its own yet.',
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

export const SCALING_STEPS = ['Starting', 'Rescaling'] as const;

export const ScalingSchema = Type.Object(
  {
    replicas: Type.Integer({ description: 'TaskManagers that it is to have.', minimum: 1, format: 'int32' }),
    parallelism: Type.Integer({ description: 'Parallelism that it is to have.', minimum: 1, format: 'int32' }),
    vertices: Type.Optional(VertexSizesSchema('What single vertices are to have.')),
    step: stringEnum(SCALING_STEPS, {
      description:
        '`Starting`: TaskManagers come up. `Rescaling`: the engine is asked for the parallelism; those without work are stopped once it has it.',
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
    rowsIn: count('Rows read from sources.'),
    rowsOut: count('Rows written to sinks.'),
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
    accepted: Type.Optional(
      Type.Object(
        {
          generation: Type.Integer({ description: 'The generation that it was taken from.', format: 'int64' }),
          specHash: Type.String({ description: 'Hash of the parts whose change needs a restart.', maxLength: 64 }),
          spec: ResolvedFlowJobSpecSchema,
        },
        { description: 'The version that runs, or ran last.' },
      ),
    ),
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
export type Attempt = Static<typeof AttemptSchema>;
export type Restored = Static<typeof RestoredSchema>;
export type LastSavepoint = Static<typeof LastSavepointSchema>;
export type PendingOperation = Static<typeof PendingOperationSchema>;
export type Scaling = Static<typeof ScalingSchema>;
export type Recovery = Static<typeof RecoverySchema>;
export type SavepointScheduleStatus = Static<typeof SavepointScheduleStatusSchema>;
export type BatchSummary = Static<typeof BatchSummarySchema>;
