// JobManager and TaskManagers as pods. What runs is read from an informer; names are reckoned from status, so that each call can be repeated.
import { randomBytes } from 'node:crypto';
import type { StorageView } from '../../../engine/checkpoint/storage-view.ts';
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { Attempt } from '../../api/status.ts';
import { taskManagersOf } from '../../api/task-managers.ts';
import { EngineClient, EngineClientError } from '../../engine-client/engine-client.ts';
import { FLINK_FOLDERS } from '../../engine-client/flink/config.ts';
import { storageByRest } from '../../engine-client/flink/storage-by-rest.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Clock } from '../../kube/time.ts';
import { ensureGone } from '../../kube/writes.ts';
import { NOTHING_KNOWN, type NewImages, type ProcessView, type Refusal } from '../../lifecycle/observation.ts';
import type { AttemptPlan, Connection, Runtime, SavepointPlace, StatePlace, StorageQuestion } from '../port.ts';
import { NETWORK_POLICIES, SERVICES } from './child-kinds.ts';
import { claim, configMap, networkPolicy, restService, secret } from './children.ts';
import { ChildWrites } from './child-writes.ts';
import { EarlierAttempts } from './earlier-attempts.ts';
import { FirstPlace } from './first-place.ts';
import { GonePods } from './gone-pods.ts';
import { imageProbes } from './image-probe.ts';
import { ImageProbes } from './image-probes.ts';
import { attemptName, LABEL, ROLE } from './names.ts';
import { jobManagerPodOf, taskManagerPodOf } from './engine-pods.ts';
import { FlinkHighAvailability } from './flink-high-availability.ts';
import { flinkRoot } from './flink-pods.ts';
import { ownerOf, REST_PORT, type PodSettings } from './pods.ts';
import type { PodManifest } from './templated-pod.ts';
import { jobOf, keyOfJob } from './pod-cache.ts';
import { imagesOf } from './pod-parts.ts';
import { PreparedAttempts } from './prepared-attempts.ts';
import { podUrl } from './pod-url.ts';
import { leftOf, nodeTroubleOf, PODS, processOf, type Pod } from './pod-view.ts';
import { Refusals } from './refusals.ts';
import { hasSecrets } from './rendered-sql.ts';
import { CONFIG_MAPS, SECRETS, type DataObject } from '../../store/kubernetes/core-kinds.ts';
import { claimOf } from './state-mounts.ts';
import { StateVolumes } from './state-volumes.ts';
import { StoragePods } from './storage-pods.ts';
import { WaitingOnNode } from './waiting-on-node.ts';

export interface KubernetesRuntimeOptions {
  /** Writes: of the leader, fenced. */
  client: Client;
  /** As `podCache` makes it. */
  pods: Cache<Pod>;
  /** Of pods whose FlowJob names none. */
  image: string;
  /** Jobs on Apache Flink use its high availability on Kubernetes; an attempt that runs stays as it began. */
  flinkHighAvailability?: boolean;
  clock: Clock;
  /** Undefined: the operator runs outside of the cluster. */
  operatorNamespace?: string | undefined;
  /** Aborts when this process is to end: no answer of a pod is waited for any more. */
  ending?: AbortSignal | undefined;
  /** What goes wrong beside a call; it is tried again by itself. */
  onTrouble: (error: unknown) => void;
}

/** A savepoint that is not there is looked for again after so long, milliseconds: each look takes a pod. */
const LOOK_AGAIN = 30_000;

export class KubernetesRuntime implements Runtime {
  private readonly options: KubernetesRuntimeOptions;
  private readonly pods: Cache<Pod>;
  private readonly writes: ChildWrites;
  private readonly storagePods: StoragePods;
  private readonly volumes: StateVolumes;
  private readonly endOfChanges: () => void;
  private readonly refusals: Refusals;
  readonly ahead: PreparedAttempts;
  private readonly waiting: WaitingOnNode;
  private readonly gonePods = new GonePods();
  private readonly imageProbes: ImageProbes;
  private readonly firstPlace: FirstPlace;
  private readonly highAvailability: FlinkHighAvailability;
  private readonly earlier: EarlierAttempts;
  private readonly listeners: ((key: ObjectKey) => void)[] = [];
  /** By uid: pods whose deletion was asked for. */
  private readonly asked = new Set<string>();
  /** By job: the REST token of the attempt that was asked for last. */
  private readonly tokens = new Map<string, { epoch: number; token: string }>();
  /** By job: how often a pod of it went. What a volume holds may have changed with it. */
  private readonly deaths = new Map<string, number>();
  /** By job: what was seen on its volume last, and of which question and state of the world. */
  private readonly seen = new Map<string, { asked: string; view: StorageView; until: number }>();
  /** Tells what this process asks from what one before it asked. */
  private readonly instance = randomBytes(4).toString('hex');

