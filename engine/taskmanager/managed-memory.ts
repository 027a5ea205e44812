// How much state an operator may hold in memory: Flink's managed memory, split evenly among slots and among the operators with state that share one.
import { EngineConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import type { TaskDeployment } from '../rpc/protocol.ts';

/** Bytes for each operator with state of the deployed task. Throws CONFIG_INVALID. */
export function stateBudget({ config, statefulOperators: sharers }: TaskDeployment): number {
  const options = new EngineConfig(config);
  const size = options.get('taskmanager.memory.managed.size');
  const fraction = options.number('taskmanager.memory.managed.fraction');
  if (fraction < 0 || fraction > 1)
    throw new EngineError('CONFIG_INVALID', `taskmanager.memory.managed.fraction: ${fraction} is not between 0 and 1`, {
      hint: 'write the part of the process that is for state, for example 0.4',
    });
  const managed =
    size === ''
      ? fraction * options.bytes('taskmanager.memory.process.size')
      : options.bytes('taskmanager.memory.managed.size');
  return Math.floor(managed / options.integer('taskmanager.numberOfTaskSlots') / Math.max(1, sharers));
}

/** Milliseconds, null when state lives for ever. Throws CONFIG_INVALID. */
export function stateTimeToLive(config: Record<string, string>): number | null {
  const timeToLive = new EngineConfig(config).duration('table.exec.state.ttl');
  return timeToLive === 0 ? null : timeToLive;
}
