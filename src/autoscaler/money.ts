// What a job costs.
import type { AutoscalingConfig } from './model.ts';

const GIB = 2 ** 30;

/** One TaskManager for an hour, in the prices' currency. Null: there are no prices. */
export function taskManagerPerHour({ prices, taskManager }: AutoscalingConfig): number | null {
  if (prices === null) return null;
  return prices.corePerHour * taskManager.cores + (prices.gibPerHour * taskManager.memoryBytes) / GIB;
}

export function costPerHour(config: AutoscalingConfig, taskManagers: number | null): number | null {
  const each = taskManagerPerHour(config);
  return each === null || taskManagers === null ? null : each * taskManagers;
}
