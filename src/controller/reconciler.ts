// One pass over one FlowJob: observe, decide, write status, act. What a pass could not do, the next one finds undone and does.
import { isDeepStrictEqual } from 'node:util';
import { PAUSE_ANNOTATION, type Kind } from '../api/group.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { idOf, type ObjectKey } from '../api/object.ts';
import { shorten, troubledConditions } from '../lifecycle/conditions.ts';
import { decide } from '../lifecycle/decide.ts';
import { timestamp } from '../lifecycle/facts.ts';
import type { Action, DecidedEvent, Decision, SavepointDecision } from '../lifecycle/model.ts';
import { restoreCounts, wouldStartFrom } from '../lifecycle/first-start.ts';
import { decideOrphan } from '../lifecycle/savepoints.ts';
import type { Runtime } from '../runtime/port.ts';
import type { Objects, Store } from '../store/port.ts';
import { act } from './act.ts';
import { actOnObjects, isObjectAction } from './act-on-objects.ts';
import type { ConfigMaps } from './config-maps.ts';
import { ensureFinalizer, removeFinalizer } from './finalizers.ts';
import { Gatherer, type GathererOptions, type SqlCheck } from './gather.ts';
import type { Log } from './log.ts';
import { planOf, runOf } from './submissions.ts';
import { RevisionKeeper, type RevisionStore } from './revisions.ts';

export interface ReconcilerOptions {
  store: Store;
  runtime: Runtime;
  checkSql: SqlCheck;
  /** Absent where there are none: on one machine. */
  configMaps?: ConfigMaps | undefined;
  autoscaler?: GathererOptions['autoscaler'];
  clusters?: GathererOptions['clusters'];
  /** Where accepted versions are kept. */
  revisions: RevisionStore;
  /** Throws once this process may do nothing any more. Asked before each action: not all of them go through the store, which has a guard of its own. */
  mayAct?: (() => void) | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
  log: Log;
}

/** Milliseconds until the next look, null: only when something happens. */
export type NextLook = number | null;

/** Looks at a job that something is under way with, one that streams, a batch that runs. Milliseconds. */
const MOTION = 40;
const STEADY = 500;
const BATCH = 100;
/** Of a thousand jobs each is looked at less often: so many milliseconds of the interval for each that runs, a hundred looks a second in all. */
const SHARE = 10;

export class Reconciler {
  private readonly options: ReconcilerOptions;
  private readonly gatherer: Gatherer;
  /** By key: uid of the job that was let go last. A cache may go on showing it for a moment, and nothing may be made for it any more. */
  private readonly released = new Map<string, string>();
  /** Keys of the jobs that run and are looked at again and again. */
  private readonly running = new Set<string>();
  /** By job: what the pass before did. Many actions are asked for anew until they have had their effect; that they go on is no news. */
  private readonly underWay = new Map<string, ReadonlySet<string>>();
  private readonly revisions: RevisionKeeper;

  constructor(options: ReconcilerOptions) {
    this.options = options;
    this.gatherer = new Gatherer(options);
    this.revisions = new RevisionKeeper(options.revisions);
  }

