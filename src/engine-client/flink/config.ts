// The configuration of one attempt's Flink cluster. What the spec says in fields of its own is written as Flink's keys here; what users add in
// engine.config comes under it.
import { durationMs, quantityValue } from '../../api/schema-kit.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { taskManagerMemory } from './memory.ts';
import { ELASTIC } from './elastic.ts';
import { pythonConfig } from './python.ts';
import { s3Config, s3Defaults } from './s3-config.ts';
import { VERSIONS } from './versions.ts';

export interface FlinkPaths {
  /** Root of the job's state, a URI. */
  state: string;
  temporary: string;
}

export const FLINK_PORTS = { rest: 8081, rpc: 6123, blob: 6124, taskManagerRpc: 6122, data: 6121 } as const;

/** Below the root of the job's state. */
export const FLINK_FOLDERS = { checkpoints: 'checkpoints', savepoints: 'savepoints', plans: 'plans' } as const;

/** A batch run that fails again and again is soon given up: how often the whole is tried is for backoffLimit to say. */
const BATCH_RESTARTS = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '3',
  'restart-strategy.fixed-delay.delay': '1 s',
} as const;

/** Milliseconds between checkpoints while a source says that it reads a backlog. A failure costs the backlog since the last one. */
const DURING_BACKLOG = 300_000;

/** FLIP-309; Flink refuses an interval below that of other checkpoints. What FLIP-327 would add, Flink has not. */
const backlog = (interval: string): Record<string, string> => ({
  'execution.checkpointing.interval-during-backlog': `${Math.max(DURING_BACKLOG, durationMs(interval))} ms`,
});

/** What a user may say otherwise. */
export const PROCESS_DEFAULTS = {
  // REST answers from a cache that is 3 s old by default.
  'web.refresh-interval': '200 ms',
  // A TaskManager that comes before the JobManager answers tries again soon.
  'cluster.registration.error-delay': '500 ms',
} as const;

/** The same of one job, wherever it runs. */
export const jobDefaults = ({ mode, state }: Pick<ResolvedFlowJobSpec, 'mode' | 'state'>): Record<string, string> => ({
  'execution.checkpointing.num-retained': '2',
  ...(mode === 'Batch' ? BATCH_RESTARTS : {}),
  ...(mode === 'Automatic' ? backlog(state.checkpoint.interval) : {}),
});

function defaults(spec: ResolvedFlowJobSpec, temporary: string): Record<string, string> {
  const { engine, job, mode, state } = spec;
  return {
    ...s3Defaults(state.storage),
    ...PROCESS_DEFAULTS,
    ...jobDefaults(spec),
    ...(mode === 'Batch' ? {} : ELASTIC),
    ...VERSIONS[engine.version!].rescaling,
    ...pythonConfig(job, temporary),
  };
}

/** What the processes are made from, of a FlowJob or of a FlowCluster. */
export interface ProcessSpec {
  engine: { config?: Readonly<Record<string, string>> };
  jobManager: { resources: { limits: { memory: string | number } } };
  taskManager: {
    slots: number;
    resources: {
      limits: { cpu?: string | number; memory: string | number };
      requests?: { cpu?: string | number };
    };
  };
}

/** Where processes listen, and what they are given. */
export function processConfig({ jobManager, taskManager }: ProcessSpec, temporary: string): Record<string, string> {
  return {
    'taskmanager.numberOfTaskSlots': String(taskManager.slots),
    'jobmanager.bind-host': '0.0.0.0',
    'jobmanager.rpc.port': String(FLINK_PORTS.rpc),
    'blob.server.port': String(FLINK_PORTS.blob),
    'rest.bind-address': '0.0.0.0',
    'rest.port': String(FLINK_PORTS.rest),
    'taskmanager.bind-host': '0.0.0.0',
    'taskmanager.rpc.port': String(FLINK_PORTS.taskManagerRpc),
    'taskmanager.data.port': String(FLINK_PORTS.data),
    'jobmanager.memory.process.size': String(Math.floor(quantityValue(jobManager.resources.limits.memory))),
    'io.tmp.dirs': temporary,
  };
}

