// The loop around a reconcile function. What it is given is a key and nothing about what happened: it looks at the world as it is, does one thing about it,
// and says how to go on. It may be called at any time and any number of times for the same key, never twice at once. It must not rely on having seen
// every change: between two calls there may have been a hundred, or the operator may have been away.
import { ApiError, KubeError } from '../errors.ts';
import type { BackOff } from '../back-off.ts';
import type { Metrics } from '../metrics.ts';
import type { Clock, Random } from '../time.ts';
import { WorkQueue } from './work-queue.ts';

/**
 * `done`: nothing to do until something changes. `requeueAfter`: look again after `ms`, whatever happens; this is no failure. `terminal`: trying again does
 * not help until something changes. A reconcile that throws failed: it is called again after the key's back-off.
 */
export type Result = { kind: 'done' } | { kind: 'requeueAfter'; ms: number } | { kind: 'terminal'; error: unknown };

export const done: Result = { kind: 'done' };
export const requeueAfter = (ms: number): Result => ({ kind: 'requeueAfter', ms });
export const terminal = (error: unknown): Result => ({ kind: 'terminal', error });

export interface ControllerOptions {
  name: string;
  /** `signal` aborts when the pass took too long, or when nothing may be written any more: pass it on to every call, and end. */
  reconcile: (key: string, signal: AbortSignal) => Promise<Result>;
  /** Keys that are worked on at once. */
  workers: number;
  /** For one pass, milliseconds. Default: none. */
  timeoutMs?: number;
  clock: Clock;
  random: Random;
  backOff?: BackOff;
  /** A pass failed; `failures` in a row with this one. It is called again by itself unless the error is terminal. */
  onError: (key: string, error: unknown, failures: number) => void;
  metrics?: Metrics | undefined;
}

export class Controller {
  readonly queue: WorkQueue;
  private readonly options: ControllerOptions;
  private readonly abort = new AbortController();
  private active = 0;

  constructor(options: ControllerOptions) {
    this.options = options;
    this.queue = new WorkQueue(options);
  }

  /**
   * Works until `stop` aborts, then answers when no pass is under way. `lost` (leadership) aborts the passes themselves. Keys can be added before: caches
   * want to be synced when the first pass begins.
   */
  async run({ stop, lost }: { stop: AbortSignal; lost?: AbortSignal }): Promise<void> {
    const ended = AbortSignal.any([stop, ...(lost === undefined ? [] : [lost])]);
    const abort = (): void => this.abort.abort(lost?.reason);
    if (lost?.aborted === true) abort();
    else lost?.addEventListener('abort', abort, { once: true });
    if (!ended.aborted) {
      this.queue.onReady(() => this.takeWork());
      await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
    }
    await this.queue.close();
    lost?.removeEventListener('abort', abort);
  }

  private takeWork(): void {
    while (this.active < this.options.workers) {
      const key = this.queue.take();
      if (key === undefined) return;
      this.setActive(1);
      void this.pass(key).finally(() => {
        this.setActive(-1);
        this.queue.done(key);
        this.takeWork();
      });
    }
  }

  private async pass(key: string): Promise<void> {
    const { name, clock, timeoutMs, reconcile, onError, metrics } = this.options;
    const begun = clock.monotonic();
    const tooLong = new AbortController();
    const cancel =
      timeoutMs === undefined
        ? undefined
        : clock.after(timeoutMs, () => {
            tooLong.abort(
              new KubeError('DEADLINE', `${name}: a pass over ${key} took longer than ${timeoutMs / 1000} s`),
            );
          });
    const seconds = (): number => (clock.monotonic() - begun) / 1000;
    try {
      const result = await reconcile(key, AbortSignal.any([tooLong.signal, this.abort.signal]));
      this.queue.forget(key);
      switch (result.kind) {
        case 'done':
          metrics?.reconciled?.(name, 'success', seconds());
          break;
        case 'requeueAfter':
          metrics?.reconciled?.(name, 'requeue_after', seconds());
          this.queue.addAfter(key, result.ms);
          break;
        case 'terminal':
          metrics?.reconciled?.(name, 'terminal', seconds());
          onError(key, result.error, 1);
          break;
      }
    } catch (error) {
      metrics?.reconciled?.(name, 'error', seconds());
      this.queue.addRateLimited(key, error instanceof ApiError ? error.retryAfter : undefined);
      onError(key, error, this.queue.failures(key));
    } finally {
      cancel?.();
    }
  }

  private setActive(by: 1 | -1): void {
    this.active += by;
    this.options.metrics?.activeWorkers?.(this.options.name, this.active);
  }
}
