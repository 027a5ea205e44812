// What JobManagers say of their checkpoints, asked every few seconds, for metrics. Beside the passes: no pass waits for it, and nothing of it is decided upon.
import type { FlowJob } from '../api/flowjob.ts';
import type { JobState } from '../api/status.ts';
import type { CheckpointsAnswer } from '../engine-client/answers.ts';
import { EngineClient } from '../engine-client/engine-client.ts';
import { sleep, type Clock } from '../kube/time.ts';
import type { Runtime } from '../runtime/port.ts';

export interface CheckpointSample {
  /** The last one that completed, savepoints not counted; null when none has. */
  last: { completedAt: number; durationMs: number; bytes: number } | null;
  completed: number;
  failed: number;
}

export interface CheckpointSamplesOptions {
  jobs: () => readonly FlowJob[];
  runtime: Pick<Runtime, 'connection'>;
  clock: Clock;
}

const EVERY = 10_000;
/** JobManagers that are asked at once. */
const AT_ONCE = 16;
/** States of a version that runs or is to run again: silence then does not make the last answer untrue. */
const KEPT: ReadonlySet<JobState | undefined> = new Set([
  'Starting',
  'Running',
  'Recovering',
  'Upgrading',
  'RollingBack',
  'Suspending',
]);

export class CheckpointSamples {
  private readonly options: CheckpointSamplesOptions;
  /** By uid of the FlowJob. */
  private readonly samples = new Map<string, CheckpointSample>();

  constructor(options: CheckpointSamplesOptions) {
    this.options = options;
  }

  of(uid: string): CheckpointSample | null {
    return this.samples.get(uid) ?? null;
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.ask(signal);
      await sleep(this.options.clock, EVERY, signal).catch(() => undefined);
    }
  }

  /** One round over all jobs. */
  async ask(signal: AbortSignal): Promise<void> {
    const jobs = this.options.jobs();
    const kept = new Set(jobs.filter(({ status }) => KEPT.has(status?.state)).map(({ metadata }) => metadata.uid));
    for (const uid of this.samples.keys()) if (!kept.has(uid)) this.samples.delete(uid);
    const waiting = jobs.filter(({ status, spec }) => status?.state === 'Running' && spec.mode !== 'Batch');
    const worker = async (): Promise<void> => {
      for (let job = waiting.shift(); job !== undefined && !signal.aborted; job = waiting.shift())
        await this.askOne(job);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async askOne({ metadata, status }: FlowJob): Promise<void> {
    const attempt = status?.attempt;
    if (attempt === undefined) return;
    try {
      const connection = await this.options.runtime.connection(metadata, attempt);
      if (connection === null) return;
      this.samples.set(metadata.uid, sampleOf(await new EngineClient(connection).checkpoints(attempt.jobId)));
    } catch {
      // The passes find out why it does not answer, and say so.
    }
  }
}

export function sampleOf({ counts, latest: { completed } }: CheckpointsAnswer): CheckpointSample {
  return {
    last:
      completed === null
        ? null
        : {
            completedAt: completed.latest_ack_timestamp,
            durationMs: completed.end_to_end_duration,
            bytes: completed.state_size,
          },
    completed: counts.completed,
    failed: counts.failed,
  };
}
