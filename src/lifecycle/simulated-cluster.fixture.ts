// The simulated world of a job on a FlowCluster, and of one that moves between there and processes of its own: a JobManager that is there without the job, takes each
// job id once, and forgets all of them when another takes its place. How a job came to its end it tells, and the operator that has heard it; nobody else.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { Attempt } from '../api/status.ts';
import { World } from './simulated-world.fixture.ts';
import type { Engine, WorldProcess } from './simulated-model.fixture.ts';
import type { Action } from './model.ts';
import { NOTHING_KNOWN, type EngineView, type Observation, type StorageView } from './observation.ts';

const TERMINAL: readonly EngineView['status'][] = ['FINISHED', 'FAILED', 'CANCELED'];

export class ClusterWorld extends World {
  /** uid of its pod; null while there is none. */
  jobManager: string | null = 'jobmanager-0';
  /** There is such a cluster. */
  exists = true;
  /** Where the cluster that the job names keeps the state of its jobs. */
  storage: NonNullable<FlowJobSpec['state']['storage']> = { uri: 's3://bucket/states' };
  /** The claim with the state of the version that runs, or ran last; null: it is on S3. */
  claimName: string | null = null;
  /** Its JobManager takes no program. */
  refuses = false;
  /** What is submitted comes to it only when this is over, and nobody hears of it until then. */
  isSlow = false;
  /** How often another operator has taken over. */
  operators = 0;
  /** A part of its tasks has no slot: the job runs for Flink. */
  runsInPart = false;
  private hasSlots = true;
  private made = 0;
  /** Ids that this JobManager has had. */
  private readonly taken = new Set<string>();
  /** Those of them that have ended, and that it knows no more. */
  private readonly forgotten = new Set<string>();
  /** A submission that nobody has an answer to: it may come yet. */
  private onItsWay: Attempt | null = null;
  /** Id that is to end: one step is taken for each time that this is asked for. */
  private stopping: string | null = null;
  /** What the operator has in memory. Ids of which nothing is left, and nothing can come; how those of them ended that it has heard of; those that were refused. */
  private readonly over = new Set<string>();
  private readonly ends = new Map<string, Engine['status']>();
  private readonly rejected = new Set<string>();
  /** The job on its JobManager, as the one process that it has. */
  private shown: WorldProcess | null = null;

  constructor(spec: FlowJobSpec) {
    super({ ...spec, engine: { type: 'Flink', clusterRef: { name: 'shared' } } });
  }

  /** Another JobManager takes the place of this one, or `none` for now. */
  replaceJobManager(none = false): void {
    if (this.engine !== null && this.taken.has(this.engine.jobId)) this.engine = null;
    this.jobManager = none ? null : `jobmanager-${++this.made}`;
    this.taken.clear();
    this.forgotten.clear();
    this.onItsWay = null;
    this.stopping = null;
    if (this.isOnCluster) this.silent = false;
  }

  /** What the operator had in memory is gone with it. */
  replaceOperator(): void {
    this.operators++;
    this.over.clear();
    this.ends.clear();
    this.rejected.clear();
    this.stopping = null;
  }

  /** The JobManager keeps so many ended jobs, and each for so long. */
  forgetJobs(): void {
    for (const jobId of this.taken) if (this.results.has(jobId)) this.forgotten.add(jobId);
    if (this.engine !== null && this.forgotten.has(this.engine.jobId)) this.engine = null;
  }

  /** A submission that was on its way never comes. */
  loseSubmission(): void {
    this.onItsWay = null;
  }

  /** The slots that the job has, or would have, are gone with their TaskManagers; or there are some again. */
  giveSlots(hasSlots: boolean): void {
    this.hasSlots = hasSlots;
    if (hasSlots || this.engine?.status !== 'RUNNING' || !this.taken.has(this.engine.jobId)) return;
    this.restartTasks(this.engine);
    this.engine.status = 'CREATED';
  }

  /** Lost with its JobManager, or forgotten by that, the end of the job would never be known. Of one that was stopped its savepoint tells. */
  get jobManagerAloneKnows(): boolean {
    return this.isUntold && !this.operatorHasHeard;
  }

  /** The same of an operator that has heard of the end from a JobManager that knows it no more, and has not put it on record. */
  get operatorAloneKnows(): boolean {
    const { attempt } = this.job.status!;
    const isKnown = this.taken.has(attempt?.jobId ?? '') && !this.forgotten.has(attempt?.jobId ?? '');
    return this.isUntold && !isKnown;
  }