  constructor(options: KubernetesRuntimeOptions) {
    this.options = options;
    const { client, clock, pods, image, ending, onTrouble } = options;
    this.pods = pods;
    this.writes = new ChildWrites(client, (pod) => pods.record(pod));
    this.storagePods = new StoragePods({ client, pods, image, clock, ending });
    this.volumes = new StateVolumes(client, this.storagePods, onTrouble);
    this.imageProbes = new ImageProbes({ client, pods, clock });
    this.firstPlace = new FirstPlace(client);
    this.highAvailability = new FlinkHighAvailability(client, this.writes);
    this.earlier = new EarlierAttempts({ client, onTrouble });
    this.refusals = new Refusals(() => clock.now());
    this.ahead = new PreparedAttempts({
      now: () => clock.now(),
      make: async (plan) => this.makeProcesses(plan, []),
      stop: (key, epoch) => this.stopPods(key, (process) => process.epoch === epoch, true),
      // What keeps it from being done is told, and does not keep the job from running: people look for it by the Service, and rights that are left are of no use.
      handOver: async (plan) =>
        this.refusals.during(plan.key, async () => {
          await this.writes.apply(ownerOf(plan), SERVICES, restService(plan));
          if (this.settings(plan).highAvailability === true) await this.highAvailability.giveRights(plan);
        }),
    });
    this.waiting = new WaitingOnNode({ client, clock, secrets: SECRETS, configMaps: CONFIG_MAPS, onTrouble });
    this.endOfChanges = pods.onChange(({ type, object }) => this.changed(object, type === 'Deleted'));
  }

  jobs(): ObjectKey[] {
    const keys = new Map<string, ObjectKey>();
    for (const pod of this.pods.list()) if (processOf(pod) !== null) keys.set(jobOf(pod), keyOfJob(pod));
    return [...keys.values()];
  }

  /** Of each role and index of an attempt the pod that was made last, also where it has gone without being asked to. */
  processes(key: ObjectKey): ProcessView[] {
    const newest = new Map<string, ProcessView>();
    const views = this.podsOf(key).map((pod) => this.viewOf(pod));
    for (const view of [...views, ...this.gonePods.of(key)]) {
      if (view === null) continue;
      const place = `${view.epoch}/${view.role}/${view.index}`;
      const other = newest.get(place);
      if (other === undefined || other.restarts < view.restarts) newest.set(place, view);
    }
    return [...newest.values()];
  }

  ended(key: ObjectKey): ProcessView[] {
    return this.podsOf(key).flatMap((pod) => {
      const view = processOf(pod);
      return view?.state === 'Exited' ? [view] : [];
    });
  }

  refusal(key: ObjectKey): Refusal | null {
    return this.refusals.get(key);
  }

  async connection(key: ObjectKey, attempt: Attempt): Promise<Connection | null> {
    const pod = this.jobManager(key, attempt.epoch);
    const ip = pod?.status?.podIP;
    if (pod === undefined || ip === undefined || pod.status?.phase !== 'Running') return null;
    return {
      url: podUrl(ip, REST_PORT),
      // Flink asks for none.
      token: isFlinkPod(pod) ? null : await this.token(key, attempt.epoch),
    };
  }

  async ensureProcesses(plan: AttemptPlan, skip: readonly number[], only?: 'TaskManagers'): Promise<void> {
    await this.refusals.during(plan.key, async () => {
      await this.makeProcesses(plan, skip, only);
      await this.prune(plan.key, plan.attempt.epoch);
    });
    this.earlier.clear(plan, this.oldestRunning(plan.key));
  }

  /** What attempts before this one have left, which has no processes of the job's own: all but the last logs. */
  async clearEarlier(plan: AttemptPlan): Promise<void> {
    await this.prune(plan.key, plan.attempt.epoch);
    const oldest = this.oldestRunning(plan.key);
    // Of a job that has moved to a FlowCluster nobody goes on with a run in pods of its own: it goes on from the savepoint of its suspension.
    if (oldest === Infinity && this.earlier.clear(plan, oldest)) await this.highAvailability.clearEarlier(plan);
  }

