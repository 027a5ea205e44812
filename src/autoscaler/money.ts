// What a job costs, and what it has cost.
import type { AutoscalingConfig, KeptCost, Time } from './model.ts';

const GIB = 2 ** 30;
const HOUR_MS = 3_600_000;

/** One TaskManager for an hour, in the prices' currency. Null: there are no prices. */
export function taskManagerPerHour({ prices, taskManager }: AutoscalingConfig): number | null {
  if (prices === null) return null;
  return prices.corePerHour * taskManager.cores + (prices.gibPerHour * taskManager.memoryBytes) / GIB;
}

export function costPerHour(config: AutoscalingConfig, taskManagers: number | null): number | null {
  const each = taskManagerPerHour(config);
  return each === null || taskManagers === null ? null : each * taskManagers;
}

/**
 * The bill with what the job costs from now on. The same object as long as that stays the same. `perHour` null: there are no prices; what was reckoned
 * stands. Sums of two currencies are not added up: another one begins anew.
 */
export function billed(bill: KeptCost | null, perHour: number | null, currency: string, now: Time): KeptCost | null {
  if (bill === null || (perHour !== null && bill.currency !== currency))
    return perHour === null ? null : { since: now, total: 0, currency, perHour, until: now };
  const next = perHour ?? 0;
  return next === bill.perHour ? bill : { ...bill, total: costBy(bill, now), perHour: next, until: now };
}

/** What the job has cost by `at`. */
export const costBy = ({ total, perHour, until }: KeptCost, at: Time): number =>
  total + (perHour * Math.max(0, at - until)) / HOUR_MS;
