// One pass over one FlowJob: observe, decide, write status, act. What a pass could not do, the next one finds undone and does.
import { isDeepStrictEqual } from 'node:util';
import { FINALIZER, PAUSE_ANNOTATION, type Kind } from '../api/group.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { ObjectKey } from '../api/object.ts';
import { troubledConditions } from '../lifecycle/conditions.ts';
import { decide } from '../lifecycle/decide.ts';
import { shorten } from '../lifecycle/endings.ts';
import { timestamp } from '../lifecycle/facts.ts';
import type { DecidedEvent, Decision, SavepointDecision } from '../lifecycle/model.ts';
import { decideOrphan } from '../lifecycle/savepoints.ts';
import type { Runtime } from '../runtime/port.ts';
import type { Objects, Store } from '../store/port.ts';
import { act } from './act.ts';
import { Gatherer, type SqlCheck } from './gather.ts';

export interface ReconcilerOptions {
  store: Store;
  runtime: Runtime;
  checkSql: SqlCheck;
  /** Milliseconds since the epoch. */
  now: () => number;
  log: Log;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Milliseconds until the next look, null: only when something happens. */
export type NextLook = number | null;

/** Looks at a job that something is under way with, one that streams, a batch that runs. Milliseconds. */
const MOTION = 40;
const STEADY = 500;
const BATCH = 100;

export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly gatherer: Gatherer;

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.gatherer = new Gatherer(options.runtime, options.checkSql);
  }

  /**
   * `savepoints`: names of the FlowSavepoints that are known to name the job. `troubled`: passes have failed and the conditions say so; they stand until
   * one has carried out all that it decided.
   */
  async reconcile(key: ObjectKey, savepoints: readonly string[], troubled = false): Promise<NextLook> {
    const found = await this.options.store.get('FlowJob', key);
    if (found === null) return this.clearAway(key, await this.savepoints(key, savepoints));

    const paused = found.metadata.annotations?.[PAUSE_ANNOTATION] === 'true';
    const objects = paused ? [] : await this.savepoints(key, savepoints);
    const job = paused ? found : await this.ensureFinalizer('FlowJob', found);
    const observation = await this.gatherer.observe(job, objects, this.options.now());
    const decision = decide({ job, savepoints: objects, observation, now: this.options.now() });
    const before = job.status?.state;
    const held = troubled && decision.actions.length > 0 ? job.status?.conditions : undefined;
    const status = held === undefined ? decision.status : { ...decision.status, conditions: held };
    const { object: written, changed } = await this.writeStatus('FlowJob', job, status);
    if (written.status?.state !== before)
      this.options.log.info({ job: key.name, from: before, to: written.status?.state }, 'state changed');
    const savepointsChanged = await this.writeSavepoints(objects, decision.savepoints);
    await this.report(decision.events, written, objects);
    for (const action of decision.actions) {
      this.options.log.info({ job: key.name, action }, 'acting');
      await act(action, written, this.options.runtime, await this.gatherer.client(written));
    }
    const told =
      held === undefined ? { object: written, changed } : await this.writeStatus('FlowJob', written, decision.status);
    await this.release(told.object, objects, decision);
    return changed || told.changed || savepointsChanged ? 0 : this.nextLook(written, decision);
  }

  /** Puts on record that passes over a job fail: in its conditions and as an event. Writes nothing of a job that is gone or paused. */
  async tellTrouble(key: ObjectKey, message: string): Promise<void> {
    const job = await this.options.store.get('FlowJob', key);
    if (job === null || job.metadata.annotations?.[PAUSE_ANNOTATION] === 'true') return;
    const status = job.status ?? { observedGeneration: -1, conditions: [] };
    const stamp = { generation: job.metadata.generation, now: timestamp(this.options.now()) };
    const conditions = troubledConditions(status.conditions, shorten(message), stamp);
    const { object } = await this.writeStatus('FlowJob', job, { ...status, conditions });
    await this.report([{ savepoint: null, type: 'Warning', reason: 'OperatorError', message }], object, []);
  }

  private nextLook(job: FlowJob, decision: Decision): NextLook {
    const looks: number[] = [];
    if (decision.requeueAt !== null) looks.push(Math.max(1, decision.requeueAt - this.options.now()));
    if (decision.inMotion || decision.actions.length > 0) looks.push(MOTION);
    if (job.status?.state === 'Running' && decision.status.conditions.every((x) => x.type !== 'Paused'))
      looks.push(job.spec.mode === 'Batch' ? BATCH : STEADY);
    return looks.length === 0 ? null : Math.min(...looks);
  }

  /** A job whose object is gone: nothing of it may run on. FlowSavepoints stay, those that wait for it fail. */
  private async clearAway(key: ObjectKey, savepoints: readonly FlowSavepoint[]): Promise<NextLook> {
    const { runtime, now } = this.options;
    for (const savepoint of savepoints) {
      const outcome = decideOrphan(savepoint, now());
      await this.writeSavepoints([savepoint], [outcome.decision]);
      for (const action of outcome.actions)
        if (action.kind === 'DisposeSavepoint')
          await runtime.disposeSavepoint({ key, storage: undefined }, action.path);
      if (outcome.decision.finalizer === 'remove') await this.removeFinalizer('FlowSavepoint', savepoint);
    }
    if (runtime.processes(key).some((process) => process.state === 'Running')) {
      runtime.stopProcesses(key, Number.MAX_SAFE_INTEGER, true);
      return MOTION;
    }
    await runtime.forget(key);
    return null;
  }

  private async savepoints(key: ObjectKey, names: readonly string[]): Promise<FlowSavepoint[]> {
    const found: FlowSavepoint[] = [];
    for (const name of names) {
      const savepoint = await this.options.store.get('FlowSavepoint', { namespace: key.namespace, name });
      if (savepoint?.spec.jobRef.name === key.name) found.push(await this.ensureFinalizer('FlowSavepoint', savepoint));
    }
    return found;
  }

  /** Before anything exists that would have to be cleaned up. */
  private async ensureFinalizer<K extends Kind>(_kind: K, object: Objects[K]): Promise<Objects[K]> {
    const { metadata } = object;
    if (metadata.deletionTimestamp !== undefined || metadata.finalizers?.includes(FINALIZER) === true) return object;
    const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
    return this.options.store.update<K>({ ...object, metadata: { ...metadata, finalizers } });
  }

  private async removeFinalizer<K extends Kind>(kind: K, object: Objects[K]): Promise<void> {
    const current = await this.options.store.get<K>(kind, object.metadata);
    if (current?.metadata.finalizers?.includes(FINALIZER) !== true) return;
    const finalizers = current.metadata.finalizers.filter((finalizer) => finalizer !== FINALIZER);
    await this.options.store.update<K>({ ...current, metadata: { ...current.metadata, finalizers } });
  }

  private async writeStatus<K extends Kind>(
    _kind: K,
    object: Objects[K],
    status: NonNullable<Objects[K]['status']>,
  ): Promise<{ object: Objects[K]; changed: boolean }> {
    if (isDeepStrictEqual(object.status, status)) return { object, changed: false };
    return { object: await this.options.store.updateStatus<K>({ ...object, status }), changed: true };
  }

  /** After the job's own status: a savepoint that is complete is the job's newest before it is reported complete. */
  private async writeSavepoints(
    savepoints: readonly FlowSavepoint[],
    decisions: readonly SavepointDecision[],
  ): Promise<boolean> {
    let any = false;
    for (const { name, status } of decisions) {
      const savepoint = savepoints.find((s) => s.metadata.name === name);
      if (savepoint === undefined) continue;
      const { changed } = await this.writeStatus('FlowSavepoint', savepoint, status);
      any ||= changed;
    }
    return any;
  }

  private async release(job: FlowJob, savepoints: readonly FlowSavepoint[], decision: Decision): Promise<void> {
    for (const { name, finalizer } of decision.savepoints) {
      const savepoint = savepoints.find((s) => s.metadata.name === name);
      if (finalizer === 'remove' && savepoint !== undefined) await this.removeFinalizer('FlowSavepoint', savepoint);
    }
    if (decision.finalizer === 'keep') return;
    await this.options.runtime.forget(job.metadata);
    await this.removeFinalizer('FlowJob', job);
  }

  private async report(
    events: readonly DecidedEvent[],
    job: FlowJob,
    savepoints: readonly FlowSavepoint[],
  ): Promise<void> {
    for (const { savepoint: name, type, reason, message } of events) {
      const object = name === null ? job : savepoints.find((s) => s.metadata.name === name);
      if (object === undefined) continue;
      const { namespace, uid } = object.metadata;
      const regarding = { kind: object.kind, namespace, name: object.metadata.name, uid };
      await this.options.store.recordEvent({ regarding, type, reason, message: message.slice(0, 1024) });
    }
  }
}
