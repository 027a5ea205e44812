// What the scenarios need of an engine: one job at a time, and TaskManagers that come and are killed.
import { setTimeout as delay } from 'node:timers/promises';
import { until, type RunningJob } from './job.ts';
import type { OutputProbe } from './output-probe.ts';

export interface StateCluster {
  readonly output: OutputProbe;
  /** On one TaskManager, from a savepoint or empty. Resolves when every task runs. */
  startJob(sql: string, fromSavepoint: string | null): Promise<RunningJob>;
  /** Starts one more TaskManager and returns at once. */
  launchTaskManager(): void;
  /** Waits until so many have registered. */
  registered(count: number): Promise<void>;
  /** SIGKILL to the TaskManager that has run the longest. */
  killTaskManager(): void;
  /** After the job has ended. */
  endJob(): Promise<void>;
  stop(): Promise<void>;
}

/** Waits until `count` TaskManagers have registered with the JobManager at `rest`, and none that is gone is still listed. */
export async function registeredAt(rest: string, count: number): Promise<void> {
  await until(`${count} TaskManagers`, 90, async () => {
    const response = await fetch(`${rest}/taskmanagers`).catch(() => null);
    if (response?.ok !== true) return null;
    const { taskmanagers } = (await response.json()) as { taskmanagers: unknown[] };
    return taskmanagers.length === count ? true : null;
  });
}

/** Lets what a measurement left behind (write-back, garbage) pass before the next one. */
export async function settle(): Promise<void> {
  await delay(500);
}
