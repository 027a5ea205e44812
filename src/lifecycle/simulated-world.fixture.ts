// A world for the lifecycle to act upon in tests: processes, an engine and storage as data, with faults on demand. It keeps its own books on what
// must never happen, apart from anything that the lifecycle believes.
import type { FlowJob, FlowJobSpec } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { START_LIMIT } from './back-off.ts';
import { decide } from './decide.ts';
import { savepointOfRun } from './facts.ts';
import { namedPath } from './first-start.ts';
import { newJob, newSavepoint, scheduledSavepoint } from './simulated-objects.fixture.ts';
import { SimulatedAhead } from './simulated-ahead.fixture.ts';
import { RollbackBooks } from './simulated-rollback.fixture.ts';
import { RunBooks } from './simulated-runs.fixture.ts';
import { comeBack, registered, rescale, scaleView, stopAll, working } from './simulated-scale.fixture.ts';
import { pictureOf, violationsIn, violationsOfReplacement } from './simulated-checks.fixture.ts';
import {
  newestCheckpoint,
  problemOf,
  stateOfRun,
  told,
  wantedProcesses,
  leftByOthers,
  CHECKPOINT_INTERVAL,
  type Crash,
  type Engine,
  type Manner,
  type Snapshot,
  type WorldProcess,
} from './simulated-model.fixture.ts';
import type { Action, Decision } from './model.ts';
import type {
  AutoscalerView,
  EngineScale,
  NamedSavepoint,
  NewImages,
  Observation,
  ProcessView,
  ReferencedSql,
  RunResult,
  Restorer,
} from './observation.ts';

export class World {
  now = Date.parse('2026-01-01T00:00:00Z');
  job: FlowJob;
  savepoints: FlowSavepoint[] = [];
  processes: WorldProcess[] = [];
  engine: Engine | null = null;
  snapshots: Snapshot[] = [];
  results = new Map<string, RunResult>();
  epoch = 0;
  sqlError: string | null = null;
  stateAtRisk: string | null = null;
  /** Who is to start from a checkpoint of the job. */
  restorer: Restorer | undefined;
  /** Of a spec whose text stands in a ConfigMap. */
  referencedSql: ReferencedSql | null = null;
  gone = false;
  /** The JobManager runs, but has not answered: for longer than it may, unless `silentFor` says less. */
  silent = false;
  /** How long it has been, milliseconds. */
  silentFor = START_LIMIT;
  /** Why the manifests of the run's checkpoints cannot be read; null when they can. */
  unreadable: string | null = null;
  /** Path of state that an earlier job of this name has left in storage. */
  earlier: string | null = null;
  /** By name: FlowSavepoints of other jobs. */
  named: Record<string, NamedSavepoint> = {};
  /** A checkpoint of this job was complete at some time. */
  private proven = false;
  /** Why no process can be made; null when it can. */
  refusal: string | null = null;
  private refused: Observation['refusal'] = null;
  /** The folder of a savepoint that somebody has moved away. */
  away: string | null = null;
  /** Why the tasks cannot read the state that they are to start from; null when they can. */
  unreadableByTasks: string | null = null;
  flinkRelease?: string;
  /** Why the engine does not rescale; null when it does. */
  noRescale: string | null = null;
  readonly manner: Manner = { behindCheckpoints: false, spreads: false };
  private refusedScale: Record<string, string> = {};
  /** Then a savepoint is in order. */
  private hasRefused = false;
  autoscaler: AutoscalerView | undefined;
  /** Images of the version to come: that they cannot be had, or that this is being found out; null when they are there. */
  newImages: NewImages | null = null;
  /** What can be started before its job, and how it is. */
  readonly ahead = new SimulatedAhead();
  /** SQL texts of versions that never come to a checkpoint. */
  readonly hopeless = new Set<string>();
  private readonly rollbacks = new RollbackBooks();
  writes = 0;
  /** What went wrong, in words. */
  readonly violations: string[] = [];
  /** The newest state whose output was published, in the current line of runs. */
  private published = 0;
  private readonly runs = new RunBooks();
  /** By epoch: the run that its attempt belongs to. */
  private readonly jobIds = new Map<number, string>();
  /** Paths of savepoints that ended a run. */
  private readonly stopped = new Set<string>();