  /** Of an attempt that is being stopped some may be left; Infinity: of none. */
  private oldestRunning(key: ObjectKey): number {
    const running = this.processes(key).filter(({ state }) => state === 'Running');
    return Math.min(...running.map(({ epoch }) => epoch));
  }

  private async makeProcesses(plan: AttemptPlan, skip: readonly number[], only?: 'TaskManagers'): Promise<void> {
    const { key, attempt, spec } = plan;
    await this.ensureChildren(plan);
    const running = this.processes(key).filter(({ epoch }) => epoch === attempt.epoch);
    const wanted: PodManifest[] = [];
    if (only === undefined && !running.some(({ role }) => role === 'JobManager'))
      wanted.push(jobManagerPodOf(plan, this.settings(plan)));
    const jobManager = this.jobManager(key, attempt.epoch);
    const waits = await this.jobManagerFirst(plan, jobManager);
    for (const index of waits ? [] : taskManagersOf(attempt, spec.taskManager.replicas)) {
      const process = running.find((one) => one.role === 'TaskManager' && one.index === index);
      if (process?.state === 'Running' || skip.includes(index)) continue;
      const restarts = process === undefined ? 0 : process.restarts + 1;
      const jobManagerAddress = jobManager?.status?.podIP;
      wanted.push(taskManagerPodOf(plan, this.settings(plan), { index, restarts, jobManagerAddress }));
    }
    // What pods that run have read is there no more for those that come, once somebody has deleted it.
    if (wanted.length > 0 && running.length > 0) await this.restoreOwn(plan);
    await Promise.all(wanted.map(async (manifest) => this.writes.createPod(ownerOf(plan), manifest)));
  }

  /** Whether TaskManagers have to wait for the JobManager's pod. */
  private async jobManagerFirst(plan: AttemptPlan, jobManager: Pod | undefined): Promise<boolean> {
    if (plan.spec.engine.type === 'Flink') return jobManager?.status?.podIP === undefined;
    return this.firstPlace.isJobManagers(plan, jobManager);
  }

  stopProcesses(key: ObjectKey, epoch: number, graceful: boolean): void {
    this.stopPods(key, (process) => process.epoch <= epoch, graceful);
  }

  stopTaskManagers(key: ObjectKey, epoch: number, keep: readonly number[]): void {
    this.stopPods(
      key,
      (process) => process.role === 'TaskManager' && process.epoch === epoch && !keep.includes(process.index),
      true,
    );
  }

  private stopPods(key: ObjectKey, which: (process: ProcessView) => boolean, graceful: boolean): void {
    for (const pod of this.podsOf(key)) {
      const { uid } = pod.metadata;
      const process = processOf(pod);
      if (process === null || !which(process) || this.asked.has(uid)) continue;
      this.asked.add(uid);
      ensureGone(this.options.client, PODS, pod.metadata, { uid, gracePeriodSeconds: graceful ? 10 : 1 }).catch(
        (error: unknown) => {
          this.asked.delete(uid);
          this.options.onTrouble(error);
        },
      );
    }
  }

  async newImages(key: ObjectKey, next: AttemptPlan | null): Promise<NewImages | null> {
    if (next === null) {
      await this.imageProbes.end(key);
      return null;
    }
    const { epoch } = next.attempt;
    const running = this.podsOf(key).filter((pod) => {
      const process = processOf(pod);
      return process?.epoch === epoch && process.pending === undefined;
    });
    const wanted = imageProbes(next, this.settings(next), new Set(running.flatMap(imagesOf)));
    const node = this.jobManager(key, epoch)?.spec?.nodeName;
    return this.imageProbes.look(key, wanted, { node, owner: ownerOf(next) });
  }

