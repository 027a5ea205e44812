// Configuration of JobManager and TaskManager: Flink's option names in `config.yaml`, the same on a laptop and in a pod.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { EngineError } from './errors.ts';

/**
 * Options and their defaults. Durations are strings such as `10s`, sizes such as `512m`. Names are Flink's where Flink has one;
 * `flowjob.*` are ours.
 */
export const CONFIG_DEFAULTS: Record<string, string> = {
  'jobmanager.rpc.address': 'localhost',
  'jobmanager.rpc.port': '6123',
  'jobmanager.bind-host': '127.0.0.1',
  'rest.address': 'localhost',
  'rest.bind-address': '127.0.0.1',
  'rest.port': '8081',
  'taskmanager.bind-host': '127.0.0.1',
  'taskmanager.host': '127.0.0.1',
  'taskmanager.data.port': '0',
  'taskmanager.numberOfTaskSlots': '1',
  'taskmanager.memory.process.size': '512m',
  /** For state in memory, of all slots together. Empty: `managed.fraction` of the process. */
  'taskmanager.memory.managed.size': '',
  'taskmanager.memory.managed.fraction': '0.4',
  /** Groups of a stream's GROUP BY that were not updated for so long are gone. 0: they stay. */
  'table.exec.state.ttl': '0 ms',
  'parallelism.default': '1',
  'execution.runtime-mode': 'STREAMING',
  'execution.checkpointing.interval': '10s',
  'execution.checkpointing.timeout': '10min',
  'execution.checkpointing.min-pause': '0s',
  'execution.checkpointing.num-retained': '1',
  'execution.checkpointing.tolerable-failed-checkpoints': '0',
  /** Of a job that is canceled or fails. Or DELETE_ON_CANCELLATION, or NO_EXTERNALIZED_CHECKPOINTS, which keeps them in neither case. */
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  /** Root of all state of one FlowJob: epochs/, checkpoints/, savepoints/, outputs/, results/. A file: URI or a path. */
  'flowjob.state.dir': '',
  'io.tmp.dirs': '',
  'heartbeat.interval': '500ms',
  'heartbeat.timeout': '2s',
  /** A TaskManager with a task that has not left so long after it was told to ends. */
  'task.cancellation.timeout': '30s',
  'restart-strategy.type': 'exponential-delay',
  'restart-strategy.exponential-delay.initial-backoff': '100ms',
  'restart-strategy.exponential-delay.max-backoff': '30s',
  'restart-strategy.exponential-delay.backoff-multiplier': '2',
  'restart-strategy.exponential-delay.jitter-factor': '0.1',
  'restart-strategy.exponential-delay.reset-backoff-threshold': '1min',
  /** How many restarts in a row before the job is given up; 0, for Flink's default: never. An outage may be long. */
  'restart-strategy.exponential-delay.attempts-before-reset-backoff': '0',
  'restart-strategy.fixed-delay.attempts': '3',
  'restart-strategy.fixed-delay.delay': '1s',
  'restart-strategy.failure-rate.max-failures-per-interval': '1',
  'restart-strategy.failure-rate.failure-rate-interval': '1min',
  'restart-strategy.failure-rate.delay': '1s',
  /** How long a streaming job waits for slots without which it cannot run before it fails; -1: for ever. */
  'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': '-1',
  /** How long a job that could run waits for slots that it lacks, at its start and after a failure, before it runs with fewer. */
  'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '10s',
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '5s',
  /** How long a running job that could have more slots, but not all that it asks for, waits for the others. */
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '10s',
  /** How long the checkpoint before a rescaling may take; empty: as long as max-checkpoint-failures + 1 intervals, 10 s at least. */
  'jobmanager.adaptive-scheduler.rescale-trigger.max-delay': '',
  'jobmanager.adaptive-scheduler.rescale-trigger.max-checkpoint-failures': '2',
  'web.adaptive-scheduler.rescale-history.size': '10',
  'pipeline.name': '',
  /** The JobManager keeps answering REST after its job has ended, until DELETE /cluster. */
  'execution.shutdown-on-application-finish': 'false',
  /** File (mode 0600) with the bearer token that REST, RPC and data connections must show. Empty: no token. */
  'flowjob.token-file': '',
  /** The JobManager writes its bound addresses here (JSON, atomically); TaskManagers wait for it. With ports 0 in local mode. */
  'flowjob.endpoints-file': '',
  /** Identifies the FlowJob towards sinks, e.g. its uid. */
  'flowjob.job-key': 'job',
};