  /** What its JobManager has not heard of yet, and may. */
  get isSubmissionOnItsWay(): boolean {
    return this.onItsWay !== null;
  }

  get isForgotten(): boolean {
    return this.forgotten.has(this.job.status!.attempt?.jobId ?? '');
  }

  get isRefused(): boolean {
    return this.rejected.has(this.job.status!.attempt?.jobId ?? '');
  }

  /** The version that runs, or ran last. */
  get isOnCluster(): boolean {
    return this.job.status!.accepted?.spec.engine.clusterRef !== undefined;
  }

  override kill(role: 'JobManager' | 'TaskManager'): void {
    if (!this.isOnCluster) super.kill(role);
    else if (role === 'JobManager') this.replaceJobManager();
  }

  override progress(): void {
    if (!this.silent) {
      if (!this.isSlow) this.deliver();
      if (this.stopping !== null) this.stop(this.stopping);
      if (this.engine?.status === 'CREATED') this.wakeUp(this.engine);
    }
    super.progress();
    this.note();
  }

  protected override observe(): Observation {
    this.note();
    const { spec, status } = this.job;
    const seen = { ...super.observe(), claimName: this.claimName };
    if (this.isOnCluster || spec.engine.clusterRef !== undefined)
      seen.cluster = {
        jobManager: this.exists ? this.jobManager : null,
        storage: this.exists ? this.storage : null,
        trouble: this.exists && this.jobManager !== null ? null : 'There is no FlowCluster.',
      };
    const { attempt } = status!;
    if (attempt === undefined || !this.isOnCluster) return seen;
    const runs = this.shown?.state === 'Running';
    const answers = runs && !this.silent;
    const engine = answers ? this.answer(attempt, seen.engine) : null;
    return {
      ...seen,
      engine,
      silentSince: runs && this.silent ? this.now - this.silentFor : null,
      storage: { ...(runs ? this.told(seen.storage, engine) : this.left(seen.storage, attempt)), epoch: attempt.epoch },
    };
  }

  protected override act(action: Action): void {
    const { attempt } = this.job.status!;
    if (action.kind === 'EnsureProcesses' && this.isOnCluster) this.send(action.epoch);
    else super.act(action);
    if (action.kind === 'StopProcesses' && this.isOnCluster && attempt !== undefined && attempt.epoch <= action.epoch)
      this.stopping = attempt.jobId;
    if (action.kind === 'CancelJob' && this.engine?.jobId === action.jobId && this.engine.status === 'CREATED')
      this.engine.asked.push({ kind: 'Cancel', triggerId: '' });
    this.note();
  }

  /** On a cluster it is of the size that it was submitted with. */
  protected override rescaleEngine(engine: Engine): void {
    if (!this.isOnCluster) super.rescaleEngine(engine);
  }

  protected override submit(): void {
    const { epoch, jobId } = this.job.status!.attempt!;
    if (this.isLive() && this.engine?.jobId !== jobId)
      this.violations.push(`attempt ${epoch} was submitted beside another one`);
    super.submit();
    if (this.isOnCluster && !this.hasSlots && this.engine !== null) this.engine.status = 'CREATED';
  }

  /** That an operator asks once more how an attempt ended is no process. */
  protected override check(): void {
    const { attempt, state } = this.job.status!;
    super.check(attempt?.ended === undefined ? this.processes : this.processes.filter((p) => p !== this.shown));
    if (this.isLive() && state === 'Suspended') this.violations.push('a suspended job runs on its cluster');
    if (this.isLive() && this.gone) this.violations.push('a deleted job runs on its cluster');
  }

  /** The job has come to the end of its input, and its status does not say so. */
  private get isUntold(): boolean {
    const { attempt } = this.job.status!;
    const result = this.results.get(attempt?.jobId ?? '');
    const isTold = attempt?.ended === 'Finished' || attempt?.ended === 'Stopped';
    return this.isOnCluster && result?.state === 'FINISHED' && result.savepointPath === null && !isTold;
  }

  private get operatorHasHeard(): boolean {
    return this.ends.has(this.job.status!.attempt?.jobId ?? '');
  }

