// Jobs on FlowClusters beside jobs with pods of their own. The JobManager is there before the job, so that what is told as the job's one process is the job on that
// JobManager: it is there from its submission on until it is over by the JobManager's word, or until the pod is gone that it was submitted to, by the API server's.
import type { StorageView } from '../../../../engine/checkpoint/storage-view.ts';
import { storageOfJobs, type FlowCluster } from '../../../api/flowcluster.ts';
import type { FlowJob } from '../../../api/flowjob.ts';
import { idOf, type ObjectKey } from '../../../api/object.ts';
import type { Attempt } from '../../../api/status.ts';
import { EngineClient, EngineClientError } from '../../../engine-client/engine-client.ts';
import { storageByRest } from '../../../engine-client/flink/storage-by-rest.ts';
import type { Cache } from '../../../kube/cache/informers.ts';
import type { Clock } from '../../../kube/time.ts';
import type { ClusterProcess } from '../../../lifecycle/clusters/observation.ts';
import {
  NOTHING_KNOWN,
  type ClusterView,
  type NewImages,
  type ProcessView,
  type Refusal,
} from '../../../lifecycle/observation.ts';
import type { ClusterRuntime } from '../../cluster-port.ts';
import type {
  AttemptPlan,
  Connection,
  Runtime,
  SavepointPlace,
  StartAhead,
  StatePlace,
  StorageQuestion,
} from '../../port.ts';
import { restOf } from './kubernetes-clusters.ts';
import { SeenJobManagers } from './seen-job-managers.ts';
import { storageTemplate } from './storage-template.ts';
import { SessionSubmissions } from './session-submissions.ts';

export interface SessionRuntimeOptions {
  /** Of jobs with pods of their own; also looks at volumes. `clearEarlier`: of a job that has come from there the ConfigMaps, Secrets and pods of its attempts go. */
  inner: Runtime & { clearEarlier: (plan: AttemptPlan) => Promise<void> };
  jobs: Pick<Cache<FlowJob>, 'get'>;
  clusters: Pick<Cache<FlowCluster>, 'get'>;
  processes: Pick<ClusterRuntime, 'processes' | 'onChange'>;
  clock: Clock;
  /** What goes wrong beside a call; it is tried again by itself. */
  onTrouble: (error: unknown) => void;
}

/** An attempt that runs on a cluster, or has run there last. */
interface Session {
  cluster: ObjectKey;
  attempt: Attempt;
}

export class SessionRuntime implements Runtime {
  private readonly options: SessionRuntimeOptions;
  private readonly seen = new SeenJobManagers();
  private readonly submissions: SessionSubmissions;
  private readonly listeners: ((key: ObjectKey) => void)[] = [];
  /** By job: what was known of it last, for one whose object is gone. */
  private readonly known = new Map<string, Session>();

  constructor(options: SessionRuntimeOptions) {
    this.options = options;
    const { processes, clock, onTrouble } = options;
    this.submissions = new SessionSubmissions({ clock, onTrouble, changed: (key) => this.tell(key) });
    processes.onChange((key) => this.seen.note(key, processes.processes(key)));
  }

  /** Of jobs with pods of their own: on a cluster the JobManager is up anyway. */
  get ahead(): StartAhead | null {
    return this.options.inner.ahead;
  }

  /** Of the cluster that the job names. */
  of(job: FlowJob): ClusterView {
    const { namespace } = job.metadata;
    const { name } = job.spec.engine.clusterRef ?? job.status!.accepted!.spec.engine.clusterRef!;
    const cluster = this.options.clusters.get({ namespace, name });
    if (cluster === undefined)
      return {
        jobManager: null,
        storage: null,
        trouble: `There is no FlowCluster "${name}" in namespace ${namespace}, on which spec.engine.clusterRef has the job run. Create it there, where the job is, or correct the name: the job starts by itself.`,
      };
    const hasBegunThere = job.status?.accepted?.spec.engine.clusterRef?.name === name;
    if (cluster.metadata.deletionTimestamp !== undefined && !hasBegunThere)
      return {
        jobManager: null,
        storage: null,
        closed: true,
        trouble: `FlowCluster "${name}" is being deleted, and takes no more jobs. Name another one in spec.engine.clusterRef, or delete this FlowJob: the cluster goes when none names it.`,
      };
    const hash = cluster.status?.accepted?.specHash;
    const jobManager = this.options.processes
      .processes({ namespace, name })
      .find((one) => one.role === 'JobManager' && takesJobs(one) && one.specHash === hash);
    const ready = cluster.status?.conditions.find(({ type }) => type === 'Ready');
    return {
      jobManager: jobManager?.uid ?? null,
      storage: storageOfJobs(name, cluster.spec),
      trouble:
        jobManager === undefined
          ? `FlowCluster "${name}" does not take jobs yet${ready?.status === 'True' || ready === undefined ? '.' : `: ${ready.message}`}`
          : null,
    };
  }

