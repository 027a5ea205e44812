// The spec with every question answered, as a version is run: defaults that depend on the mode are filled in, what a mode does not use is gone.
import { Type, type Static } from '@sinclair/typebox';
import { FlowJobSpecSchema, ROLLBACK_DEADLINE, UPGRADE_STRATEGIES, type FlowJobSpec } from './flowjob.ts';
import { defaultMemory, resolvedResources } from './resources.ts';
import { stringEnum } from './schema-kit.ts';
import { toStructural, withDefaults } from './structural.ts';

const { properties } = FlowJobSpecSchema;

export const ResolvedFlowJobSpecSchema = Type.Object(
  {
    ...properties,
    job: Type.Object(
      {
        ...properties.job.properties,
        sql: Type.Optional(
          Type.Object(
            {
              inline: Type.String({ description: 'The text that is run, wherever it came from.' }),
              configMapKeyRef: properties.job.properties.sql.properties.configMapKeyRef,
              plan: properties.job.properties.sql.properties.plan,
            },
            { description: 'The job as SQL text.' },
          ),
        ),
        parallelism: Type.Integer({ description: 'Subtasks of each operator.', minimum: 1, format: 'int32' }),
      },
      { description: 'What is run.' },
    ),
    upgrade: Type.Object(
      {
        strategy: stringEnum(UPGRADE_STRATEGIES, { description: 'How the next version takes over.' }),
        rollback: properties.upgrade.properties.rollback,
        startBeforeStop: properties.upgrade.properties.startBeforeStop,
      },
      { description: 'How changes that need a restart are carried out.' },
    ),
    jobManager: Type.Object(
      { ...properties.jobManager.properties, resources: resolvedResources('JobManager') },
      { description: 'The process that coordinates the job.' },
    ),
    taskManager: Type.Object(
      { ...properties.taskManager.properties, resources: resolvedResources('TaskManager') },
      { description: 'The processes that do the work.' },
    ),
    deletionPolicy: stringEnum(['Savepoint', 'Delete'], { description: 'What deleting the FlowJob does first.' }),
  },
  { description: 'The spec as it was accepted, all defaults filled in.' },
);
export type ResolvedFlowJobSpec = Static<typeof ResolvedFlowJobSpecSchema>;

/** The SQL text that is run; empty for a job from a jar. */
export const sqlText = ({ job }: Pick<ResolvedFlowJobSpec, 'job'>): string => job.sql?.inline ?? '';

/** What a batch job has whose manifest leaves `batch` out: the defaults of its fields. */
const BATCH_DEFAULTS = withDefaults(toStructural(properties.batch), {}) as NonNullable<FlowJobSpec['batch']>;

type Storage = FlowJobSpec['state']['storage'];

/** What a spec names and does not hold: the SQL text where it does not stand inline, and where the FlowCluster of the job has its jobs keep their state. */
export interface Referenced {
  sql?: string | undefined;
  storage?: Storage | undefined;
}

/** Answers what depends on the mode. `spec` has its fixed defaults already (withDefaults). Pure. */
export function resolveSpec(spec: FlowJobSpec, { sql, storage }: Referenced = {}): ResolvedFlowJobSpec {
  const streaming = spec.mode !== 'Batch';
  const { batch, ...rest } = spec;
  const { sql: named, ...job } = spec.job;
  const onCluster = spec.engine.clusterRef !== undefined;
  const slots = onCluster ? 1 : Math.min(128, spec.taskManager.replicas * spec.taskManager.slots);
  const resolved: ResolvedFlowJobSpec = {
    ...rest,
    job: {
      ...job,
      ...(named === undefined ? {} : { sql: { ...named, inline: sql ?? named.inline ?? '' } }),
      parallelism: spec.job.parallelism ?? slots,
    },
    ...(onCluster && storage !== undefined ? { state: { ...spec.state, storage } } : {}),
    jobManager: { ...spec.jobManager, resources: withMemory(spec, 'jobManager') },
    taskManager: { ...spec.taskManager, resources: withMemory(spec, 'taskManager') },
    upgrade: {
      strategy: spec.upgrade.strategy ?? (streaming ? 'Savepoint' : 'Stateless'),
      ...(spec.upgrade.startBeforeStop === undefined ? {} : { startBeforeStop: spec.upgrade.startBeforeStop }),
      ...(streaming ? { rollback: spec.upgrade.rollback ?? { enabled: true, deadline: ROLLBACK_DEADLINE } } : {}),
    },
    deletionPolicy: spec.deletionPolicy ?? (streaming ? 'Savepoint' : 'Delete'),
  };
  if (!streaming) resolved.batch = batch ?? BATCH_DEFAULTS;
  return resolved;
}

function withMemory({ engine, ...spec }: FlowJobSpec, role: 'jobManager' | 'taskManager') {
  const { limits, requests } = spec[role].resources;
  const memory = limits.memory ?? defaultMemory(role, engine.type, requests?.memory);
  return { ...spec[role].resources, limits: { ...limits, memory } };
}