  /** What its JobManager says of the attempt's job. */
  private answer({ jobId }: Attempt, engine: EngineView | null): EngineView {
    const none = { jobId, completedCheckpoints: 0, unreadableState: null, operations: {} };
    if (this.rejected.has(jobId)) return { ...none, status: 'FAILED', rootCause: 'it was refused' };
    if (engine === null) return { ...none, status: 'INITIALIZING', rootCause: null, unsubmitted: true };
    const lacksSlots = engine.status === 'CREATED' || (engine.status === 'RUNNING' && this.runsInPart);
    return lacksSlots ? { ...engine, waiting: 'FlowCluster "shared" has no slots -> wait' } : engine;
  }

  /** What is known of storage while the job may write there: what its JobManager says, which is asked unless the job runs. */
  private told(storage: StorageView, engine: EngineView | null): StorageView {
    const knows = engine !== null && engine.unsubmitted !== true && !this.rejected.has(engine.jobId);
    return knows && engine.status !== 'RUNNING' ? storage : { ...NOTHING_KNOWN, epoch: storage.epoch };
  }

  /** What is there when nothing can write any more. That a job was cancelled to end its attempt is no end of its own. */
  private left(storage: StorageView, { jobId }: Attempt): StorageView {
    const end = this.ends.get(jobId);
    return { ...storage, result: end === undefined || end === 'CANCELED' ? null : storage.result };
  }

  private send(epoch: number): void {
    const { attempt } = this.job.status!;
    if (attempt?.epoch !== epoch || attempt.jobManagerUid === undefined) return;
    if (attempt.jobManagerUid !== this.jobManager || this.rejected.has(attempt.jobId)) return;
    if (this.silent || this.isSlow) this.onItsWay = attempt;
    else if (this.forgotten.has(attempt.jobId) || (this.refuses && !this.taken.has(attempt.jobId)))
      this.rejected.add(attempt.jobId);
    else this.take(attempt);
  }

  private deliver(): void {
    const attempt = this.onItsWay;
    this.onItsWay = null;
    if (attempt !== null && !this.refuses) this.take(attempt);
  }

  private take({ epoch, jobId }: Attempt): void {
    if (this.taken.has(jobId)) return;
    this.taken.add(jobId);
    const { attempt } = this.job.status!;
    if (this.gone || attempt?.epoch !== epoch || this.over.has(jobId))
      this.violations.push(`attempt ${epoch} was given up while its submission was on its way`);
    else this.submit();
  }

  private isLive(): boolean {
    return this.engine !== null && !TERMINAL.includes(this.engine.status);
  }

  /** One step towards the end of the attempt: nothing of it is left when its JobManager says so, and no submission is on its way. */
  private stop(jobId: string): void {
    this.stopping = null;
    if (this.onItsWay?.jobId === jobId) return;
    const engine = this.engine?.jobId === jobId ? this.engine : null;
    if (engine !== null && this.isLive()) return this.cancel(engine);
    this.over.add(jobId);
    if (engine !== null) this.ends.set(jobId, engine.status);
  }

  private cancel(engine: Engine): void {
    if (engine.status === 'CREATED') engine.status = 'RUNNING';
    this.end('CANCELED', null);
  }

  /** Tasks that wait for slots. */
  private wakeUp(engine: Engine): void {
    if (engine.asked.some(({ kind }) => kind === 'Cancel')) this.cancel(engine);
    else if (this.hasSlots) engine.status = 'RUNNING';
  }

  private note(): void {
    this.processes = this.processes.filter((process) => process !== this.shown);
    this.shown = this.processOf(this.job.status!.attempt);
    if (this.shown !== null) this.processes.push(this.shown);
  }

  /** The job on its JobManager; null: it has none, or is over. */
  private processOf(attempt: Attempt | undefined): WorldProcess | null {
    if (!this.isOnCluster || attempt?.jobManagerUid === undefined || this.over.has(attempt.jobId)) return null;
    const place = { epoch: attempt.epoch, role: 'JobManager', index: 0, restarts: 0, stopping: false } as const;
    if (attempt.jobManagerUid === this.jobManager) return { ...place, state: 'Running', exit: null };
    // What became of a run that is on record as ended is known.
    if (attempt.ended !== undefined) return null;
    return { ...place, state: 'Exited', exit: { at: this.now, asked: true, reason: 'it was deleted' } };
  }
}
