// The loop of the operator: whatever happens to a job (its object, its savepoints, its processes) puts it into the queue; a pass says when to look again.
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../api/group.ts';
import type { ObjectKey } from '../api/object.ts';
import { StoreError, keyOf, type WatchEvent } from '../store/port.ts';
import { Reconciler, type ReconcilerOptions } from './reconciler.ts';
import { WorkQueue } from './work-queue.ts';

export class Controller {
  private readonly options: ReconcilerOptions;
  private readonly reconciler: Reconciler;
  private readonly queue: WorkQueue;
  private readonly keys = new Map<string, ObjectKey>();
  /** By job: the names of its FlowSavepoints, as the watch tells them. */
  private readonly savepoints = new Map<string, Set<string>>();
  /** By job: passes that failed in a row. */
  private readonly failures = new Map<string, number>();

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.reconciler = new Reconciler(options);
    this.queue = new WorkQueue((id) => this.pass(id));
  }

  /** Runs until `signal` aborts; then answers when no pass is under way. Jobs run on. */
  async run(signal: AbortSignal): Promise<void> {
    this.options.runtime.onChange((key) => this.look(key));
    // Processes whose FlowJob went while no operator ran.
    for (const key of this.options.runtime.jobs()) this.look(key);
    await Promise.all([
      this.watch('FlowSavepoint', signal, ({ type, object: { metadata, spec } }) => {
        const key = { namespace: metadata.namespace, name: spec.jobRef.name };
        const names = this.savepoints.get(idOf(key)) ?? new Set();
        if (type === 'Deleted') names.delete(metadata.name);
        else names.add(metadata.name);
        this.savepoints.set(idOf(key), names);
        this.look(key);
      }),
      this.watch('FlowJob', signal, ({ object }) => this.look(keyOf(object))),
    ]);
    await this.queue.close();
  }

  private look(key: ObjectKey): void {
    this.keys.set(idOf(key), { namespace: key.namespace, name: key.name });
    this.queue.add(idOf(key));
  }

  /** An error in one job delays that job, and no other. */
  private async pass(id: string): Promise<void> {
    const key = this.keys.get(id)!;
    try {
      const next = await this.reconciler.reconcile(key, [...(this.savepoints.get(id) ?? [])]);
      this.failures.delete(id);
      if (next !== null) this.queue.add(id, next);
    } catch (error) {
      // Somebody else wrote the object in between: look again, with what stands there now.
      if (error instanceof StoreError && error.reason === 'Conflict') return this.queue.add(id);
      if (error instanceof StoreError && error.reason === 'NotFound') return this.queue.add(id);
      const failures = (this.failures.get(id) ?? 0) + 1;
      this.failures.set(id, failures);
      this.options.log.error({ job: key.name, failures, err: error }, 'pass failed');
      this.queue.add(id, Math.min(30_000, 100 * 2 ** failures));
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

const idOf = (key: ObjectKey): string => `${key.namespace}/${key.name}`;