  async storage(question: StorageQuestion): Promise<StorageView> {
    const { key, epoch: last = Infinity } = question;
    const views = this.processes(key).filter((view) => view.epoch <= last);
    const epoch = views.reduce((highest, view) => Math.max(highest, view.epoch), 0);
    const { storage, podTemplate, epoch: _, ...looked } = question;
    const asked = JSON.stringify([storage, podTemplate, { ...looked, key: null }, this.deaths.get(idOf(key)) ?? 0]);
    const live = views.filter(({ state }) => state === 'Running');
    if (live.length > 0) {
      const told = await this.askJobManager(key, epoch, question);
      // Nobody can tell while processes write and do not answer: they will, or they will be gone.
      return told ?? { epoch, ...NOTHING_KNOWN };
    }
    const seen = this.seen.get(idOf(key));
    const now = this.options.clock.monotonic();
    if (seen?.asked === asked && now < seen.until) return seen.view;
    const view = await this.volumes.look(question, `${this.instance}/${asked}`);
    // A savepoint that is not there may come without anybody telling.
    this.seen.set(idOf(key), { asked, view, until: view.savepoint === null ? Infinity : now + LOOK_AGAIN });
    return view;
  }

  savepointFolder(place: StatePlace): string | null {
    return place.engine === 'Flink' ? `${flinkRoot(place)}/${FLINK_FOLDERS.savepoints}` : null;
  }

  claimOf(place: StatePlace): string | null {
    return claimOf(place);
  }

  async disposeSavepoint(place: StatePlace, savepoint: SavepointPlace): Promise<void> {
    await this.volumes.dispose(place, savepoint, this.instance);
  }

  async removeState(place: StatePlace): Promise<void> {
    await this.volumes.removeState(place, `${this.instance}/${this.deaths.get(idOf(place.key)) ?? 0}`);
  }

  async forget(key: ObjectKey): Promise<void> {
    if (this.processes(key).some(({ state }) => state === 'Running')) return;
    await this.storagePods.forget(key);
    this.refusals.forget(key);
    this.ahead.forget(key);
    this.firstPlace.forget(key);
    this.earlier.forget(key);
    this.volumes.forget(key);
    await this.imageProbes.end(key);
    this.gonePods.forget(key);
    for (const { metadata } of this.podsOf(key)) {
      this.asked.add(metadata.uid);
      await ensureGone(this.options.client, PODS, metadata, { uid: metadata.uid });
    }
    for (const map of [this.seen, this.deaths, this.tokens]) map.delete(idOf(key));
  }

  onChange(listener: (key: ObjectKey) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.listeners.length = 0;
    this.endOfChanges();
  }

  private changed(pod: Pod, gone: boolean): void {
    const id = jobOf(pod);
    const process = processOf(pod);
    if (gone) {
      if (!this.asked.delete(pod.metadata.uid)) this.gonePods.note(pod, this.options.clock.now());
      this.waiting.forget(pod.metadata.uid);
    }
    if (process !== null && (gone || process.state === 'Exited')) this.deaths.set(id, (this.deaths.get(id) ?? 0) + 1);
    for (const listener of this.listeners) listener(keyOfJob(pod));
  }

  private viewOf(pod: Pod): ProcessView | null {
    const view = processOf(pod);
    if (view === null) return null;
    const left = leftOf(pod, this.options.clock.now());
    if (left !== null) return { ...view, left };
    const node = nodeTroubleOf(pod);
    if (node !== null) return { ...view, node };
    if (view.pending === undefined || view.pending.trouble !== null) return view;
    return { ...view, pending: { trouble: this.waiting.troubleOf(pod) } };
  }

  private podsOf(key: ObjectKey): Pod[] {
    return this.pods.by('job', idOf(key));
  }

  private jobManager(key: ObjectKey, epoch: number): Pod | undefined {
    return this.podsOf(key).find(
      ({ metadata: { labels } }) => labels?.[LABEL.role] === ROLE.JobManager && labels[LABEL.attempt] === String(epoch),
    );
  }

  private async token(key: ObjectKey, epoch: number): Promise<string | null> {
    const known = this.tokens.get(idOf(key));
    if (known?.epoch === epoch) return known.token;
    const ref = { namespace: key.namespace, name: attemptName(key.name, epoch) };
    return this.keepToken(key, epoch, await this.options.client.find(SECRETS, ref));
  }

  /** Of one attempt alone: nobody speaks to the one before it again. */
  private keepToken(key: ObjectKey, epoch: number, found: DataObject | null): string | null {
    const data = found?.data?.['token'];
    if (data === undefined) return null;
    const token = Buffer.from(data, 'base64').toString('utf8');
    this.tokens.set(idOf(key), { epoch, token });
    return token;
  }

