// How long to wait before the next try: none the first time, then doubling. The moment stands in status, so a restarted operator keeps to it.

/** An attempt that was healthy and is at least this old counts as a success: the next loss starts from zero. Milliseconds. */
export const RESET_AFTER = 60_000;

/** Milliseconds to wait before attempt number `restarts + 1` of a run; `restarts` counts lost attempts in a row, from 1. */
export function recoveryDelay(restarts: number): number {
  return restarts <= 1 ? 0 : Math.min(30_000, 250 * 2 ** (restarts - 2));
}

/** Milliseconds before a process that ended by itself is started again within its attempt. */
export function processDelay(restarts: number): number {
  return restarts <= 2 ? 0 : Math.min(30_000, 500 * 2 ** (restarts - 3));
}

/** Milliseconds before an operation of the engine that failed is asked for again. */
export function operationDelay(failures: number): number {
  return Math.min(30_000, 200 * 2 ** (failures - 1));
}

/** Milliseconds that a running JobManager may stay silent before it counts as lost. */
export const SILENCE_LIMIT = 30_000;

/** The same while its attempt has not proven itself: starting takes long on a busy machine, and to start again then would only keep it busy. */
export const START_LIMIT = 180_000;

/** Milliseconds of silence that are no news. */
export const SILENCE_TOLD = 10_000;

/** Milliseconds that an engine gets to cancel a job before its processes are stopped anyway. */
export const CANCEL_LIMIT = 3_000;
