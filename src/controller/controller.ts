// The loop of the operator: whatever happens to a job (its object, its savepoints, its processes) puts it into the queue; a pass says when to look again.
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../api/group.ts';
import type { ObjectKey } from '../api/object.ts';
import { StoreError, keyOf, type WatchEvent } from '../store/port.ts';
import { Reconciler, type ReconcilerOptions } from './reconciler.ts';
import { describeTrouble, kindOf } from './trouble.ts';
import { WorkQueue } from './work-queue.ts';

/** A pass that fails now and then is tried again and nothing more; so many in a row (1.4 s) are put on record. */
const TOLD_AFTER = 4;

export class Controller {
  private readonly options: ReconcilerOptions;
  private readonly reconciler: Reconciler;
  private readonly queue: WorkQueue;
  private readonly keys = new Map<string, ObjectKey>();
  /** By job: the names of its FlowSavepoints, as the watch tells them. */
  private readonly savepoints = new Map<string, Set<string>>();
  /** By job: passes that failed in a row, and the kinds of errors that are on record because of them. */
  private readonly troubles = new Map<string, { failures: number; told: Set<string> }>();

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
      this.troubles.delete(id);
      if (next !== null) this.queue.add(id, next);
    } catch (error) {
      // Somebody else wrote the object in between: look again, with what stands there now.
      if (error instanceof StoreError && error.reason === 'Conflict') return this.queue.add(id);
      if (error instanceof StoreError && error.reason === 'NotFound') return this.queue.add(id);
      const trouble = this.troubles.get(id) ?? { failures: 0, told: new Set() };
      this.troubles.set(id, trouble);
      trouble.failures++;
      this.options.log.error({ job: key.name, failures: trouble.failures, err: error }, 'pass failed');
      if (trouble.failures >= TOLD_AFTER) await this.tell(key, trouble.told, error);
      this.queue.add(id, Math.min(30_000, 100 * 2 ** trouble.failures));
    }
  }

  /** Once for each kind of error while passes go on failing: another try alone is no news, and not worth a write. */
  private async tell(key: ObjectKey, told: Set<string>, error: unknown): Promise<void> {
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

const idOf = (key: ObjectKey): string => `${key.namespace}/${key.name}`;