  constructor(spec: FlowJobSpec) {
    this.job = newJob(spec);
  }

  edit(change: (spec: FlowJobSpec) => void): void {
    const before = JSON.stringify(this.job.spec);
    const spec = structuredClone(this.job.spec);
    change(spec);
    if (JSON.stringify(spec) === before) return;
    this.rollbacks.edited(this.job.spec, spec);
    this.job = { ...this.job, spec, metadata: { ...this.job.metadata, generation: this.job.metadata.generation + 1 } };
  }

  createSavepoint(name: string): void {
    this.savepoints.push(newSavepoint(name, this.job));
  }

  /** One pass of the operator, cut off where `crash` says; `meanwhile` happens between the decision and what is done about it. */
  pass(crash: Crash = 'none', meanwhile?: () => void): Decision | null {
    if (this.gone) return null;
    const { job, savepoints, now } = this;
    const decision = decide({ job, savepoints, observation: this.observe(), now });
    if (crash === 'before write') return decision;
    this.judgeUnreadable(decision);
    const scales = !this.manner.spreads && !this.hasRefused;
    this.violations.push(
      ...violationsOfReplacement(job, decision.status, { imagesAreThere: this.newImages === null, scales }),
    );
    this.violations.push(...this.ahead.judge(job, decision.status, this.processes));
    this.violations.push(...this.rollbacks.judge(job.status!, decision.status, this.snapshots));
    if (JSON.stringify(job.status) !== JSON.stringify(decision.status)) this.writes++;
    this.job = { ...job, status: decision.status };
    const { violations, isNewAfterEnd } = this.runs.note(this.job);
    this.violations.push(...violations);
    if (isNewAfterEnd) this.published = 0;
    for (const { name, status } of decision.savepoints) {
      const savepoint = this.savepoints.find((s) => s.metadata.name === name)!;
      if (JSON.stringify(savepoint.status) !== JSON.stringify(status)) this.writes++;
      savepoint.status = status;
    }
    if (crash === 'after write') return decision;
    meanwhile?.();
    decision.actions.slice(0, crash === 'none' ? undefined : crash).forEach((action) => this.act(action));
    if (crash !== 'none') return decision;
    for (const { name, finalizer } of decision.savepoints)
      if (finalizer === 'remove') this.savepoints = this.savepoints.filter((s) => s.metadata.name !== name);
    if (decision.finalizer === 'remove') this.gone = true;
    this.check();
    return decision;
  }

  /** A new attempt may be decided on only if the state that it has to go on from can be read. */
  private judgeUnreadable({ status }: Decision): void {
    const { attempt } = this.job.status!;
    const next = status.attempt;
    if (next !== undefined && next.epoch !== attempt?.epoch && next.restoreFrom === this.away)
      if (!this.snapshots.some((s) => s.jobId === next.jobId))
        this.violations.push(`attempt ${next.epoch} was decided on although the savepoint that it starts from is gone`);
    if (this.unreadable === null || attempt === undefined || status.attempt?.epoch === attempt.epoch) return;
    const lost = this.snapshots.some((s) => s.jobId === attempt.jobId && s.kind === 'Checkpoint');
    const stateless =
      status.accepted?.spec.mode === 'Batch' || this.allowedEmpty || this.runs.isFinished(attempt.jobId);
    if (lost && !stateless && attempt.ended !== 'Stopped')
      this.violations.push(`attempt ${status.attempt?.epoch} was decided on although its state cannot be read`);
  }

  private isThere = (path: string): boolean => path !== this.away && this.snapshots.some((s) => s.path === path);

