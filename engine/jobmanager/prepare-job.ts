// From SQL text to what the coordinator starts with: plan, splits, the state to restore, sinks cleared of what earlier attempts left.
import type { AcquiredAttempt } from '../checkpoint/attempt.ts';
import type { CheckpointStorage, JobResult, Manifest } from '../checkpoint/storage.ts';
import type { EngineConfig } from '../config.ts';
import type { Connectors } from '../connectors/registry.ts';
import { EngineError } from '../errors.ts';
import { operatorsOf, type ExecPlan, type SinkSpec, type SourceSpec } from '../plan/exec-plan.ts';
import { planScript } from '../plan/plan-script.ts';
import { commitAll, outputsOf, placesOf } from './commit.ts';
import { keepsCheckpoints } from './coordinator/job-ending.ts';
import type { CoordinatorOptions, RestoredState, SourceOptions } from './coordinator/messages.ts';
import { checkpointingOptions, rescaleOptions, restartOptions } from './options.ts';
import { checkRestore } from './restore-check.ts';

export interface JobArguments {
  jobId: string;
  epoch: number;
  /** Reads its SQL script. */
  sql: () => string;
  fromSavepoint: string | null;
  allowNonRestoredState: boolean;
}

/** Turns a script into a plan: `planScript`, unless its answers are kept. */
export type PlanJob = typeof planScript;

/** The plan of the job's text, and the configuration with what the text sets. Throws what is wrong with them. */
function planned(
  config: EngineConfig,
  connectors: Connectors,
  job: JobArguments,
  planJob: PlanJob,
): { plan: ExecPlan; effective: EngineConfig } {
  const mode = config.get('execution.runtime-mode').toUpperCase();
  if (mode !== 'STREAMING' && mode !== 'BATCH')
    throw new EngineError('CONFIG_INVALID', `execution.runtime-mode: "${mode}" is not a mode`, {
      hint: 'write STREAMING or BATCH',
    });
  const plan = planJob(job.sql(), {
    mode,
    parallelism: config.integer('parallelism.default'),
    jobName: config.get('pipeline.name') === '' ? 'flowjob' : config.get('pipeline.name'),
    describeSource: (table) => connectors.source(table).describe(table),
    describeSink: (table, changelog) => connectors.sink(table).describe(table, changelog),
  });
  return { plan, effective: config.with(plan.settings) };
}

/** Throws what is wrong with the text, the tables, the configuration or the savepoint; FENCED when another attempt has taken over. */
export async function prepareJob(
  config: EngineConfig,
  storage: CheckpointStorage,
  connectors: Connectors,
  job: JobArguments,
  attempt: AcquiredAttempt,
  planJob: PlanJob = planScript,
): Promise<CoordinatorOptions> {
  const { plan, effective } = planned(config, connectors, job, planJob);
  await storage.removeOrphans(attempt, job.jobId);
  const checkpoints = (await storage.listCheckpoints(job.jobId)).map(({ path }) => path);
  const restored = await restoredState(storage, checkpoints[0] ?? null, job, plan);
  const outputs = outputsOf(connectors, plan);
  // What the restored checkpoint holds is made visible before anything that is merely in progress is removed.
  if (restored !== null) {
    const carried = isCarried(restored, job);
    const placed = await placesOf(storage, connectors, restored.manifest, outputs, carried);
    await commitAll(storage, connectors, attempt, placed);
  }
  await storage.recordOutputs(attempt, job.jobId, outputs);
  await clearSinks(connectors, { plan, config: effective.entries() }, attempt, 0);
  return {
    jobId: job.jobId,
    attempt: { epoch: attempt.epoch, restart: attempt.restart },
    plan,
    config: effective.entries(),
    checkpointing: checkpointingOptions(effective),
    restart: restartOptions(effective),
    rescale: rescaleOptions(effective),
    heartbeatTimeout: effective.duration('heartbeat.timeout'),
    cancellationTimeout: effective.duration('task.cancellation.timeout'),
    sources: await discoverSources(connectors, plan, restored?.manifest ?? null),
    // Nothing of it is left to be made visible.
    restored: restored && { ...restored, manifest: { ...restored.manifest, committables: [] } },
    retainedCheckpoints: checkpoints.reverse(),
    checkpointPath: (id) => storage.checkpointPath(job.jobId, id),
  };
}

/** The newest completed checkpoint of the job itself, else the savepoint it is to start from, else nothing. */
async function restoredState(
  storage: CheckpointStorage,
  newest: string | null,
  job: JobArguments,
  plan: ExecPlan,
): Promise<RestoredState | null> {
  const path = newest ?? job.fromSavepoint;
  if (path === null) return null;
  const manifest = await storage.readManifest(path);
  if (!manifest.endOfInput && plan.mode === 'BATCH')
    throw new EngineError('RESTORE_BATCH', `a batch job cannot start from the state in ${path}`, {
      hint: 'run the job in STREAMING mode, or start the batch without a savepoint',
    });
  if (!manifest.endOfInput || newest === null) checkRestore(manifest, path, plan, job.allowNonRestoredState);
  return { path, manifest, isSavepoint: newest === null };
}

/** A savepoint of another job may have been brought from anywhere. */
function isCarried({ manifest }: RestoredState, { jobId }: JobArguments): boolean {
  return manifest.kind === 'SAVEPOINT' && manifest.jobId !== jobId;
}

/** What the attempt that ended the job may have died before removing. */
export async function clearEnded(
  config: EngineConfig,
  storage: CheckpointStorage,
  connectors: Connectors,
  job: JobArguments,
  attempt: AcquiredAttempt,
  as: JobResult['state'],
  planJob: PlanJob = planScript,
): Promise<void> {
  const { plan, effective } = planned(config, connectors, job, planJob);
  if (!keepsCheckpoints(as, checkpointingOptions(effective).retention))
    await storage.removeCheckpoints(attempt, job.jobId);
  if (as === 'FINISHED') await clearSinks(connectors, { plan, config: effective.entries() }, attempt, 0);
}

/** Removes what earlier attempts left in progress in the job's sinks, and those executions of this one that are numbered below `execution`. */
export async function clearSinks(
  connectors: Connectors,
  { plan, config }: Pick<CoordinatorOptions, 'plan' | 'config'>,
  attempt: AcquiredAttempt,
  execution: number,
): Promise<void> {
  const jobKey = config.find(([key]) => key === 'flowjob.job-key')?.[1] ?? 'job';
  for (const { table } of operatorsOf<SinkSpec>(plan, 'Sink'))
    await connectors.sink(table).cleanUp(table, jobKey, attempt, execution);
}

async function discoverSources(
  connectors: Connectors,
  plan: ExecPlan,
  restored: Manifest | null,
): Promise<SourceOptions[]> {
  return Promise.all(
    operatorsOf<SourceSpec>(plan, 'Source').map(async ({ id, table }) => {
      const connector = connectors.source(table);
      const known = restored?.sources.find(({ operatorId }) => operatorId === id);
      if (known !== undefined) await connector.checkSplits(table, known.splits);
      return {
        operatorId: id,
        maxReaders: connector.describe(table).maxParallelism,
        splits: known !== undefined ? [] : await connector.discoverSplits(table),
        sizeOf: (split) => connector.sizeOf(split),
      };
    }),
  );
}
