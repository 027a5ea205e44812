// The spec with every question answered, as a version is run: defaults that depend on the mode are filled in, what a mode does not use is gone.
import { Type, type Static } from '@sinclair/typebox';
import { FlowJobSpecSchema, UPGRADE_STRATEGIES, type FlowJobSpec } from './flowjob.ts';
import { stringEnum } from './schema-kit.ts';
import { toStructural, withDefaults } from './structural.ts';

const { properties } = FlowJobSpecSchema;

export const ResolvedFlowJobSpecSchema = Type.Object(
  {
    ...properties,
    job: Type.Object(
      {
        ...properties.job.properties,
        sql: Type.Object(
          {
            inline: Type.String({ description: 'The text that is run, wherever it came from.' }),
            configMapKeyRef: properties.job.properties.sql.properties.configMapKeyRef,
          },
          { description: 'The job as SQL text.' },
        ),
        parallelism: Type.Integer({ description: 'Subtasks of each operator.', minimum: 1, format: 'int32' }),
      },
      { description: 'What is run.' },
    ),
    upgrade: Type.Object(
      { strategy: stringEnum(UPGRADE_STRATEGIES, { description: 'How the next version takes over.' }) },
      { description: 'How changes that need a restart are carried out.' },
    ),
    deletionPolicy: stringEnum(['Savepoint', 'Delete'], { description: 'What deleting the FlowJob does first.' }),
  },
  { description: 'The spec as it was accepted, all defaults filled in.' },
);
export type ResolvedFlowJobSpec = Static<typeof ResolvedFlowJobSpecSchema>;

/** What a batch job has whose manifest leaves `batch` out: the defaults of its fields. */
const BATCH_DEFAULTS = withDefaults(toStructural(properties.batch), {}) as NonNullable<FlowJobSpec['batch']>;

/** Answers what depends on the mode. `spec` has its fixed defaults already (withDefaults); `sql` is the text where it does not stand inline. Pure. */
export function resolveSpec(spec: FlowJobSpec, sql?: string): ResolvedFlowJobSpec {
  const streaming = spec.mode === 'Streaming';
  const { batch, ...rest } = spec;
  const resolved: ResolvedFlowJobSpec = {
    ...rest,
    job: {
      ...spec.job,
      sql: { ...spec.job.sql, inline: sql ?? spec.job.sql.inline ?? '' },
      parallelism: spec.job.parallelism ?? Math.min(128, spec.taskManager.replicas * spec.taskManager.slots),
    },
    upgrade: { strategy: spec.upgrade.strategy ?? (streaming ? 'Savepoint' : 'Stateless') },
    deletionPolicy: spec.deletionPolicy ?? (streaming ? 'Savepoint' : 'Delete'),
  };
  if (!streaming) resolved.batch = batch ?? BATCH_DEFAULTS;
  return resolved;
}