  protected observe(): Observation {
    const { attempt, pending } = this.job.status!;
    const engine = this.engine;
    const mine = engine !== null && engine.epoch === attempt?.epoch && !this.silent ? engine : null;
    const own = stateOfRun(this.snapshots, this.job.status!, this.away);
    const asked = savepointOfRun(this.job.status!);
    const { restore } = this.job.spec.state;
    const named = this.named[restore?.savepointRef?.name ?? ''] ?? null;
    const stopped = this.snapshots.find((s) => pending?.kind === 'StopWithSavepoint' && s.path === pending.triggerId);
    return {
      processes: this.processes.map(({ stopping: _, ...process }) => ({ ...process })),
      refusal: this.refused,
      ...this.ahead.observed(this.job, this.processes, this.now),
      engine:
        mine === null
          ? this.ahead.unsubmitted(this.job, this.processes, this.silent, this.jobIds)
          : {
              ...told(mine),
              unreadableState: this.unreadableByTasks,
              ...(this.flinkRelease === undefined ? {} : { release: this.flinkRelease }),
              ...(this.job.status!.scaling === undefined ? {} : { scale: this.scaleOf(mine) }),
              operations: Object.fromEntries(mine.operations),
            },
      silentSince:
        (this.silent && engine !== null) || this.ahead.isLeaderless(this.processes) ? this.now - this.silentFor : null,
      storage: {
        epoch: this.epoch,
        newest: own[0] === undefined || this.unreadable !== null ? null : { path: own[0].path, kind: own[0].kind },
        unreadable: { checkpoints: own.length > 0 ? this.unreadable : null, savepoint: null },
        ...(asked !== undefined && !this.isThere(asked) ? { savepointGone: true } : {}),
        pendingSavepoint: stopped?.path ?? null,
        result: attempt === undefined ? null : (this.results.get(attempt.jobId) ?? null),
        found: this.earlier === null ? null : leftByOthers(this.earlier),
        savepoint: problemOf(this.snapshots, namedPath(restore, named)),
      },
      named,
      claimName: null,
      restorers: {},
      ...(this.restorer === undefined ? {} : { restorer: this.restorer }),
      sqlError: this.sqlError,
      ...(this.stateAtRisk === null ? {} : { stateAtRisk: this.stateAtRisk }),
      ...(this.newImages === null ? {} : { newImages: this.newImages }),
      ...(this.autoscaler === undefined ? {} : { autoscaler: this.autoscaler }),
      ...(this.referencedSql === null ? {} : { referencedSql: this.referencedSql }),
    };
  }

  /** Savepoints or checkpoints of other jobs, at a position that this job has not reached. */
  foreign(path: string, position: number): void {
    this.snapshots.push({ path, jobId: 'of another job', epoch: 1, id: 1, position, kind: 'Savepoint' });
  }

  private get slots(): number {
    return this.job.status!.accepted!.spec.taskManager.slots;
  }
  private get registered(): number[] {
    return registered(this.processes, this.engine?.epoch ?? 0);
  }

  private scaleOf(engine: Engine): EngineScale {
    const refusal = this.refusedScale[JSON.stringify(this.job.status!.scaling)] ?? null;
    return scaleView(engine, this.registered, this.slots, refusal, this.manner);
  }

  protected rescaleEngine(engine: Engine): void {
    // A job that is over is not brought back by it.
    if (engine.status !== 'RUNNING' && engine.status !== 'RESTARTING') return;
    // One that was asked to stop does not begin with anything else.
    const stops = engine.asked.some(({ kind }) => kind === 'Stop' || kind === 'Cancel');
    if (this.job.status!.accepted!.spec.mode === 'Batch' || (stops && !engine.rescaling)) return;
    // Nobody asks for a checkpoint when a lost TaskManager is back: the one of the interval comes all the same.
    const due = this.now - engine.checkpointedAt >= CHECKPOINT_INTERVAL;
    const waits = this.manner.behindCheckpoints && !due && !engine.asked.some(({ kind }) => kind === 'Checkpoint');
    if (waits && !engine.rescaling) return;
    rescale(engine, this.registered, this.slots, () => this.complete('Checkpoint', null));
  }

