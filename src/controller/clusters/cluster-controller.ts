// The loop over FlowClusters: whatever happens to one (its object, a FlowJob that names it, its pods) puts it into the queue.
import { isDeepStrictEqual } from 'node:util';
import { resolveCluster, type FlowCluster, type FlowClusterStatus } from '../../api/flowcluster.ts';
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
import type { Store } from '../../store/port.ts';
import { ensureFinalizer, removeFinalizer } from '../finalizers.ts';
import type { Log } from '../log.ts';
import { Troubles } from '../troubles.ts';
import { watchOn } from '../watch-on.ts';
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

export class ClusterController {
  private readonly options: ClusterControllerOptions;
  private readonly loop: Loop;
  private readonly losses: Losses;
  private readonly troubles: Troubles;
  /** By FlowJob: the cluster that it names, or whose processes it has been on. */
  private readonly named = new Map<string, ObjectKey[]>();

  constructor(options: ClusterControllerOptions) {
    this.options = options;
    this.losses = new Losses(options.now);
    this.troubles = new Troubles({
      log: options.log,
      what: 'cluster',
      failures: (id) => this.loop.queue.failures(id),
      record: (key, message) => this.tellTrouble(key, message),
    });
    this.loop = new Loop({
      name: 'flowcluster',
      reconcile: async (id) => (await this.troubles.over(id, (troubled) => this.pass(id, troubled))) ?? done,
      workers: CLUSTER_WORKERS,
      clock: systemClock,
      random: () => 0,
      backOff: { baseMs: 200, capMs: 30_000, jitter: 0 },
      // `troubles` have put it into the log.
      onError: () => undefined,
      metrics: options.metrics,
    });
  }

  get queue(): WorkQueue {
    return this.loop.queue;
  }

  /** Runs until `signal` aborts; then answers when no pass is under way. Clusters run on. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.troubles.end(), { once: true });
    const passes = this.loop.run({ stop: signal });
    this.options.runtime.onChange((key) => {
      this.look(key);
      this.wakeJobs(key);
    });
    await Promise.all([this.watchClusters(signal), this.watchJobs(signal)]);
    await passes;
  }

  private look(key: ObjectKey): void {
    this.loop.queue.add(idOf(key));
  }

  private wakeJobs(cluster: ObjectKey): void {
    for (const [job, clusters] of this.named)
      if (clusters.some((key) => idOf(key) === idOf(cluster))) this.options.wake(keyFrom(job));
  }

  private watchClusters(signal: AbortSignal): Promise<void> {
    const { store, log } = this.options;
    return watchOn('FlowCluster', { store, signal, log }, ({ object }) => {
      this.look(object.metadata);
      this.wakeJobs(object.metadata);
    });
  }

  private watchJobs(signal: AbortSignal): Promise<void> {
    const { store, log } = this.options;
    return watchOn('FlowJob', { store, signal, log }, ({ type, object }) => {
      const id = idOf(object.metadata);
      const before = this.named.get(id) ?? [];
      const now = type === 'Deleted' ? [] : clustersOf(object);
      if (now.length === 0) this.named.delete(id);
      else this.named.set(id, now);
      for (const key of [...before, ...now]) this.look(key);
    });
  }

  /** `troubled`: the conditions say that passes fail, and stand until this one has done all that it decided. */
  private async pass(id: string, troubled: boolean): Promise<Result> {
    const { store, runtime, now } = this.options;
    const key = keyFrom(id);
    const found = await store.get('FlowCluster', key);
    if (found === null) {
      runtime.forget(key);
      this.losses.forget(id);
      return done;
    }
    const cluster = await ensureFinalizer<'FlowCluster'>(store, found);
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
    const { status, report, actions } = decision;
    const held = troubled && actions.length > 0 ? cluster.status?.conditions : undefined;
    let written =
      held === undefined
        ? await this.write(cluster, status, report)
        : await this.write(cluster, { ...status, conditions: held }, null);
    for (const action of actions) await this.act(action, written);
    if (held !== undefined) written = await this.write(written, status, report);
    if (decision.finalizer === 'remove') {
      await removeFinalizer(store, 'FlowCluster', written);
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

  /** `report`: what the conditions say, if that may be news. */
  private async write(
    cluster: FlowCluster,
    status: FlowClusterStatus,
    report: ClusterReport | null,
  ): Promise<FlowCluster> {
    if (isDeepStrictEqual(cluster.status, status)) return cluster;
    const written = await this.options.store.updateStatus<'FlowCluster'>({ ...cluster, status });
    if (report !== null) await this.tell(cluster, report);
    return written;
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

  private async tellTrouble(key: ObjectKey, message: string): Promise<void> {
    const { store, now } = this.options;
    const cluster = await store.get('FlowCluster', key);
    if (cluster === null) return;
    const { generation } = cluster.metadata;
    const report: ClusterReport = { kind: 'Stalled', reason: 'OperatorError', message };
    const status = cluster.status ?? { observedGeneration: -1, conditions: [] };
    const conditions = clusterConditions(status.conditions, report, { generation, now: timestamp(now()) });
    await this.write(cluster, { ...status, conditions }, report);
  }
}

const isEvent = (reason: string): reason is keyof typeof CLUSTER_EVENTS => Object.hasOwn(CLUSTER_EVENTS, reason);

function clustersOf({ metadata: { namespace }, spec, status }: FlowJob): ObjectKey[] {
  const names = [spec.engine.clusterRef?.name, status?.accepted?.spec.engine.clusterRef?.name];
  return [...new Set(names)].flatMap((name) => (name === undefined ? [] : [{ namespace, name }]));
}
