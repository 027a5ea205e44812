// The loop over FlowClusters: whatever happens to one (its object, a FlowJob that names it, its pods) puts it into the queue.
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { FINALIZER } from '../../api/group.ts';
import { resolveCluster, type FlowCluster } from '../../api/flowcluster.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { idOf, keyFrom, type ObjectKey } from '../../api/object.ts';
import { CLUSTER_EVENTS } from '../../api/events.ts';
import { systemClock } from '../../../engine/clock.ts';
import { Controller as Loop, done, requeueAfter, type Result } from '../../kube/queue/controller.ts';
import type { WorkQueue } from '../../kube/queue/work-queue.ts';
import type { Metrics } from '../../kube/metrics.ts';
import { clusterConditions, type ClusterReport } from '../../lifecycle/clusters/conditions.ts';
import { decideCluster } from '../../lifecycle/clusters/decide-cluster.ts';
import type { ClusterAction } from '../../lifecycle/clusters/processes.ts';
import { runsOn } from '../../lifecycle/clusters/runs-on.ts';
import { timestamp } from '../../lifecycle/facts.ts';
import type { ClusterPlan, ClusterRuntime } from '../../runtime/cluster-port.ts';
import { StoreError, type Store } from '../../store/port.ts';
import type { Log } from '../reconciler.ts';
import { describeTrouble } from '../trouble.ts';
import { Losses } from './losses.ts';

export interface ClusterControllerOptions {
  store: Store;
  runtime: ClusterRuntime;
  /** What is wrong with a spec, for people; null: nothing is. */
  check: (spec: ClusterPlan['spec']) => string | null;
  /** Throws once this process may do nothing any more. */
  mayAct?: (() => void) | undefined;
  /** A FlowJob that names the cluster is to be looked at. */
  wake: (job: ObjectKey) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  log: Log;
  metrics?: Metrics | undefined;
}

export const CLUSTER_WORKERS = 16;

/** A pass that fails now and then is tried again and nothing more; so many in a row are put on record. */
const TOLD_AFTER = 4;

export class ClusterController {
  private readonly options: ClusterControllerOptions;
  private readonly loop: Loop;
  private readonly losses: Losses;
  /** By FlowJob: the cluster that it names, or whose processes it has been on. */
  private readonly named = new Map<string, ObjectKey[]>();

  constructor(options: ClusterControllerOptions) {
    this.options = options;
    this.losses = new Losses(options.now);
    this.loop = new Loop({
      name: 'flowcluster',
      reconcile: (id) => this.pass(id),
      workers: CLUSTER_WORKERS,
      clock: systemClock,
      random: () => 0,
      backOff: { baseMs: 200, capMs: 30_000, jitter: 0 },
      onError: (id, err, failures) => this.failed(id, err, failures),
      metrics: options.metrics,
    });
  }

  get queue(): WorkQueue {
    return this.loop.queue;
  }

  /** Runs until `signal` aborts; then answers when no pass is under way. Clusters run on. */
  async run(signal: AbortSignal): Promise<void> {
    const passes = this.loop.run({ stop: signal });
    this.options.runtime.onChange((key) => {
      this.look(key);
      this.wakeJobs(key);
    });
    await Promise.all([
      this.watching(signal, () => this.watchClusters(signal)),
      this.watching(signal, () => this.watchJobs(signal)),
    ]);
    await passes;
  }