  private stopTaskManagers(epoch: number, keep: readonly number[]): void {
    if (JSON.stringify(this.job.status!.attempt?.taskManagers) !== JSON.stringify(keep))
      this.violations.push('TaskManagers were stopped that stand in status');
    const busy =
      this.engine?.status === 'RUNNING' ? working(this.engine, this.registered, this.slots, this.manner) : [];
    const mine = this.processes.filter((p) => p.epoch === epoch && p.role === 'TaskManager' && !keep.includes(p.index));
    this.violations.push(...stopAll(mine, busy));
    this.processes = this.processes.filter((p) => p.state === 'Running' || !mine.includes(p));
  }

  protected act(action: Action): void {
    const engine = this.engine;
    switch (action.kind) {
      case 'StopTaskManagers':
        return this.stopTaskManagers(action.epoch, action.keep);
      case 'Rescale':
        if (engine?.jobId !== action.jobId) return;
        if (this.noRescale !== null) {
          this.hasRefused = true;
          this.refusedScale = { [JSON.stringify(this.job.status!.scaling)]: this.noRescale };
        } else engine.upperBound = action.bounds['wide']!.upperBound;
        return;
      case 'EnsureProcesses':
        return this.ensure(action);
      case 'SubmitJob':
        return this.submitTo(action);
      case 'DropPrepared':
        if (this.jobIds.has(action.epoch)) this.violations.push(`attempt ${action.epoch} was dropped with its job`);
        for (const process of this.processes) if (process.epoch === action.epoch) process.stopping = true;
        return;
      case 'StopProcesses':
        for (const process of this.processes) if (process.epoch <= action.epoch) process.stopping = true;
        return;
      case 'TriggerCheckpoint':
      case 'TriggerSavepoint':
      case 'StopWithSavepoint': {
        if (engine?.jobId !== action.jobId || engine.status !== 'RUNNING' || engine.operations.has(action.triggerId))
          return;
        engine.operations.set(action.triggerId, { state: 'InProgress' });
        const kind = (
          { TriggerCheckpoint: 'Checkpoint', TriggerSavepoint: 'Savepoint', StopWithSavepoint: 'Stop' } as const
        )[action.kind];
        engine.asked.push({ kind, triggerId: action.triggerId });
        return;
      }
      case 'CancelJob':
        if (engine?.jobId === action.jobId && (engine.status === 'RUNNING' || engine.status === 'RESTARTING'))
          engine.asked.push({ kind: 'Cancel', triggerId: '' });
        return;
      case 'CreateSavepoint':
        if (!this.savepoints.some((s) => s.metadata.name === action.name))
          this.savepoints.push(scheduledSavepoint(action.name, this.job, this.now));
        return;
      case 'DeleteSavepoint': {
        const found = this.savepoints.find((s) => s.metadata.name === action.name);
        if (found !== undefined) found.metadata.deletionTimestamp = new Date(this.now).toISOString();
        return;
      }
      case 'DeleteJob':
        this.job = {
          ...this.job,
          metadata: { ...this.job.metadata, deletionTimestamp: new Date(this.now).toISOString() },
        };
        return;
      case 'DisposeSavepoint':
        this.snapshots = this.snapshots.filter((s) => s.path !== action.path);
        return;
      case 'RemoveState':
        this.snapshots = this.snapshots.filter((s) => s.kind === 'Savepoint');
        return;
    }
  }