  slots({ metadata: { namespace }, status }: FlowJob): number | null {
    const name = status?.accepted?.spec.engine.clusterRef?.name;
    const cluster = name === undefined ? undefined : this.options.clusters.get({ namespace, name });
    const taskManager = cluster?.status?.accepted?.spec.taskManager;
    return taskManager === undefined ? null : taskManager.replicas * taskManager.slots;
  }

  /** Why the attempt's submission was refused for good; null when it was not. */
  submissionRefusal(key: ObjectKey, { jobId }: Attempt): string | null {
    return this.submissions.refused(key, jobId);
  }

  jobs(): ObjectKey[] {
    return this.options.inner.jobs();
  }

  processes(key: ObjectKey): ProcessView[] {
    const session = this.session(key);
    const own = this.options.inner.processes(key);
    const process = session === null ? null : this.processOf(key, session);
    return process === null ? own : [...own, process];
  }

  ended(key: ObjectKey): ProcessView[] {
    return this.options.inner.ended(key);
  }

  refusal(key: ObjectKey): Refusal | null {
    const session = this.session(key);
    // What was refused where it ran before is none of its troubles now.
    return session === null ? this.options.inner.refusal(key) : this.submissions.refusal(key, session.attempt.jobId);
  }

  async connection(key: ObjectKey, attempt: Attempt): Promise<Connection | null> {
    const session = this.session(key);
    if (session === null) return this.options.inner.connection(key, attempt);
    return session.attempt.epoch === attempt.epoch ? this.reach(session) : null;
  }

  async ensureProcesses(plan: AttemptPlan, skip: readonly number[], only?: 'TaskManagers'): Promise<void> {
    const { key, attempt, spec } = plan;
    const { clusterRef } = spec.engine;
    if (clusterRef === undefined) return this.options.inner.ensureProcesses(plan, skip, only);
    const connection = this.reach({ cluster: { namespace: key.namespace, name: clusterRef.name }, attempt });
    if (connection !== null) this.submissions.submit(plan, connection);
    // Nothing depends on it, and the next attempt tries again.
    await this.options.inner.clearEarlier(plan).catch(this.options.onTrouble);
  }

  stopProcesses(key: ObjectKey, epoch: number, graceful: boolean): void {
    this.options.inner.stopProcesses(key, epoch, graceful);
    const session = this.session(key);
    if (session === null || session.attempt.epoch > epoch) return;
    const connection = this.reach(session);
    if (connection !== null) this.submissions.stop(key, session.attempt, connection);
  }

  stopTaskManagers(key: ObjectKey, epoch: number, keep: readonly number[]): void {
    this.options.inner.stopTaskManagers(key, epoch, keep);
  }

  /** Images of a cluster are there before its jobs. */
  async newImages(key: ObjectKey, next: AttemptPlan | null): Promise<NewImages | null> {
    return this.options.inner.newImages(key, next?.spec.engine.clusterRef === undefined ? next : null);
  }

  async storage(question: StorageQuestion): Promise<StorageView> {
    const { key } = question;
    const session = this.session(key);
    const process = session === null ? null : this.processOf(key, session);
    if (session === null || process?.state !== 'Running') {
      const writer = session?.attempt.jobManagerUid;
      const asked = this.reachable({ ...question, ...(writer === undefined ? {} : { writer }) });
      return this.withEnd(question, await this.options.inner.storage(asked));
    }
    const { epoch } = session.attempt;
    const connection = this.reach(session);
    // Nobody can tell while the job may write and its JobManager does not answer: it will, or it will be gone.
    if (connection === null) return { epoch, ...NOTHING_KNOWN };
    try {
      return { epoch, ...(await storageByRest(new EngineClient(connection), question)) };
    } catch (error) {
      if (error instanceof EngineClientError) return { epoch, ...NOTHING_KNOWN };
      throw error;
    }
  }