  /**
   * `savepoints`: names of the FlowSavepoints that are known to name the job. `troubled`: passes have failed and the conditions say so; they stand until
   * one has carried out all that it decided.
   */
  async reconcile(key: ObjectKey, savepoints: readonly string[], troubled = false): Promise<NextLook> {
    const found = await this.options.store.get('FlowJob', key);
    this.running.delete(idOf(key));
    if (found === null) this.released.delete(idOf(key));
    if (found === null || this.released.get(idOf(key)) === found.metadata.uid)
      return this.clearAway(key, await this.savepoints(key, savepoints));

    const paused = found.metadata.annotations?.[PAUSE_ANNOTATION] === 'true';
    const objects = paused ? [] : await this.savepoints(key, savepoints);
    const job = paused ? found : await ensureFinalizer<'FlowJob'>(this.options.store, found);
    const related = {
      savepoints: objects,
      named: await this.namedSavepoint(job),
      restorers: await this.restorers(key.namespace, objects),
      jobs: async () => (await this.options.store.list('FlowJob')).items,
    };
    const observation = await this.gatherer.observe(job, related, this.options.now());
    const decision = decide({ job, savepoints: objects, observation, now: this.options.now() });
    const before = job.status?.state;
    const held = troubled && decision.actions.length > 0 ? job.status?.conditions : undefined;
    const status = held === undefined ? decision.status : { ...decision.status, conditions: held };
    const { object: written, changed } = await this.writeStatus('FlowJob', job, status);
    if (written.status?.state !== before)
      this.options.log.info({ job: key.name, from: before, to: written.status?.state }, 'state changed');
    // What happened stands in status now, and no later pass tells it again: nothing that may fail comes in between.
    await this.report(decision.events, written, objects);
    const savepointsChanged = await this.writeSavepoints(objects, decision.savepoints);
    if (!paused && decision.finalizer === 'keep') await this.revisions.keep(written);
    this.logNew(key, decision.actions);
    for (const action of decision.actions) {
      const engine = isObjectAction(action) ? null : await this.gatherer.client(written);
      this.options.mayAct?.();
      if (isObjectAction(action)) await actOnObjects(action, written, this.options.store);
      else
        await act(action, written, this.options.runtime, engine, {
          onRefusal: (message) => this.gatherer.rescaleRefusals.note(written, message),
          submissions: this.gatherer.submissions,
        });
    }
    const told =
      held === undefined ? { object: written, changed } : await this.writeStatus('FlowJob', written, decision.status);
    await this.release(told.object, objects, decision);
    return changed || told.changed || savepointsChanged ? 0 : this.nextLook(told.object, decision);
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

  /** Those that the pass before did not ask for too. */
  private logNew(key: ObjectKey, actions: readonly Action[]): void {
    const id = idOf(key);
    const before = this.underWay.get(id);
    const now = new Set(actions.map((action) => JSON.stringify(action)));
    for (const action of actions)
      if (before?.has(JSON.stringify(action)) !== true) this.options.log.info({ job: key.name, action }, 'acting');
    if (now.size === 0) this.underWay.delete(id);
    else this.underWay.set(id, now);
  }

  private nextLook(job: FlowJob, decision: Decision): NextLook {
    const looks: number[] = [];
    if (decision.requeueAt !== null) looks.push(Math.max(1, decision.requeueAt - this.options.now()));
    if (decision.inMotion || decision.actions.length > 0) looks.push(MOTION);
    if (job.status?.state === 'Running' && decision.status.conditions.every((x) => x.type !== 'Paused')) {
      this.running.add(idOf(job.metadata));
      looks.push(Math.max(job.spec.mode === 'Batch' ? BATCH : STEADY, this.running.size * SHARE));
    }
    return looks.length === 0 ? null : Math.min(...looks);
  }

  /** A job whose object is gone: nothing of it may run on. FlowSavepoints stay, those that wait for it fail. */
  private async clearAway(key: ObjectKey, savepoints: readonly FlowSavepoint[]): Promise<NextLook> {
    const { runtime, now } = this.options;
    this.logNew(key, []);
    const restorers = await this.restorers(key.namespace, savepoints);
    for (const savepoint of savepoints) {
      const outcome = decideOrphan(savepoint, restorers[savepoint.metadata.name], now());
      await this.writeSavepoints([savepoint], [outcome.decision]);
      for (const action of outcome.actions)
        if (action.kind === 'DisposeSavepoint')
          await runtime.disposeSavepoint({ key, engine: action.engine, storage: undefined }, action);
      if (outcome.decision.finalizer === 'remove')
        await removeFinalizer(this.options.store, 'FlowSavepoint', savepoint);
    }
    if (runtime.processes(key).some((process) => process.state === 'Running')) {
      runtime.stopProcesses(key, Number.MAX_SAFE_INTEGER, true);
      return MOTION;
    }
    await runtime.forget(key);
    this.revisions.forget(key);
    this.gatherer.rescaleRefusals.forget(key);
    this.gatherer.submissions.forget(planOf(key), runOf(key));
    return null;
  }

  private async savepoints(key: ObjectKey, names: readonly string[]): Promise<FlowSavepoint[]> {
    const found: FlowSavepoint[] = [];
    for (const name of names) {
      const savepoint = await this.options.store.get('FlowSavepoint', { namespace: key.namespace, name });
      if (savepoint?.spec.jobRef.name === key.name)
        found.push(await ensureFinalizer<'FlowSavepoint'>(this.options.store, savepoint));
    }
    return found;
  }

  /** The FlowSavepoint that spec.state.restore names, while that counts. */
  private async namedSavepoint({ metadata, spec, status }: FlowJob): Promise<FlowSavepoint | null> {
    const name = spec.state.restore?.savepointRef?.name;
    if (name === undefined || !restoreCounts(status ?? {})) return null;
    return this.options.store.get('FlowSavepoint', { namespace: metadata.namespace, name });
  }

  /** Of those FlowSavepoints whose files are to go: which job would start from them. */
  private async restorers(namespace: string, savepoints: readonly FlowSavepoint[]): Promise<Record<string, string>> {
    const going = savepoints.filter(
      ({ metadata, spec }) => metadata.deletionTimestamp !== undefined && spec.disposalPolicy === 'Delete',
    );
    if (going.length === 0) return {};
    const jobs = (await this.options.store.list('FlowJob')).items.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.deletionTimestamp === undefined,
    );
    const found: Record<string, string> = {};
    for (const { metadata, status } of going) {
      const savepoint = { name: metadata.name, ...(status?.path === undefined ? {} : { path: status.path }) };
      const job = jobs.find((one) => wouldStartFrom(one, savepoint));
      if (job !== undefined) found[metadata.name] = job.metadata.name;
    }
    return found;
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
      if (finalizer === 'remove' && savepoint !== undefined)
        await removeFinalizer(this.options.store, 'FlowSavepoint', savepoint);
    }
    if (decision.finalizer === 'keep') return;
    await this.options.runtime.forget(job.metadata);
    await removeFinalizer(this.options.store, 'FlowJob', job);
    this.released.set(idOf(job.metadata), job.metadata.uid);
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
