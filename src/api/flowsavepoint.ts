// FlowSavepoint: one savepoint. Creating the object takes it; its status has the path.
import { Type, type Static } from '@sinclair/typebox';
import { ENGINE_TYPES } from './engine.ts';
import { ConditionSchema, type ObjectMeta } from './object.ts';
import { S3AccessSchema } from './s3.ts';
import { stringEnum } from './schema-kit.ts';

export const DISPOSAL_POLICIES = ['Retain', 'Delete'] as const;

export const FlowSavepointSpecSchema = Type.Object(
  {
    jobRef: Type.Object(
      {
        name: Type.String({ description: 'Name of the FlowJob, in the same namespace.', minLength: 1, maxLength: 45 }),
      },
      {
        description: 'The FlowJob that the savepoint is taken of.',
        'x-kubernetes-validations': [
          { rule: 'self == oldSelf', message: 'a savepoint is of one job for good: create another FlowSavepoint' },
        ],
      },
    ),
    disposalPolicy: stringEnum(DISPOSAL_POLICIES, {
      description:
        'What deleting the FlowSavepoint does to the files. `Retain`: they stay. `Delete`: they go, unless a job would restore from them.',
      default: 'Retain',
    }),
  },
  { description: 'The savepoint that is wanted.' },
);
export type FlowSavepointSpec = Static<typeof FlowSavepointSpecSchema>;

export const SAVEPOINT_STATES = {
  Pending: 'Not asked of the engine yet.',
  InProgress: 'The engine is taking it.',
  Completed: 'Complete: status.path says where.',
  Failed: 'Could not be taken; condition Failed says why. Create another one to try again.',
} as const;
export type SavepointState = keyof typeof SAVEPOINT_STATES;

export const FlowSavepointStatusSchema = Type.Object(
  {
    observedGeneration: Type.Integer({
      description: 'The generation that this status is about; -1: never seen.',
      format: 'int64',
    }),
    state: Type.Optional(
      stringEnum(Object.keys(SAVEPOINT_STATES) as SavepointState[], { description: 'How far it is.' }),
    ),
    conditions: Type.Array(ConditionSchema, {
      description: 'What holds of the savepoint; see the table of conditions and reasons.',
      maxItems: 16,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
    triggerId: Type.Optional(
      Type.String({
        description: 'Chosen and written here before the engine is asked, so that the repeated call is the same call.',
        pattern: '^[0-9a-f]{32}$',
        maxLength: 32,
      }),
    ),
    jobId: Type.Optional(
      Type.String({
        description: 'The engine’s job id of the run that it is taken of.',
        pattern: '^[0-9a-f]{32}$',
        maxLength: 32,
      }),
    ),
    path: Type.Optional(Type.String({ description: 'Where it is.', maxLength: 2048 })),
    claimName: Type.Optional(
      Type.String({
        description: 'On Kubernetes, the PersistentVolumeClaim that holds it, mounted at /flowjob/state.',
        maxLength: 253,
      }),
    ),
    s3: Type.Optional(S3AccessSchema),
    engine: Type.Optional(
      stringEnum(ENGINE_TYPES, {
        description: 'The engine that has taken it, and alone can restore it; absent: the embedded one.',
      }),
    ),
    completedAt: Type.Optional(Type.String({ description: 'When it was complete.', format: 'date-time' })),
  },
  { description: 'What became of it.' },
);
export type FlowSavepointStatus = Static<typeof FlowSavepointStatusSchema>;

export interface FlowSavepoint {
  apiVersion: 'flowjob.dev/v1alpha1';
  kind: 'FlowSavepoint';
  metadata: ObjectMeta;
  spec: FlowSavepointSpec;
  status?: FlowSavepointStatus;
}