/** What the JobManager writes to `flowjob.endpoints-file`. */
export interface Endpoints {
  pid: number;
  jobId: string;
  epoch: number;
  restart: number;
  /** `http://host:port` */
  restUrl: string;
  rpcAddress: string;
  rpcPort: number;
}

export class EngineConfig {
  private readonly values: Record<string, string>;

  constructor(values: Record<string, string>) {
    this.values = { ...CONFIG_DEFAULTS, ...values };
  }

  /** Reads `config.yaml` in `directory`: a flat or nested map of scalars. */
  static load(directory: string, overrides: Record<string, string> = {}): EngineConfig {
    const parsed: unknown = parse(readFileSync(join(directory, 'config.yaml'), 'utf8')) ?? {};
    return new EngineConfig({ ...flattenConfig(parsed), ...overrides });
  }

  get(key: string): string {
    const value = this.values[key];
    if (value === undefined)
      throw new EngineError('CONFIG_UNKNOWN', `configuration option ${key} is not set and has no default`);
    return value;
  }

  integer(key: string): number {
    const value = Number(this.get(key));
    if (!Number.isInteger(value))
      throw new EngineError('CONFIG_INVALID', `${key}: "${this.get(key)}" is not a whole number`, {
        hint: `write it as digits, for example ${key}: 1`,
      });
    return value;
  }

  number(key: string): number {
    const value = Number(this.get(key));
    if (!Number.isFinite(value))
      throw new EngineError('CONFIG_INVALID', `${key}: "${this.get(key)}" is not a number`, {
        hint: `write it as digits, for example ${key}: 1.5`,
      });
    return value;
  }

  boolean(key: string): boolean {
    return this.get(key) === 'true';
  }

  /** Milliseconds. */
  duration(key: string): number {
    return parseDuration(this.get(key), key);
  }

  bytes(key: string): number {
    return parseBytes(this.get(key), key);
  }

  /** A copy in which `overrides` (the SET statements of a job) win. */
  with(overrides: Record<string, string>): EngineConfig {
    return new EngineConfig({ ...this.values, ...overrides });
  }

  entries(): [string, string][] {
    return Object.entries(this.values).sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** The units of Flink's TimeUtils, its plurals too. */
const units: Record<string, number> = {
  ms: 1,
  milli: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

/** `500ms`, `10 s`, `5min`, `1 hour`, `7 days` in milliseconds; `key` names the option in the error. */
export function parseDuration(text: string, key: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const name = match?.[2] === '' ? 'ms' : match?.[2]?.toLowerCase();
  const unit =
    name === undefined ? undefined : (units[name] ?? (name.length > 3 ? units[name.replace(/s$/, '')] : undefined));
  if (match === null || unit === undefined)
    throw new EngineError('CONFIG_INVALID', `${key}: "${text}" is not a duration`, {
      hint: 'write a number and a unit: 500ms, 10s, 5min, 1h or 7d',
    });
  return Number(match[1]) * unit;
}

const sizes: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512m`, `1g`, `1024mb`, `2gib`, or a number of bytes; in bytes. `key` names the option in the error. */
export function parseBytes(text: string, key: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b|bytes)?\s*$/i.exec(text);
  if (match === null)
    throw new EngineError('CONFIG_INVALID', `${key}: "${text}" is not a size`, {
      hint: 'write a number and a unit: 64k, 512m or 2g',
    });
  return Math.floor(Number(match[1]) * sizes[match[2]!.toLowerCase()]!);
}

/** A nested map of scalars as one with dotted keys. */
export function flattenConfig(value: unknown, prefix = ''): Record<string, string> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    const parts = Object.entries(value).map(([key, inner]) =>
      flattenConfig(inner, prefix === '' ? key : `${prefix}.${key}`),
    );
    return Object.assign({}, ...parts) as Record<string, string>;
  }
  return prefix === '' ? {} : { [prefix]: Array.isArray(value) ? value.join(';') : String(value) };
}