  private ensure(action: Extract<Action, { kind: 'EnsureProcesses' }>): void {
    const { attempt, accepted, prepared } = this.job.status!;
    if (prepared?.epoch === action.epoch) {
      this.processes.push(...this.ahead.made(prepared, this.processes));
      return;
    }
    if (attempt?.epoch !== action.epoch || accepted === undefined) return;
    this.judgeAlone(action.epoch);
    this.refused = this.refusal === null ? null : { reason: this.refusal, retryAt: this.now + 5_000 };
    if (this.refused !== null) return;
    for (const { role, index } of wantedProcesses(attempt, accepted.spec.taskManager.replicas)) {
      if (role === 'TaskManager' ? action.skip.includes(index) : action.only === 'TaskManagers') continue;
      const old = this.processes.find((p) => p.epoch === action.epoch && p.role === role && p.index === index);
      if (old?.state === 'Running' || (old !== undefined && role === 'JobManager')) continue;
      this.processes = this.processes.filter((p) => p !== old);
      const restarts = old === undefined ? 0 : old.restarts + 1;
      this.processes.push({
        epoch: action.epoch,
        role,
        index,
        state: 'Running',
        exit: null,
        restarts,
        stopping: false,
      });
      if (role === 'JobManager' && attempt.session !== true) this.submit();
    }
  }

  /** No job of another attempt may be alive, nor come to life any more. */
  private judgeAlone(epoch: number): void {
    if (this.processes.some((p) => p.state === 'Running' && p.epoch !== epoch && !this.isIdle(p.epoch)))
      this.violations.push(`attempt ${epoch} started while an older one was alive`);
  }

  /** Over, or never begun. */
  private isIdle = (epoch: number): boolean => this.isOver(epoch) || !this.jobIds.has(epoch);

  private submitTo({ epoch, jobId }: { epoch: number; jobId: string }): void {
    const { attempt } = this.job.status!;
    const isUp = this.processes.some((p) => p.epoch === epoch && p.role === 'JobManager' && p.state === 'Running');
    if (attempt?.epoch !== epoch || attempt.jobId !== jobId || !isUp) return;
    if (this.jobIds.has(epoch)) return this.leadAgain();
    this.judgeAlone(epoch);
    this.submit();
  }

  /** The run of an attempt was ended by its savepoint, with all its output published: processes that are left of it can do nothing more. */
  private isOver(epoch: number): boolean {
    const jobId = this.jobIds.get(epoch);
    return this.snapshots.some((s) => s.jobId === jobId && s.epoch === epoch && this.stopped.has(s.path));
  }

  /** What a JobManager does at its start. */
  protected submit(): void {
    const { epoch, jobId, restoreFrom } = this.job.status!.attempt!;
    if (this.epoch >= epoch) return this.exit((p) => p.epoch === epoch && p.role === 'JobManager', false);
    this.epoch = epoch;
    this.jobIds.set(epoch, jobId);
    const own = newestCheckpoint(this.snapshots, { jobId });
    const from = own ?? this.snapshots.find((s) => s.path === restoreFrom);
    if (restoreFrom !== undefined && from === undefined)
      this.violations.push(`${restoreFrom} was removed and is restored from`);
    const result = this.results.get(jobId);
    if (result === undefined) this.judgeStart(from?.position ?? 0);
    if (result === undefined) this.judgeOrigin(from);
    this.engine = {
      epoch,
      jobId,
      status: result?.state ?? 'RUNNING',
      rootCause: result?.failure ?? null,
      position: from?.position ?? 0,
      origin: from?.position ?? 0,
      checkpointId: from?.id ?? 0,
      completedCheckpoints: 0,
      upperBound: own?.upperBound ?? this.job.status!.accepted!.spec.job.parallelism,
      parallelism: this.job.status!.accepted!.spec.job.parallelism,
      rescaling: false,
      restartedAt: 0,
      checkpointedAt: this.now,
      at: [],
      operations: new Map(),
      asked: [],
    };
  }

  private judgeStart(position: number): void {
    const { accepted, attempt } = this.job.status!;
    const stateless = accepted!.spec.mode === 'Batch' || this.allowedEmpty;
    if (position < this.published && !stateless)
      this.violations.push(
        `restored from ${position}, but output up to ${this.published} was published (${attempt!.restoreFrom ?? 'empty'})`,
      );
    if (stateless) this.published = position;
  }

