// Attempts whose pods are up before their job. They are made like all others; what nobody must find before they take over is made then.
import type { ObjectKey } from '../../api/object.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import type { Submission } from '../../engine-client/flink/submission.ts';
import type { AttemptPlan, StartAhead } from '../port.ts';
import { originOf } from './flink-pods.ts';
import { Refusals } from './refusals.ts';
import { isSubmittable, submissionOf } from './submitted-job.ts';

export interface PreparedAttemptsOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Makes what does not run of the attempt. */
  make: (plan: AttemptPlan) => Promise<void>;
  /** Begins to end the pods of that attempt. */
  stop: (key: ObjectKey, epoch: number) => void;
  /** The job is the attempt's own from now on: its Service leads to the attempt's JobManager, and its rights are those of that one's pods alone. */
  handOver: (plan: AttemptPlan) => Promise<void>;
}

export class PreparedAttempts implements StartAhead {
  private readonly options: PreparedAttemptsOptions;
  /** Apart from those of the attempt that runs, which lacks nothing. */
  private readonly refusals: Refusals;

  constructor(options: PreparedAttemptsOptions) {
    this.options = options;
    this.refusals = new Refusals(options.now);
  }

  supports({ engine, mode, job }: ResolvedFlowJobSpec): boolean {
    const { type, version, clusterRef } = engine;
    const isSession = type === 'Flink' && version !== '1.20' && clusterRef === undefined;
    return isSession && mode !== 'Batch' && isSubmittable({ job });
  }

  async ensure(plan: AttemptPlan): Promise<void> {
    await this.refusals.during(plan.key, async () => this.options.make(plan));
  }

  refusal(key: ObjectKey): string | null {
    return this.refusals.get(key)?.reason ?? null;
  }

  drop(key: ObjectKey, epoch: number): void {
    this.refusals.forget(key);
    this.options.stop(key, epoch);
  }

  submission(plan: AttemptPlan): Submission {
    return submissionOf(plan, originOf(plan.attempt));
  }

  async takeOver(plan: AttemptPlan): Promise<void> {
    this.refusals.forget(plan.key);
    await this.options.handOver(plan);
  }

  forget(key: ObjectKey): void {
    this.refusals.forget(key);
  }
}
