// The loop of the operator: whatever happens to a job (its object, its savepoints, its processes) puts it into the queue; a pass says when to look again.
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../api/group.ts';
import { idOf, keyFrom, type ObjectKey } from '../api/object.ts';
import { systemClock } from '../../engine/clock.ts';
import { Controller as Loop, done, requeueAfter, type Result } from '../kube/queue/controller.ts';
import type { Metrics } from '../kube/metrics.ts';
import type { WorkQueue } from '../kube/queue/work-queue.ts';
import { restoreCounts } from '../lifecycle/first-start.ts';
import { StoreError, keyOf, type WatchEvent } from '../store/port.ts';
import { Readers } from './readers.ts';
import { Reconciler, type ReconcilerOptions } from './reconciler.ts';
import { describeTrouble, kindOf } from './trouble.ts';

/** A pass that fails now and then is tried again and nothing more; so many in a row (1.4 s) are put on record. */
const TOLD_AFTER = 4;

export interface ControllerOptions extends ReconcilerOptions {
  metrics?: Metrics;
}

export class Controller {
  private readonly options: ControllerOptions;
  private readonly reconciler: Reconciler;
  private readonly loop: Loop;
  /** By job: the names of its FlowSavepoints, as the watch tells them. */
  private readonly savepoints = new Map<string, Set<string>>();
  /** By ConfigMap: the jobs whose SQL stands in it. */
  private readonly readers = new Readers();
  /** By job that has not started for good: the FlowSavepoint that it is to start from. */
  private readonly restoring = new Map<string, string>();
  /** By FlowSavepoint whose deletion was asked for: its job. */
  private readonly leaving = new Map<string, ObjectKey>();
  /** By job: the kinds of errors that are on record because of passes that failed in a row. */
  private readonly told = new Map<string, Set<string>>();
  /** Nothing is begun any more. */
  private ended = false;

  constructor(options: ControllerOptions) {
    this.options = options;
    this.reconciler = new Reconciler(options);
    this.loop = new Loop({
      name: 'flowjob',
      reconcile: (id) => this.pass(id),
      // A pass mostly waits, for its own job's processes: jobs do not wait for each other.
      workers: Infinity,
      clock: systemClock,
      // One operator on one machine: nobody to keep out of step with.
      random: () => 0,
      backOff: { baseMs: 200, capMs: 30_000, jitter: 0 },
      // `pass` has put it into the log.
      onError: () => undefined,
      metrics: options.metrics,
    });
  }

  /** Of jobs that wait for a pass, and of those under way. */
  get queue(): Pick<WorkQueue, 'workingSince' | 'unfinishedWork'> {
    return this.loop.queue;
  }

  /** Runs until `signal` aborts; then answers when no pass is under way. Jobs run on. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => (this.ended = true), { once: true });
    const passes = this.loop.run({ stop: signal });
    this.options.runtime.onChange((key) => this.look(key));
    this.options.configMaps?.onChange((key) => {
      for (const reader of this.readers.of(key)) this.look(reader);
    });
    // Processes whose FlowJob went while no operator ran.
    for (const key of this.options.runtime.jobs()) this.look(key);
    await Promise.all([
      this.watch('FlowSavepoint', signal, ({ type, object: { metadata, spec } }) => {
        const key = { namespace: metadata.namespace, name: spec.jobRef.name };
        const id = idOf(metadata);
        if (type !== 'Deleted' && metadata.deletionTimestamp !== undefined) this.leaving.set(id, key);
        else this.leaving.delete(id);
        for (const [job, named] of this.restoring) if (named === id) this.look(keyFrom(job));
        const names = this.savepoints.get(idOf(key)) ?? new Set();
        if (type === 'Deleted') names.delete(metadata.name);
        else names.add(metadata.name);
        if (names.size > 0) this.savepoints.set(idOf(key), names);
        else this.savepoints.delete(idOf(key));
        this.look(key);
      }),
      this.watch('FlowJob', signal, ({ type, object }) => {
        const { metadata, spec, status } = object;
        this.readers.note(object, type === 'Deleted');
        this.look(keyOf(object));
        const name = spec.state.restore?.savepointRef?.name;
        if (type === 'Deleted' || name === undefined || !restoreCounts(status ?? {}))
          this.restoring.delete(idOf(keyOf(object)));
        else this.restoring.set(idOf(keyOf(object)), idOf({ namespace: metadata.namespace, name }));
        // It may have been what held their files.
        for (const owner of this.leaving.values()) if (owner.namespace === metadata.namespace) this.look(owner);
      }),
    ]);
    await passes;
  }

  /** A pass over the job is due. */
  wake(key: ObjectKey): void {
    this.look(key);
  }

  private look(key: ObjectKey): void {
    this.loop.queue.add(idOf(key));
  }

  /** An error in one job delays that job, and no other. */
  private async pass(id: string): Promise<Result> {
    const key = keyFrom(id);
    try {
      const troubled = (this.told.get(id)?.size ?? 0) > 0;
      const next = await this.reconciler.reconcile(key, [...(this.savepoints.get(id) ?? [])], troubled);
      this.told.delete(id);
      return next === null ? done : requeueAfter(next);
    } catch (error) {
      // What could not be waited for, or may not be done any more: the next operator does it.
      if (this.ended) {
        this.options.log.info({ job: key.name, err: error }, 'a pass ended with the operator');
        return done;
      }
      const failures = this.loop.queue.failures(id) + 1;
      // Somebody else wrote the object in between. The watch tells of it and has the job looked at at once; until it does, what is known here is old, and another
      // pass would end the same way: hence the back-off.
      if (error instanceof StoreError && (error.reason === 'Conflict' || error.reason === 'NotFound')) {
        if (failures >= TOLD_AFTER)
          this.options.log.warn({ job: key.name, failures, err: error }, 'what is known of the job is old');
        throw error;
      }
      this.options.log.error({ job: key.name, failures, err: error }, 'pass failed');
      if (failures >= TOLD_AFTER) await this.tell(id, error);
      throw error;
    }
  }

  /** Once for each kind of error while passes go on failing: another try alone is no news, and not worth a write. */
  private async tell(id: string, error: unknown): Promise<void> {
    const key = keyFrom(id);
    const told = this.told.get(id) ?? new Set();
    this.told.set(id, told);
    const kind = kindOf(error);
    if (told.has(kind)) return;
    try {
      await this.reconciler.tellTrouble(key, `The operator goes on trying. ${describeTrouble(error)}`);
      told.add(kind);
    } catch (failure) {
      // The folder of the objects may be what fails: then the log is all there is, and the next try tells.
      this.options.log.error({ job: key.name, err: failure }, 'the trouble could not be put on record');
    }
  }

  private async watch<K extends Kind>(
    kind: K,
    signal: AbortSignal,
    changed: (event: WatchEvent<K>) => void,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of this.options.store.watch(kind, { signal })) changed(event);
      } catch (error) {
        if (signal.aborted) return;
        this.options.log.warn({ kind, err: error }, 'watch broke off; it starts again');
        await pause(200);
      }
    }
  }
}