  private async ensureChildren(plan: AttemptPlan): Promise<void> {
    const { key, attempt, spec } = plan;
    // Everything that an attempt needs was made before its first pod.
    if (this.processes(key).some(({ epoch }) => epoch === attempt.epoch)) return;
    const { highAvailability } = this.settings(plan);
    await Promise.all([
      this.makeOwn(plan, randomBytes(24).toString('hex')),
      ...(attempt.session === true ? [] : [this.writes.apply(ownerOf(plan), SERVICES, restService(plan))]),
      this.writes.apply(ownerOf(plan), NETWORK_POLICIES, networkPolicy(plan, this.options.operatorNamespace)),
      ...(claimOf({ key, storage: spec.state.storage }) === claim(plan).metadata.name
        ? [this.writes.ensureClaim(claim(plan))]
        : []),
      ...(highAvailability === true ? [this.highAvailability.prepare(plan)] : []),
    ]);
    if (highAvailability !== true) return;
    // Processes of a run that is over may still be ending; what the attempt is up beside of is kept in any case.
    const isAlone = this.processes(key).every(({ state }) => state !== 'Running');
    if (isAlone || plan.beside !== undefined) await this.highAvailability.clearEarlier(plan);
  }

  /** All processes of an attempt are made alike: its JobManager tells how it was begun, whatever the operator was told since. */
  private settings({ key, attempt, spec }: AttemptPlan): PodSettings {
    const { image, flinkHighAvailability = false } = this.options;
    const begun = this.jobManager(key, attempt.epoch);
    // Flink keeps the plan that it is given beside the job's checkpoints, with what stands in it.
    const highAvailability =
      begun === undefined
        ? flinkHighAvailability && !hasSecrets(spec)
        : begun.metadata.labels?.[LABEL.highAvailability] !== undefined;
    return { image, highAvailability: spec.engine.type === 'Flink' && highAvailability };
  }

  /** What belongs to the attempt alone. */
  private async makeOwn(plan: AttemptPlan, token: string): Promise<void> {
    const { key, attempt } = plan;
    const [, made] = await Promise.all([
      this.writes.create(ownerOf(plan), CONFIG_MAPS, configMap(plan, this.settings(plan))),
      this.writes.create<DataObject>(ownerOf(plan), SECRETS, secret(plan, token)),
    ]);
    this.keepToken(key, attempt.epoch, made);
  }

  /**
   * With the token that the JobManager has. An operator that began since cannot know it: the JobManager then answers it no more, and is replaced by another
   * attempt with a Secret of its own.
   */
  private async restoreOwn(plan: AttemptPlan): Promise<void> {
    const { key, attempt } = plan;
    const { client } = this.options;
    const ref = { namespace: key.namespace, name: attemptName(key.name, attempt.epoch) };
    const found = await Promise.all([client.find(CONFIG_MAPS, ref), client.find(SECRETS, ref)]);
    if (found.every((one) => one !== null)) return;
    const known = this.tokens.get(idOf(key));
    await this.makeOwn(plan, known?.epoch === attempt.epoch ? known.token : randomBytes(24).toString('hex'));
  }

  /** Pods that ended stay for a look at their logs: of this attempt and the one before the last of each TaskManager. */
  private async prune(key: ObjectKey, epoch: number): Promise<void> {
    const { client } = this.options;
    const pods = this.podsOf(key);
    const newer = (one: ProcessView): boolean =>
      pods.filter((pod) => {
        const other = processOf(pod);
        return (
          other?.epoch === one.epoch &&
          other.role === one.role &&
          other.index === one.index &&
          other.restarts > one.restarts
        );
      }).length > 1;
    for (const pod of pods) {
      const process = processOf(pod);
      if (process === null || process.state === 'Running') continue;
      if (process.epoch >= epoch - 1 && !newer(process)) continue;
      this.asked.add(pod.metadata.uid);
      await ensureGone(client, PODS, pod.metadata, { uid: pod.metadata.uid });
    }
  }

  /** Null when no JobManager answers. */
  private async askJobManager(key: ObjectKey, epoch: number, question: StorageQuestion): Promise<StorageView | null> {
    const connection = await this.connection(key, { epoch } as Attempt);
    if (connection === null) return null;
    try {
      const client = new EngineClient(connection);
      if (question.engine === 'Flink') return { epoch, ...(await storageByRest(client, question)) };
      return await client.storage(question);
    } catch (error) {
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }
}

const isFlinkPod = ({ metadata }: Pod): boolean => metadata.labels?.[LABEL.engine] === 'flink';