  savepointFolder(place: StatePlace): string | null {
    return this.options.inner.savepointFolder(place);
  }

  claimOf(place: StatePlace): string | null {
    return this.options.inner.claimOf(place);
  }

  async disposeSavepoint(place: StatePlace, savepoint: SavepointPlace): Promise<void> {
    await this.options.inner.disposeSavepoint(this.reachable(place), savepoint);
  }

  async removeState(place: StatePlace): Promise<void> {
    await this.options.inner.removeState(this.reachable(place));
  }

  async forget(key: ObjectKey): Promise<void> {
    await this.options.inner.forget(key);
    this.submissions.forget(key);
    this.known.delete(idOf(key));
  }

  onChange(listener: (key: ObjectKey) => void): void {
    this.options.inner.onChange(listener);
    this.listeners.push(listener);
  }

  close(): void {
    this.listeners.length = 0;
    this.options.inner.close();
  }

  private tell(key: ObjectKey): void {
    for (const listener of this.listeners) listener(key);
  }

  /** Null: the job is none of a cluster's, or has never been started. */
  private session(key: ObjectKey): Session | null {
    const job = this.options.jobs.get(key);
    if (job === undefined) return this.known.get(idOf(key)) ?? null;
    const { attempt, accepted } = job.status ?? {};
    const name = accepted?.spec.engine.clusterRef?.name;
    if (attempt === undefined || name === undefined) {
      this.known.delete(idOf(key));
      return null;
    }
    const session = { cluster: { namespace: key.namespace, name }, attempt };
    this.known.set(idOf(key), session);
    return session;
  }

  /** The job on its JobManager, as the one process that it has; null while it has none, or has none any more. */
  private processOf(key: ObjectKey, { cluster, attempt }: Session): ProcessView | null {
    const uid = attempt.jobManagerUid;
    if (uid === undefined || this.submissions.endOf(key, attempt.jobId) !== null) return null;
    const place = { epoch: attempt.epoch, role: 'JobManager', index: 0, restarts: 0 } as const;
    const jobManager = this.options.processes.processes(cluster).find((one) => one.uid === uid);
    if (jobManager?.state === 'Running')
      return {
        ...place,
        state: 'Running',
        exit: null,
        ...(jobManager.ending ? { deleted: `${jobManager.name} of FlowCluster "${cluster.name}" was deleted.` } : {}),
      };
    // What became of a run that is on record as ended is known.
    if (attempt.ended !== undefined) return null;
    return { ...place, state: 'Exited', exit: this.seen.exitOf(cluster, uid, this.options.clock.now()) };
  }

  /** How a job ended by itself stands nowhere but in the memory of its JobManager, which was asked when it was stopped. */
  private withEnd({ key, jobId }: StorageQuestion, view: StorageView): StorageView {
    const end = jobId === undefined ? null : this.submissions.endOf(key, jobId);
    if (end === null) return view;
    const { result, pendingSavepoint } = end;
    return { ...view, result: result ?? view.result, pendingSavepoint: view.pendingSavepoint ?? pendingSavepoint };
  }

  /** Where the JobManager is that the attempt was submitted to; null when it is gone, or has no address. */
  private reach({ cluster, attempt }: Session): Connection | null {
    const uid = attempt.jobManagerUid;
    const processes = this.options.processes.processes(cluster).filter((one) => one.uid === uid);
    const url = restOf(processes);
    return url === null ? null : { url, token: null };
  }

  /** What is looked at lies where the pods of the cluster are, and is reached as they reach it. */
  private reachable<P extends StatePlace>(place: P): P {
    const job = this.options.jobs.get(place.key);
    const name = (job?.status?.accepted?.spec ?? job?.spec)?.engine.clusterRef?.name;
    if (name === undefined) return place;
    const cluster = this.options.clusters.get({ namespace: place.key.namespace, name });
    return cluster === undefined ? place : { ...place, podTemplate: storageTemplate(cluster) };
  }
}

const takesJobs = ({ state, ending, address, ready }: ClusterProcess): boolean =>
  state === 'Running' && !ending && address !== undefined && ready;
