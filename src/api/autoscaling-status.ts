// status.autoscaling: what was decided of the job's size. It changes when the decision does, and with nothing else: readings are metrics.
import { Type, type Static } from '@sinclair/typebox';
import { stringEnum } from './schema-kit.ts';

export const STOP_CAUSES = ['Idle', 'Schedule'] as const;

export const VertexSizesSchema = (description: string) =>
  Type.Array(
    Type.Object(
      {
        id: Type.String({ description: 'The engine’s id of the vertex.', maxLength: 64 }),
        parallelism: Type.Integer({ description: 'Its subtasks.', minimum: 1, format: 'int32' }),
      },
      { description: 'One vertex.' },
    ),
    { description, maxItems: 512 },
  );
export type VertexSizes = Static<ReturnType<typeof VertexSizesSchema>>;

const count = (description: string) => Type.Integer({ description, minimum: 1, format: 'int32' });

export const AutoscalingStatusSchema = Type.Object(
  {
    applies: Type.Boolean({ description: 'The job gets what was decided. False: it is a recommendation.' }),
    replicas: Type.Optional(count('TaskManagers. Absent: nothing has been decided of them.')),
    parallelism: Type.Optional(count('Subtasks of the widest vertex.')),
    vertices: Type.Optional(VertexSizesSchema('What each vertex gets.')),
    replicasInSpec: Type.Optional(
      count(
        'spec.taskManager.replicas when the autoscaler began: another value is of somebody who scales the job, too.',
      ),
    ),
    stopped: Type.Optional(
      stringEnum(STOP_CAUSES, {
        description: 'The job is stopped until there may be work, or until a schedule is over.',
      }),
    ),
    reason: Type.String({
      description: 'Why, in one word; the reference of reasons is in how to autoscale.',
      maxLength: 64,
    }),
    message: Type.String({
      description: 'Why, with the figures of the moment at which it was decided.',
      maxLength: 2048,
    }),
    held: Type.Optional(
      Type.Object(
        {
          reason: Type.String({ description: 'What holds it.', maxLength: 64 }),
          message: Type.String({ description: 'The same for people, with what to do.', maxLength: 2048 }),
        },
        { description: 'What keeps the size from following the load at present. Absent: nothing does.' },
      ),
    ),
    memory: Type.Optional(
      Type.String({ description: 'The memory that a TaskManager should have, as a quantity.', maxLength: 32 }),
    ),
    memoryApplies: Type.Optional(Type.Boolean({ description: 'TaskManagers that are started from now on get it.' })),
    memoryMessage: Type.Optional(
      Type.String({ description: 'Why, with the figures of the moment at which it was decided.', maxLength: 2048 }),
    ),
    memoryInSpec: Type.Optional(
      Type.String({
        description:
          'spec.taskManager.resources.limits.memory when it was decided: with another value that one counts, until something is decided of it.',
        maxLength: 32,
      }),
    ),
  },
  { description: 'What the autoscaler has decided.' },
);
export type AutoscalingStatus = Static<typeof AutoscalingStatusSchema>;