  /** Never empty beside state that was there before, unless the spec says so; never back to where the job came from. */
  private judgeOrigin(from: Snapshot | undefined): void {
    const { mode, state } = this.job.status!.accepted!.spec;
    if (from?.jobId === 'of another job' && this.proven)
      this.violations.push(`went back to ${from.path} although the job has had checkpoints of its own`);
    const asked = state.restore?.policy === 'Empty' || this.proven || this.allowedEmpty;
    if (this.earlier !== null && from === undefined && mode === 'Streaming' && !asked)
      this.violations.push(`started empty beside ${this.earlier}`);
  }

  /** The spec has said Stateless at some time, so an empty start may be what was asked for. */
  allowedEmpty = false;

  /** Everything under way goes one step on: processes that were asked to end do, operations complete. */
  progress(): void {
    this.exit((p) => p.stopping, true);
    const engine = this.engine;
    if (engine?.status === 'RESTARTING' && !engine.rescaling) return this.comeBack(engine);
    if (engine !== null) this.rescaleEngine(engine);
    if (engine === null || engine.status !== 'RUNNING') return;
    engine.position++;
    if (this.hopeless.has(this.job.status!.accepted!.spec.job.sql!.inline)) this.failOperations();
    for (const { kind, triggerId } of engine.asked.splice(0)) {
      if (engine.status !== 'RUNNING') break;
      if (kind === 'Cancel') this.end('CANCELED', null);
      else if (kind === 'Stop') this.halfStop(triggerId, true);
      else this.complete(kind, triggerId);
    }
  }

  /** The tasks of a stream have lost a TaskManager: what was under way fails, and they go back to the newest checkpoint. */
  protected restartTasks(engine: Engine): void {
    if (engine.status !== 'RUNNING' || this.job.status!.accepted!.spec.mode !== 'Streaming') return;
    this.failOperations();
    engine.status = 'RESTARTING';
    engine.restartedAt = this.now;
    engine.position = newestCheckpoint(this.snapshots, engine)?.position ?? engine.origin;
  }

  /** A JobManager that had lost its lead goes on with the job in its own books, also where that is submitted once more. */
  leadAgain(): void {
    const engine = this.ahead.withLead(this.processes);
    if (engine === null) return;
    this.engine = engine;
    this.restartTasks(engine);
    this.judgeStart(engine.position);
  }

  /** The tasks run again once all their TaskManagers are there. */
  private comeBack(engine: Engine): void {
    if (engine.asked.some(({ kind }) => kind === 'Cancel')) return this.end('CANCELED', null);
    comeBack(engine, this.registered, this.slots, this.now - engine.restartedAt);
  }

  checkpoint(): void {
    const { mode, job } = this.job.status!.accepted?.spec ?? {};
    if (this.engine?.status === 'RUNNING' && mode === 'Streaming' && !this.hopeless.has(job?.sql?.inline ?? ''))
      this.complete('Checkpoint', null);
  }

  private complete(kind: 'Checkpoint' | 'Savepoint', triggerId: string | null): void {
    const engine = this.engine!;
    const { epoch, jobId, position } = engine;
    const id = ++engine.checkpointId;
    const path = kind === 'Checkpoint' ? `chk-${jobId}-${epoch}-${id}` : triggerId!;
    // The same trigger id again, asked of a later attempt, is the same path: the newer takes the older one's place.
    this.snapshots = this.snapshots.filter((snapshot) => snapshot.path !== path);
    this.snapshots.push({ path, jobId, epoch, id, position, kind, upperBound: engine.upperBound });
    if (triggerId !== null)
      engine.operations.set(triggerId, { state: 'Completed', path: kind === 'Savepoint' ? path : null });
    this.proven = true;
    if (kind === 'Checkpoint') {
      engine.completedCheckpoints++;
      engine.checkpointedAt = this.now;
      this.published = position;
    }
  }

  /** A stop with a savepoint: the savepoint is complete and its output published; the result follows, unless the JobManager dies just then. */
  halfStop(triggerId: string, andResult: boolean): void {
    const engine = this.engine!;
    this.complete('Savepoint', triggerId);
    this.stopped.add(triggerId);
    this.published = engine.position;
    if (andResult) this.end('FINISHED', triggerId);
    else {
      engine.operations.delete(triggerId);
      this.kill('JobManager');
    }
  }

