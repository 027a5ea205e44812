// What is particular to the embedded engine: its command lines, its configuration, and Node's memory flags. The same for processes and pods.
import { quantityValue } from '../api/schema-kit.ts';
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';

const MIB = 2 ** 20;

/**
 * A batch run that fails again and again is soon given up: how often the whole is tried is for backoffLimit to say, and until the engine gives
 * up nobody is told. A few tries stay with the engine, which runs only the lost tasks again.
 */
const BATCH_RESTARTS = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 3,
  'restart-strategy.fixed-delay.delay': '200ms',
} as const;

export interface EmbeddedPaths {
  /** Root of the job's state. */
  stateDirectory: string;
  tokenFile: string;
  endpointsFile: string;
  temporaryDirectory: string;
}

/** `config.yaml` of one attempt: Flink's names where Flink has them. */
export function embeddedConfig(
  job: { name: string; uid: string; spec: ResolvedFlowJobSpec },
  paths: EmbeddedPaths,
): Record<string, string | number | boolean> {
  const { spec } = job;
  return {
    'pipeline.name': job.name,
    'flowjob.job-key': job.uid,
    'flowjob.state.dir': paths.stateDirectory,
    'flowjob.token-file': paths.tokenFile,
    'flowjob.endpoints-file': paths.endpointsFile,
    'io.tmp.dirs': paths.temporaryDirectory,
    'execution.runtime-mode': spec.mode === 'Batch' ? 'BATCH' : 'STREAMING',
    'execution.checkpointing.interval': spec.state.checkpoint.interval,
    ...(spec.mode === 'Batch' ? BATCH_RESTARTS : {}),
    // The operator reads how the job ended from REST and storage, then stops the JobManager itself.
    'execution.shutdown-on-application-finish': false,
    'parallelism.default': spec.job.parallelism,
    'taskmanager.numberOfTaskSlots': spec.taskManager.slots,
    'taskmanager.memory.process.size': `${mebibytes(spec.taskManager.resources.limits.memory)}m`,
    'jobmanager.memory.process.size': `${mebibytes(spec.jobManager.resources.limits.memory)}m`,
    // Ports are the system's choice; the endpoints file says which.
    'jobmanager.rpc.port': 0,
    'rest.port': 0,
    'taskmanager.data.port': 0,
  };
}

const mebibytes = (quantity: string | number): number => Math.floor(quantityValue(quantity) / MIB);

/** Arguments of Node for a JobManager: a small young generation keeps the process small; it holds no data. */
export function jobManagerNodeFlags(memory: string | number): string[] {
  return [`--max-old-space-size=${Math.max(64, Math.floor(mebibytes(memory) * 0.6))}`, '--max-semi-space-size=2'];
}

/** Arguments of Node for a TaskManager: columns live in buffers outside the heap, so the heap gets less than half. */
export function taskManagerNodeFlags(memory: string | number): string[] {
  return [`--max-old-space-size=${Math.floor(mebibytes(memory) * 0.4)}`, '--max-semi-space-size=8'];
}

export function jobManagerArguments(attempt: {
  configDirectory: string;
  jobId: string;
  epoch: number;
  sqlFile: string;
  restoreFrom: string | undefined;
  allowNonRestoredState: boolean | undefined;
}): string[] {
  return [
    'jobmanager',
    '--config-dir',
    attempt.configDirectory,
    '--job-id',
    attempt.jobId,
    '--attempt-epoch',
    String(attempt.epoch),
    '--sql-file',
    attempt.sqlFile,
    ...(attempt.restoreFrom === undefined ? [] : ['--from-savepoint', attempt.restoreFrom]),
    ...(attempt.allowNonRestoredState === true ? ['--allow-non-restored-state'] : []),
  ];
}

/** `memory`: a quantity that takes the place of the one in the configuration. */
export function taskManagerArguments(configDirectory: string, resourceId: string, memory?: string): string[] {
  return [
    ...['taskmanager', '--config-dir', configDirectory, '--resource-id', resourceId],
    ...(memory === undefined ? [] : ['-D', `taskmanager.memory.process.size=${mebibytes(memory)}m`]),
  ];
}