  private async watching(signal: AbortSignal, watch: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await watch();
      } catch (err) {
        if (signal.aborted) return;
        this.options.log.warn({ err }, 'watch broke off; it starts again');
        await pause(200);
      }
    }
  }

  private look(key: ObjectKey): void {
    this.loop.queue.add(idOf(key));
  }

  private wakeJobs(cluster: ObjectKey): void {
    for (const [job, clusters] of this.named)
      if (clusters.some((key) => idOf(key) === idOf(cluster))) this.options.wake(keyFrom(job));
  }

  private async watchClusters(signal: AbortSignal): Promise<void> {
    for await (const { object } of this.options.store.watch('FlowCluster', { signal })) {
      this.look(object.metadata);
      this.wakeJobs(object.metadata);
    }
  }

  private async watchJobs(signal: AbortSignal): Promise<void> {
    for await (const { type, object } of this.options.store.watch('FlowJob', { signal })) {
      const id = idOf(object.metadata);
      const before = this.named.get(id) ?? [];
      const now = type === 'Deleted' ? [] : clustersOf(object);
      if (now.length === 0) this.named.delete(id);
      else this.named.set(id, now);
      for (const key of [...before, ...now]) this.look(key);
    }
  }

  private async pass(id: string): Promise<Result> {
    const { store, runtime, now } = this.options;
    const key = keyFrom(id);
    const found = await store.get('FlowCluster', key);
    if (found === null) {
      runtime.forget(key);
      this.losses.forget(id);
      return done;
    }
    const cluster = await this.ensureFinalizer(found);
    const processes = runtime.processes(key);
    this.losses.note(id, processes);
    const jobs = await this.jobsOf(key);
    const spec = resolveCluster(cluster.spec);
    const decision = decideCluster({
      cluster,
      processes,
      notBefore: this.losses.notBefore(id),
      session: await runtime.session(key),
      refusal: runtime.refusal(key),
      jobs: jobs.map(({ metadata }) => metadata.name),
      running: jobs.filter((job) => runsOn(job, processes)).map(({ metadata }) => metadata.name),
      problem: this.options.check(spec),
      now: now(),
    });
    const { status } = decision;
    const changed = !isDeepStrictEqual(cluster.status, status);
    const written = changed ? await store.updateStatus<'FlowCluster'>({ ...cluster, status }) : cluster;
    if (changed) await this.tell(cluster, decision.report);
    for (const action of decision.actions) await this.act(action, written);
    if (decision.finalizer === 'remove') {
      await this.removeFinalizer(written);
      return done;
    }
    return requeueAfter(decision.lookAgain);
  }

  private async act(action: ClusterAction, { metadata, status }: FlowCluster): Promise<void> {
    const { runtime, mayAct, log } = this.options;
    mayAct?.();
    if (action.kind === 'End') {
      log.info({ cluster: metadata.name, pod: action.process.name }, 'ending');
      return runtime.end(metadata, action.process);
    }
    const { spec, specHash } = status!.accepted!;
    const plan: ClusterPlan = { key: metadata, uid: metadata.uid, spec, specHash };
    log.info({ cluster: metadata.name, action: action.kind }, 'acting');
    if (action.kind === 'CreateJobManager') await runtime.createJobManager(plan);
    else await runtime.createTaskManager(plan, action.index, action.jobManager);
  }

  /** FlowJobs that name the cluster, or have run on it last, by name. */
  private async jobsOf(key: ObjectKey): Promise<FlowJob[]> {
    const { items } = await this.options.store.list('FlowJob');
    return items
      .filter((job) => clustersOf(job).some((one) => idOf(one) === idOf(key)))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  private async ensureFinalizer(cluster: FlowCluster): Promise<FlowCluster> {
    const { metadata } = cluster;
    if (metadata.deletionTimestamp !== undefined || metadata.finalizers?.includes(FINALIZER) === true) return cluster;
    const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
    return this.options.store.update<'FlowCluster'>({ ...cluster, metadata: { ...metadata, finalizers } });
  }

  private async removeFinalizer(cluster: FlowCluster): Promise<void> {
    const { metadata } = cluster;
    const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    await this.options.store.update<'FlowCluster'>({ ...cluster, metadata: { ...metadata, finalizers } });
  }

  /** What is news: the reason or its message is another one than before. */
  private async tell({ metadata, status }: FlowCluster, { kind, reason, message }: ClusterReport): Promise<void> {
    const before = status?.conditions.find(({ type }) => type === 'Ready');
    if (!isEvent(reason) || (before?.reason === reason && before.message === message)) return;
    const { namespace, name, uid } = metadata;
    await this.options.store.recordEvent({
      regarding: { kind: 'FlowCluster', namespace, name, uid },
      type: CLUSTER_EVENTS[reason].types[0],
      reason,
      message: message.slice(0, 1024),
    });
    this.options.log.info({ cluster: name, kind, reason }, 'state changed');
  }

  private failed(id: string, err: unknown, failures: number): void {
    const { name } = keyFrom(id);
    const stale = err instanceof StoreError && (err.reason === 'Conflict' || err.reason === 'NotFound');
    this.options.log[stale ? 'info' : 'error']({ cluster: name, failures, err }, 'pass over a cluster failed');
    if (!stale && failures === TOLD_AFTER)
      void this.tellTrouble(keyFrom(id), err).catch((failure: unknown) =>
        this.options.log.error({ cluster: name, err: failure }, 'the trouble could not be put on record'),
      );
  }

  private async tellTrouble(key: ObjectKey, error: unknown): Promise<void> {
    const { store, now } = this.options;
    const cluster = await store.get('FlowCluster', key);
    if (cluster === null) return;
    const { generation } = cluster.metadata;
    const message = `The operator goes on trying. ${describeTrouble(error)}`;
    const report: ClusterReport = { kind: 'Stalled', reason: 'OperatorError', message };
    const status = cluster.status ?? { observedGeneration: -1, conditions: [] };
    const conditions = clusterConditions(status.conditions, report, { generation, now: timestamp(now()) });
    await store.updateStatus<'FlowCluster'>({ ...cluster, status: { ...status, conditions } });
  }
}

const isEvent = (reason: string): reason is keyof typeof CLUSTER_EVENTS => Object.hasOwn(CLUSTER_EVENTS, reason);

function clustersOf({ metadata: { namespace }, spec, status }: FlowJob): ObjectKey[] {
  const names = [spec.engine.clusterRef?.name, status?.accepted?.spec.engine.clusterRef?.name];
  return [...new Set(names)].flatMap((name) => (name === undefined ? [] : [{ namespace, name }]));
}