  /** The JobManager dies right after the savepoint of a stop that is under way was completed. */
  dieWhileStopping(): void {
    const stop =
      this.engine?.status === 'RUNNING' ? this.engine.asked.find((asked) => asked.kind === 'Stop') : undefined;
    if (stop !== undefined) this.halfStop(stop.triggerId, false);
  }

  failOperations(): void {
    for (const { triggerId, kind } of this.engine?.asked.splice(0) ?? [])
      if (kind !== 'Cancel') this.engine!.operations.set(triggerId, { state: 'Failed', message: 'declined' });
  }

  end(state: 'FINISHED' | 'FAILED' | 'CANCELED', savepointPath: string | null): void {
    const engine = this.engine;
    const ends = engine?.status === 'RUNNING' || (engine?.status === 'RESTARTING' && state !== 'FINISHED');
    if (engine === null || !ends) return;
    engine.status = state;
    const failure = state === 'FAILED' ? 'it broke' : null;
    engine.rootCause = failure;
    this.results.set(engine.jobId, {
      state,
      failure,
      savepointPath,
      startTime: 0,
      endTime: this.now,
      rowsIn: 1,
      rowsOut: 1,
    });
    if (state !== 'FINISHED' || savepointPath !== null) return;
    this.runs.finish(engine.jobId);
    // All of its output is visible, and it keeps no checkpoint.
    this.published = engine.position;
    this.proven = true;
    this.snapshots = this.snapshots.filter((s) => s.jobId !== engine.jobId || s.kind === 'Savepoint');
  }

  kill(role: ProcessView['role']): void {
    const victim = this.processes.find((p) => p.role === role && p.state === 'Running');
    if (victim !== undefined) this.exit((p) => p === victim, false);
  }

  /** Of the attempt with the highest epoch, which may have no job yet. */
  killNewest(role: ProcessView['role']): void {
    const alive = this.processes.filter((p) => p.role === role && p.state === 'Running');
    const victim = alive.sort((x, y) => y.epoch - x.epoch)[0];
    if (victim !== undefined) this.exit((p) => p === victim, false);
  }

  /** It goes without a trace, as a pod that is deleted does. */
  remove(role: ProcessView['role']): void {
    this.kill(role);
    this.processes = this.processes.filter((p) => p.role !== role || p.state === 'Running');
  }

  private exit(which: (process: WorldProcess) => boolean, asked: boolean): void {
    for (const process of this.processes) {
      if (process.state !== 'Running' || !which(process)) continue;
      const busy = this.engine === null ? [] : working(this.engine, this.registered, this.slots, this.manner);
      process.state = 'Exited';
      process.exit = { at: this.now, asked, reason: 'killed' };
      process.stopping = false;
      if (this.engine?.epoch !== process.epoch) continue;
      if (process.role === 'JobManager') this.engine = null;
      else if (busy.includes(process.index)) this.restartTasks(this.engine);
    }
  }

  protected check(processes: readonly WorldProcess[] = this.processes): void {
    this.violations.push(...violationsIn(this.job.status!, processes, this.isIdle, this.gone));
  }

  /** Lets time pass until two passes in a row change nothing; answers whether it came to rest. */
  settle(): boolean {
    for (let quiet = 0, round = 0; round < 200; round++) {
      const before = pictureOf(this);
      this.progress();
      this.pass();
      quiet = before === pictureOf(this) ? quiet + 1 : 0;
      if (quiet === 2) return true;
      this.now += 20_000;
    }
    return false;
  }
}

/** A world in which the job has come to run. */
export function runningWorld(spec: FlowJobSpec): World {
  const world = new World(spec);
  world.settle();
  const { state } = world.job.status ?? {};
  if (state !== 'Running') throw new Error(`the job was to run, and is ${state}`);
  return world;
}
