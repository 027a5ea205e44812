// `flowjob local down`: stops the processes of all jobs, with their state kept. Status is left as it is, so the next operator finds the attempts gone on
// purpose and goes on from the newest checkpoint, without counting a failure. To be called when no operator runs.
import { setTimeout as pause } from 'node:timers/promises';
import type { ObjectKey } from '../../api/object.ts';
import { EngineClient } from '../../engine-client/engine-client.ts';
import { idOf } from '../../lifecycle/ids.ts';
import type { Store } from '../../store/port.ts';
import type { Runtime } from '../port.ts';

export interface StopJobsOptions {
  runtime: Runtime;
  store: Pick<Store, 'get'>;
  now: () => number;
  /** Milliseconds for a last checkpoint of each stream, so that little is done twice. */
  checkpointMs?: number;
}

/** Answers the names of the jobs that were stopped, when their processes are gone. */
export async function stopJobs(options: StopJobsOptions): Promise<string[]> {
  const { runtime } = options;
  const running = runtime.jobs().filter((key) => alive(runtime, key));
  // Without it nothing is lost: the attempt goes on from the checkpoint before.
  await Promise.all(running.map((key) => lastCheckpoint(key, options).catch(() => undefined)));
  for (const key of running) runtime.stopProcesses(key, Number.MAX_SAFE_INTEGER, true);
  while (running.some((key) => alive(runtime, key))) await pause(20);
  return running.map((key) => key.name);
}

const alive = (runtime: Runtime, key: ObjectKey): boolean =>
  runtime.processes(key).some((process) => process.state === 'Running');

async function lastCheckpoint(key: ObjectKey, options: StopJobsOptions): Promise<void> {
  const job = await options.store.get('FlowJob', key);
  const { attempt, state } = job?.status ?? {};
  if (attempt === undefined || state !== 'Running' || job!.spec.mode === 'Batch') return;
  const connection = await options.runtime.connection(key, attempt);
  if (connection === null) return;
  const client = new EngineClient(connection);
  const { jobId } = attempt;
  const started = options.now();
  const triggerId = idOf(jobId, 'last', started);
  await client.triggerCheckpoint(jobId, triggerId);
  while (options.now() - started < (options.checkpointMs ?? 5_000)) {
    const status = await client.checkpointStatus(jobId, triggerId);
    if (status.state === 'Completed' || status.state === 'Failed') return;
    await pause(20);
  }
}
