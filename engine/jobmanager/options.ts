// The coordinator's options from the configuration, under Flink's names.
import { EngineError } from '../errors.ts';
import type { EngineConfig } from '../config.ts';
import type { CheckpointRetention, CoordinatorOptions } from './coordinator/messages.ts';
import type { RescaleOptions } from '../rest/gateway.ts';
import type { RestartStrategyOptions } from './coordinator/restart-strategy.ts';

const RETENTION = 'execution.checkpointing.externalized-checkpoint-retention';
const RETENTIONS: readonly CheckpointRetention[] = [
  'RETAIN_ON_CANCELLATION',
  'DELETE_ON_CANCELLATION',
  'NO_EXTERNALIZED_CHECKPOINTS',
];

function retention(config: EngineConfig): CheckpointRetention {
  const value = config.get(RETENTION);
  const found = RETENTIONS.find((name) => name === value.toUpperCase());
  if (found !== undefined) return found;
  throw new EngineError('CONFIG_INVALID', `${RETENTION}: "${value}" does not exist`, {
    hint: `write ${RETENTIONS.join(', ')}`,
  });
}

export function checkpointingOptions(config: EngineConfig): CoordinatorOptions['checkpointing'] {
  return {
    interval: config.duration('execution.checkpointing.interval'),
    timeout: config.duration('execution.checkpointing.timeout'),
    minPause: config.duration('execution.checkpointing.min-pause'),
    retained: config.integer('execution.checkpointing.num-retained'),
    tolerableFailed: config.integer('execution.checkpointing.tolerable-failed-checkpoints'),
    retention: retention(config),
  };
}

/** Flink's `jobmanager.adaptive-scheduler.*`, with shorter waits as defaults: a checkpoint is taken for a rescaling, not waited for. */
export function rescaleOptions(config: EngineConfig): RescaleOptions {
  const key = (name: string): string => `jobmanager.adaptive-scheduler.${name}`;
  const wait = key('submission.resource-wait-timeout');
  const delay = key('rescale-trigger.max-delay');
  const maxCheckpointFailures = config.integer(key('rescale-trigger.max-checkpoint-failures'));
  const interval = config.duration('execution.checkpointing.interval');
  return {
    submissionResourceWait: config.get(wait) === '-1' ? null : config.duration(wait),
    submissionResourceStabilization: config.duration(key('submission.resource-stabilization-timeout')),
    cooldown: config.duration(key('executing.cooldown-after-rescaling')),
    executingResourceStabilization: config.duration(key('executing.resource-stabilization-timeout')),
    maxTriggerDelay:
      config.get(delay) === '' ? Math.max(10_000, (maxCheckpointFailures + 1) * interval) : config.duration(delay),
    maxCheckpointFailures,
    historySize: config.integer('web.adaptive-scheduler.rescale-history.size'),
  };
}

/** Flink's names, with its short forms (`fixeddelay`, `off`). */
export function restartOptions(config: EngineConfig): RestartStrategyOptions {
  const type = config.get('restart-strategy.type').toLowerCase();
  const key = (name: string): string => `restart-strategy.${name}`;
  switch (type) {
    case 'none':
    case 'off':
    case 'disable':
      return { type: 'none' };
    case 'fixed-delay':
    case 'fixeddelay':
      return {
        type: 'fixed-delay',
        attempts: config.integer(key('fixed-delay.attempts')),
        delay: config.duration(key('fixed-delay.delay')),
      };
    case 'failure-rate':
    case 'failurerate':
      return {
        type: 'failure-rate',
        maxFailures: config.integer(key('failure-rate.max-failures-per-interval')),
        interval: config.duration(key('failure-rate.failure-rate-interval')),
        delay: config.duration(key('failure-rate.delay')),
      };
    case 'exponential-delay':
    case 'exponentialdelay':
      return {
        type: 'exponential-delay',
        initialBackoff: config.duration(key('exponential-delay.initial-backoff')),
        maxBackoff: config.duration(key('exponential-delay.max-backoff')),
        multiplier: config.number(key('exponential-delay.backoff-multiplier')),
        jitterFactor: config.number(key('exponential-delay.jitter-factor')),
        resetThreshold: config.duration(key('exponential-delay.reset-backoff-threshold')),
        attempts: config.integer(key('exponential-delay.attempts-before-reset-backoff')),
      };
    default:
      throw new EngineError(
        'CONFIG_INVALID',
        `restart-strategy.type: "${config.get('restart-strategy.type')}" is not a strategy`,
        {
          hint: 'write exponential-delay, fixed-delay, failure-rate or none',
        },
      );
  }
}
