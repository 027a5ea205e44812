// The simulated world of a job on a FlowCluster: a JobManager that is there without the job, takes each job id once, and forgets all of them when another takes its
// place. What it told of an end is told by nobody else.
import type { FlowJobSpec } from '../api/flowjob.ts';
import type { Attempt } from '../api/status.ts';
import { World } from './simulated-world.fixture.ts';
import type { Action } from './model.ts';
import type { Observation } from './observation.ts';

export class ClusterWorld extends World {
  /** uid of its pod; null while there is none. */
  jobManager: string | null = 'jobmanager-0';
  /** There is such a cluster. */
  exists = true;
  /** Where the cluster that the job names keeps the state of its jobs. */
  storage: NonNullable<FlowJobSpec['state']['storage']> = { uri: 's3://bucket/states' };
  /** The claim with the state of the version that runs, or ran last; null: it is on S3. */
  claimName: string | null = null;
  private made = 0;
  /** Ids that this JobManager has had. */
  private readonly taken = new Set<string>();
  /** Ids of which nothing is left, and nothing can come. */
  private readonly over = new Set<string>();
  /** By id: how those of them ended that had begun. */
  private readonly ends = new Map<string, string>();
  private stopping = false;

  constructor(spec: FlowJobSpec) {
    super({ ...spec, engine: { type: 'Flink', clusterRef: { name: 'shared' } } });
  }

  /** Another JobManager takes the place of this one, or `none` for now. */
  replaceJobManager(none = false): void {
    this.jobManager = none ? null : `jobmanager-${++this.made}`;
    this.engine = null;
    this.taken.clear();
    this.stopping = false;
    this.silent = false;
  }

  /** What the operator had in memory of attempts that are over is gone with it; their JobManager still tells. Of a suspended job that is asked once more, which is no process. */
  replaceOperator(): void {
    if (this.job.status?.state === 'Suspended') return;
    this.over.clear();
    this.stopping = false;
  }

  /** A job has come to its end, and nobody but its JobManager knows: lost with that, it runs once more. */
  get hasUntoldEnd(): boolean {
    const ended = this.job.status?.attempt?.ended;
    const isTold = ended === 'Finished' || ended === 'Stopped';
    return this.engine?.status === 'FINISHED' && !isTold && !this.over.has(this.engine.jobId);
  }

  /** The JobManager lives on and knows none of its jobs any more. */
  forgetJobs(): void {
    this.engine = null;
    this.taken.clear();
  }

  override kill(role: 'JobManager' | 'TaskManager'): void {
    if (role === 'JobManager') this.replaceJobManager();
  }

  override progress(): void {
    if (this.stopping && !this.silent) this.stop();
    super.progress();
    this.note();
  }

  protected override observe(): Observation {
    this.note();
    const { attempt } = this.job.status!;
    const seen = super.observe();
    const isThere = attempt?.jobManagerUid !== undefined && attempt.jobManagerUid === this.jobManager;
    const unsubmitted = isThere && !this.silent && seen.engine === null && !this.taken.has(attempt.jobId);
    return {
      ...seen,
      engine: unsubmitted
        ? {
            ...{ jobId: attempt.jobId, status: 'INITIALIZING', completedCheckpoints: 0, rootCause: null },
            ...{ unreadableState: null, unsubmitted: true, operations: {} },
          }
        : seen.engine,
      claimName: this.claimName,
      storage: { ...seen.storage, result: this.knows(attempt, isThere) ? seen.storage.result : null },
      cluster: {
        jobManager: this.exists ? this.jobManager : null,
        storage: this.exists ? this.storage : null,
        trouble: this.exists && this.jobManager !== null ? null : 'There is no FlowCluster.',
      },
    };
  }

  protected override act(action: Action): void {
    const { attempt } = this.job.status!;
    if (action.kind === 'EnsureProcesses') this.submitOnce(action.epoch);
    else if (action.kind === 'StopProcesses') this.stopping = attempt !== undefined && attempt.epoch <= action.epoch;
    else super.act(action);
    this.note();
  }

  /** Of the size that it was submitted with. */
  protected override rescaleEngine(): void {
    return;
  }

  /** How a job ended its JobManager tells as long as it is asked, and the operator that has seen the end; not that it was cancelled to end its attempt. */
  private knows(attempt: Attempt | undefined, isThere: boolean): boolean {
    if (attempt === undefined || !this.over.has(attempt.jobId)) return isThere && !this.silent;
    return this.ends.get(attempt.jobId) !== 'CANCELED';
  }

  private submitOnce(epoch: number): void {
    const { attempt } = this.job.status!;
    if (attempt?.epoch !== epoch || attempt.jobManagerUid === undefined || this.silent) return;
    if (attempt.jobManagerUid !== this.jobManager || this.taken.has(attempt.jobId)) return;
    if (this.engine !== null && this.isLive() && this.engine.jobId !== attempt.jobId)
      this.violations.push(`attempt ${epoch} was submitted beside another one`);
    this.taken.add(attempt.jobId);
    this.submit();
  }

  private isLive(): boolean {
    return this.engine !== null && !['FINISHED', 'FAILED', 'CANCELED'].includes(this.engine.status);
  }

  private stop(): void {
    const { attempt } = this.job.status!;
    if (this.isLive()) return this.end('CANCELED', null);
    this.stopping = false;
    if (attempt === undefined) return;
    this.over.add(attempt.jobId);
    if (this.engine?.jobId === attempt.jobId) this.ends.set(attempt.jobId, this.engine.status);
  }

  /** The job on its JobManager, as the one process that it has. */
  private note(): void {
    const { attempt } = this.job.status!;
    this.processes = [];
    if (attempt?.jobManagerUid === undefined || this.over.has(attempt.jobId)) return;
    const process = { epoch: attempt.epoch, role: 'JobManager', index: 0, restarts: 0, stopping: false } as const;
    if (attempt.jobManagerUid === this.jobManager) this.processes = [{ ...process, state: 'Running', exit: null }];
    else if (attempt.ended === undefined)
      this.processes = [{ ...process, state: 'Exited', exit: { at: this.now, asked: true, reason: 'it was deleted' } }];
  }
}
