// The loop of the operator: whatever happens to a job (its object, its savepoints, its processes) puts it into the queue; a pass says when to look again.
import type { Kind } from '../api/group.ts';
import { idOf, keyFrom, type ObjectKey } from '../api/object.ts';
import { systemClock } from '../../engine/clock.ts';
import { Controller as Loop, done, requeueAfter, type Result } from '../kube/queue/controller.ts';
import type { Metrics } from '../kube/metrics.ts';
import type { WorkQueue } from '../kube/queue/work-queue.ts';
import { restoreCounts } from '../lifecycle/first-start.ts';
import { keyOf, type WatchEvent } from '../store/port.ts';
import { Readers } from './readers.ts';
import { Reconciler, type ReconcilerOptions } from './reconciler.ts';
import { Troubles } from './troubles.ts';
import { watchOn } from './watch-on.ts';

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
  private readonly troubles: Troubles;

  constructor(options: ControllerOptions) {
    this.options = options;
    this.reconciler = new Reconciler(options);
    this.troubles = new Troubles({
      log: options.log,
      what: 'job',
      failures: (id) => this.loop.queue.failures(id),
      record: (key, message) => this.reconciler.tellTrouble(key, message),
    });
    this.loop = new Loop({
      name: 'flowjob',
      reconcile: (id) => this.pass(id),
      // A pass mostly waits, for its own job's processes: jobs do not wait for each other.
      workers: Infinity,
      clock: systemClock,
      // One operator on one machine: nobody to keep out of step with.
      random: () => 0,
      backOff: { baseMs: 200, capMs: 30_000, jitter: 0 },
      // `troubles` have put it into the log.
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
    signal.addEventListener('abort', () => this.troubles.end(), { once: true });
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
    const savepoints = [...(this.savepoints.get(id) ?? [])];
    const next = await this.troubles.over(id, (troubled) =>
      this.reconciler.reconcile(keyFrom(id), savepoints, troubled),
    );
    return next === null ? done : requeueAfter(next);
  }

  private watch<K extends Kind>(kind: K, signal: AbortSignal, changed: (event: WatchEvent<K>) => void): Promise<void> {
    return watchOn(kind, { store: this.options.store, signal, log: this.options.log }, changed);
  }
}