/** `config.yaml` of one attempt. */
export function flinkConfig(name: string, spec: ResolvedFlowJobSpec, paths: FlinkPaths): Record<string, string> {
  const { engine, job, state } = spec;
  return {
    ...defaults(spec, paths.temporary),
    ...engine.config,
    ...s3Config(state.storage),
    'pipeline.name': name,
    'parallelism.default': String(job.parallelism),
    ...modeConfig(spec, paths.state),
    // Options of tables, which may name passwords, are in the text and not in its plan; their columns are, and have to be the same when it is run.
    ...(job.sql?.plan === 'Compiled' ? { 'table.plan.compile.catalog-objects': 'SCHEMA' } : {}),
    // The operator reads how the job ended from REST, then stops the JobManager itself.
    'execution.shutdown-on-application-finish': 'false',
    // Seconds, 200 days: whenever the operator looks, the JobManager knows how its job ended. An hour is Flink's own. The timers of Pekko, which a session sets one of
    // for that, end at 2^31 ticks of 10 ms, 248 days: with more its JobManager does not start.
    'jobstore.expiration-time': '17280000',
    // A program that fails before it has a job leaves one that has failed, with the cause: versions that tell of programs need none.
    ...(VERSIONS[engine.version!].applications ? {} : { 'execution.submit-failed-job-on-application-error': 'true' }),
    // Each cluster runs its one job and nobody else's.
    'web.submit.enable': 'false',
    ...processConfig(spec, paths.temporary),
  };
}

/** `root`: of the job's state, a URI. */
export const modeConfig = (
  { mode, state }: Pick<ResolvedFlowJobSpec, 'mode' | 'state'>,
  root: string,
): Record<string, string> => ({
  'execution.runtime-mode': mode === 'Batch' ? 'BATCH' : 'STREAMING',
  ...(mode === 'Batch' ? {} : checkpoints(state.checkpoint.interval, root)),
});

function checkpoints(interval: string, root: string): Record<string, string> {
  return {
    'execution.checkpointing.interval': `${durationMs(interval)} ms`,
    'execution.checkpointing.dir': `${root}/${FLINK_FOLDERS.checkpoints}`,
    'execution.checkpointing.savepoint-dir': `${root}/${FLINK_FOLDERS.savepoints}`,
    // The newest is where the job goes on from when its JobManager is lost.
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  };
}

/** How a TaskManager of `bytes` divides its memory, as the keys that TaskManagerRunner asks for. Throws RangeError when it is too little. */
export function taskManagerMemoryConfig(bytes: number, { engine, taskManager }: ProcessSpec): Record<string, string> {
  const m = taskManagerMemory(bytes, engine.config ?? {});
  const { cpu } = { ...taskManager.resources.requests, ...taskManager.resources.limits };
  return {
    'taskmanager.cpu.cores': (cpu === undefined ? taskManager.slots : quantityValue(cpu)).toFixed(3),
    'taskmanager.memory.framework.heap.size': `${m.frameworkHeap}b`,
    'taskmanager.memory.framework.off-heap.size': `${m.frameworkOffHeap}b`,
    'taskmanager.memory.task.heap.size': `${m.taskHeap}b`,
    'taskmanager.memory.task.off-heap.size': `${m.taskOffHeap}b`,
    'taskmanager.memory.network.min': `${m.network}b`,
    'taskmanager.memory.network.max': `${m.network}b`,
    'taskmanager.memory.managed.size': `${m.managed}b`,
    'taskmanager.memory.jvm-metaspace.size': `${m.metaspace}b`,
    'taskmanager.memory.jvm-overhead.min': `${m.overhead}b`,
    'taskmanager.memory.jvm-overhead.max': `${m.overhead}b`,
  };
}
