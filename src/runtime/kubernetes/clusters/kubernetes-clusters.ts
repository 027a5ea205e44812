// The processes of FlowClusters as pods. What runs is read from an informer; names follow from the cluster's, so that each call can be repeated.
import { idOf, type ObjectKey } from '../../../api/object.ts';
import { EngineClient, EngineClientError } from '../../../engine-client/engine-client.ts';
import { FLINK_PORTS } from '../../../engine-client/flink/config.ts';
import type { Cache } from '../../../kube/cache/informers.ts';
import type { Client } from '../../../kube/rest/client.ts';
import type { Clock } from '../../../kube/time.ts';
import { ensureGone } from '../../../kube/writes.ts';
import type { ClusterProcess, SessionView } from '../../../lifecycle/clusters/observation.ts';
import type { Refusal } from '../../../lifecycle/observation.ts';
import { CONFIG_MAPS } from '../../../store/kubernetes/core-kinds.ts';
import type { ClusterPlan, ClusterRuntime } from '../../cluster-port.ts';
import { ChildWrites } from '../child-writes.ts';
import { NETWORK_POLICIES, SERVICES } from '../child-kinds.ts';
import { PODS, type Pod } from '../pod-view.ts';
import { podUrl } from '../pod-url.ts';
import { Refusals } from '../refusals.ts';
import {
  clusterClaimManifest,
  clusterConfigMap,
  clusterNetworkPolicy,
  clusterRestService,
  ownerOfCluster,
} from './children.ts';
import { clusterKeyOf } from './cluster-pod-cache.ts';
import { clusterJobManagerPod, clusterTaskManagerPod } from './cluster-pods.ts';
import { clusterProcessOf } from './cluster-process.ts';

export interface KubernetesClustersOptions {
  /** Writes: of the leader, fenced. */
  client: Client;
  /** As `clusterPodCache` makes it. */
  pods: Cache<Pod>;
  clock: Clock;
  /** Undefined: the operator runs outside of the cluster. */
  operatorNamespace?: string | undefined;
}

/** Milliseconds. */
const ANSWER_LIMIT = 3_000;

export class KubernetesClusters implements ClusterRuntime {
  private readonly options: KubernetesClustersOptions;
  private readonly writes: ChildWrites;
  private readonly refusals: Refusals;
  private readonly listeners: ((key: ObjectKey) => void)[] = [];
  private readonly endOfChanges: () => void;

  constructor(options: KubernetesClustersOptions) {
    this.options = options;
    this.writes = new ChildWrites(options.client, (pod) => options.pods.record(pod));
    this.refusals = new Refusals(() => options.clock.now());
    this.endOfChanges = options.pods.onChange(({ object }) => {
      for (const listener of this.listeners) listener(clusterKeyOf(object));
    });
  }

  processes(key: ObjectKey): ClusterProcess[] {
    return this.options.pods.by('cluster', idOf(key)).flatMap((pod) => clusterProcessOf(pod) ?? []);
  }

  refusal(key: ObjectKey): Refusal | null {
    return this.refusals.get(key);
  }

  async session(key: ObjectKey): Promise<SessionView | null> {
    const url = restOf(this.processes(key));
    if (url === null) return null;
    try {
      const client = new EngineClient({ url, token: null, timeoutMs: ANSWER_LIMIT });
      const { taskmanagers, 'slots-total': slots } = await client.overview();
      return { taskManagers: taskmanagers, slots };
    } catch (error) {
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }

  async createJobManager(plan: ClusterPlan): Promise<void> {
    await this.refusals.during(plan.key, async () => {
      const owner = ownerOfCluster(plan);
      const claim = clusterClaimManifest(plan);
      await Promise.all([
        this.writes.apply(owner, CONFIG_MAPS, clusterConfigMap(plan)),
        this.writes.apply(owner, SERVICES, clusterRestService(plan)),
        this.writes.apply(owner, NETWORK_POLICIES, clusterNetworkPolicy(plan, this.options.operatorNamespace)),
        ...(claim === null ? [] : [this.writes.ensureClaim(claim)]),
      ]);
      await this.writes.createPod(owner, clusterJobManagerPod(plan));
    });
  }

  async createTaskManager(plan: ClusterPlan, index: number, { uid, address }: ClusterProcess): Promise<void> {
    if (address === undefined) return;
    await this.refusals.during(plan.key, async () =>
      this.writes.createPod(ownerOfCluster(plan), clusterTaskManagerPod(plan, index, { uid, address })),
    );
  }

  async end({ namespace }: ObjectKey, { name, uid }: ClusterProcess): Promise<void> {
    await ensureGone(this.options.client, PODS, { namespace, name }, { uid });
  }

  forget(key: ObjectKey): void {
    this.refusals.forget(key);
  }

  onChange(listener: (key: ObjectKey) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.listeners.length = 0;
    this.endOfChanges();
  }
}

/** Where the JobManager answers; null: there is none. */
export function restOf(processes: readonly ClusterProcess[]): string | null {
  const jobManager = processes.find(({ role, state }) => role === 'JobManager' && state === 'Running');
  if (jobManager?.address === undefined) return null;
  return podUrl(jobManager.address, FLINK_PORTS.rest);
}
