// Gathers what one decision needs to know of the world. Reads only; what cannot be had is said to be missing, never guessed.
import { setTimeout as pause } from 'node:timers/promises';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { Attempt } from '../api/status.ts';
import { EngineClient, EngineClientError } from '../engine-client/engine-client.ts';
import { namedPath, restoreCounts } from '../lifecycle/first-start.ts';
import type {
  AutoscalerView,
  EngineJobStatus,
  EngineView,
  NamedSavepoint,
  Observation,
  OperationView,
  ProcessView,
  StorageView,
} from '../lifecycle/observation.ts';
import { isBeingRemoved } from '../lifecycle/savepoints.ts';
import type { Connection, Runtime, StorageQuestion } from '../runtime/port.ts';
import { sqlOf, type ConfigMaps } from './config-maps.ts';
import { RescaleRefusals, scaleOf } from './engine-scale.ts';
import { causeOf, unreadableStateOf } from './engine-causes.ts';

/** Milliseconds that all questions of a pass to the engine may take, and those to one that has been silent. */
const ENGINE_LIMIT = 5_000;
const SILENT_LIMIT = 500;

/** Objects that a decision about a job depends on. */
export interface RelatedObjects {
  /** The job's own FlowSavepoints. */
  savepoints: readonly FlowSavepoint[];
  /** The one that spec.state.restore names; null when there is none such, or it does not count any more. */
  named: FlowSavepoint | null;
  /** By name of a FlowSavepoint of the job: who would start from it. */
  restorers: Readonly<Record<string, string>>;
}

/** Null: the SQL of the job's spec can be planned. `sql`: its text where it does not stand inline. */
export type SqlCheck = (job: FlowJob, sql?: string) => string | null;

export interface GathererOptions {
  runtime: Runtime;
  checkSql: SqlCheck;
  /** Absent where there are none: on one machine. */
  configMaps?: ConfigMaps | undefined;
  /** Absent: no job is autoscaled. */
  autoscaler?: { of(uid: string): AutoscalerView | undefined } | undefined;
}

export class Gatherer {
  private readonly runtime: Runtime;
  private readonly checkSql: SqlCheck;
  private readonly configMaps: ConfigMaps | undefined;
  private readonly autoscaler: GathererOptions['autoscaler'];
  readonly rescaleRefusals = new RescaleRefusals();
  /** By job: since when its JobManager runs without answering. In memory only: a new operator is patient anew. */
  private readonly silence = new Map<string, number>();

  constructor({ runtime, checkSql, configMaps, autoscaler }: GathererOptions) {
    this.autoscaler = autoscaler;
    this.runtime = runtime;
    this.checkSql = checkSql;
    this.configMaps = configMaps;
  }

  async observe(job: FlowJob, related: RelatedObjects, now: number): Promise<Observation> {
    const { savepoints, restorers } = related;
    const attempt = job.status?.attempt;
    const processes = this.runtime.processes(job.metadata);
    const runs = attempt !== undefined && jobManagerRuns(processes, attempt);
    const named = related.named === null ? null : namedSavepoint(related.named);
    const engine = runs ? await this.engineInTime(job, attempt, savepoints) : null;
    const storage = engine?.status === 'RUNNING' ? nothingAsked(attempt) : await this.storage(job, named);
    const referencedSql = await sqlOf(job, this.configMaps);
    const autoscaler = this.autoscaler?.of(job.metadata.uid);
    return {
      processes,
      refusal: this.runtime.refusal(job.metadata),
      engine,
      silentSince: this.silentSince(job.metadata.uid, runs && engine === null, now),
      storage,
      named,
      claimName: this.runtime.claimOf({ key: job.metadata, storage: specInUse(job).state.storage }),
      restorers,
      ...(autoscaler === undefined ? {} : { autoscaler }),
      ...(referencedSql === null
        ? { sqlError: this.checkSql(job) }
        : {
            referencedSql,
            sqlError: 'text' in referencedSql ? this.checkSql(job, referencedSql.text) : null,
          }),
    };
  }

  /** A client for the job's current attempt; null when its JobManager has not said where it answers. */
  async client(job: FlowJob, signal?: AbortSignal): Promise<EngineClient | null> {
    const attempt = job.status?.attempt;
    const connection: Connection | null =
      attempt === undefined ? null : await this.runtime.connection(job.metadata, attempt);
    return connection === null
      ? null
      : new EngineClient({ ...connection, ...(signal === undefined ? {} : { signal }) });
  }

  private silentSince(uid: string, silent: boolean, now: number): number | null {
    if (!silent) this.silence.delete(uid);
    else if (!this.silence.has(uid)) this.silence.set(uid, now);
    return this.silence.get(uid) ?? null;
  }

  /** Of one that has been silent before little is expected, so that the job and its savepoints are told of it; an answer that comes late counts as one. */
  private async engineInTime(
    job: FlowJob,
    attempt: Attempt,
    savepoints: readonly FlowSavepoint[],
  ): Promise<EngineView | null> {
    const { uid } = job.metadata;
    const asked = this.engine(job, attempt, savepoints);
    if (!this.silence.has(uid)) return asked;
    const late = asked.then((engine) => {
      if (engine !== null) this.silence.delete(uid);
      return engine;
    });
    const timeout = new AbortController();
    const givenUp = pause(SILENT_LIMIT, null, { signal: timeout.signal }).catch(() => null);
    try {
      return await Promise.race([late, givenUp]);
    } finally {
      timeout.abort();
      late.catch(() => undefined);
    }
  }

  private async engine(
    job: FlowJob,
    attempt: Attempt,
    savepoints: readonly FlowSavepoint[],
  ): Promise<EngineView | null> {
    const client = await this.client(job, AbortSignal.timeout(ENGINE_LIMIT));
    if (client === null) return null;
    try {
      const { status } = await client.jobStatus(attempt.jobId);
      const [operations, completedCheckpoints, causes, scale] = await Promise.all([
        this.operations(client, job, attempt, savepoints),
        status === 'RUNNING' && !attempt.healthy && job.spec.mode === 'Streaming'
          ? client.checkpoints(attempt.jobId).then((answer) => checkpointsOf(answer.history))
          : 0,
        mayHaveFailed(job, attempt, status) ? causesOf(client, attempt.jobId) : null,
        isBeingRescaled(job) ? scaleOf(client, attempt).catch(unknown) : null,
      ]);
      return {
        jobId: attempt.jobId,
        status,
        completedCheckpoints,
        rootCause: status === 'RUNNING' ? null : (causes?.rootCause ?? null),
        unreadableState: causes?.unreadableState ?? null,
        ...(scale === null ? {} : { scale: { ...scale, refusal: this.rescaleRefusals.of(job) ?? scale.refusal } }),
        operations,
      };
    } catch (error) {
      // Not up yet, just gone, or too busy to answer: the process tells which, and time does.
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }

  private async operations(
    client: EngineClient,
    job: FlowJob,
    attempt: Attempt,
    savepoints: readonly FlowSavepoint[],
  ): Promise<Record<string, OperationView>> {
    const { jobId } = attempt;
    const found: Record<string, OperationView> = {};
    const pending = job.status?.pending;
    if (pending?.jobId === jobId && pending.kind !== 'Cancel')
      found[pending.triggerId] = await (pending.kind === 'Checkpoint'
        ? client.checkpointStatus(jobId, pending.triggerId)
        : client.savepointStatus(jobId, pending.triggerId));
    for (const { status } of savepoints)
      if (status?.state === 'InProgress' && status.jobId === jobId && status.triggerId !== undefined)
        found[status.triggerId] = await client.savepointStatus(jobId, status.triggerId);
    return found;
  }

  private async storage(job: FlowJob, named: NamedSavepoint | null): Promise<StorageView> {
    const { attempt, lastSavepoint, pending } = job.status ?? {};
    const wanted = job.spec.state.storage;
    const { state, jobManager } = specInUse(job);
    const used = state.storage;
    const key = job.metadata;
    const { podTemplate } = jobManager;
    const view = await this.runtime.storage({
      key,
      storage: used,
      podTemplate,
      jobId: attempt?.jobId,
      lastSavepoint: lastSavepoint?.path,
      stopTriggerId: pending?.kind === 'StopWithSavepoint' ? pending.triggerId : undefined,
      ...firstStartQuestions(job, named),
    });
    if (samePlace(used, wanted)) return view;
    // The next run keeps its state elsewhere: its epoch must be free there too.
    const { epoch } = await this.runtime.storage({ key, storage: wanted, podTemplate });
    return { ...view, epoch: Math.max(view.epoch, epoch) };
  }
}

/** The version that runs, or ran last; before there is one, the one that is asked for. */
const specInUse = ({ spec, status }: FlowJob): Pick<FlowJob['spec'], 'state' | 'jobManager'> =>
  status?.accepted?.spec ?? spec;

/** What is to be known of storage before a job that has never run is started. */
function firstStartQuestions(
  { spec, status }: FlowJob,
  named: NamedSavepoint | null,
): Pick<StorageQuestion, 'findState' | 'savepoint'> {
  if (spec.mode !== 'Streaming' || !restoreCounts(status ?? {})) return {};
  const path = namedPath(spec.state.restore, named);
  const savepoint = path === undefined ? undefined : { path, claimName: named?.claimName };
  return { findState: true, savepoint };
}

function namedSavepoint(savepoint: FlowSavepoint): NamedSavepoint {
  const { state = 'Pending', path, claimName, conditions = [] } = savepoint.status ?? {};
  return {
    state,
    path,
    claimName,
    failure: conditions.find(({ type }) => type === 'Failed')?.message ?? '',
    beingRemoved: isBeingRemoved(savepoint),
  };
}

/** Between two tries to read its state a stream is RUNNING too, as Flink counts it. */
const mayHaveFailed = (job: FlowJob, attempt: Attempt, status: EngineJobStatus): boolean =>
  status !== 'RUNNING' ||
  (job.spec.mode === 'Streaming' &&
    (!attempt.healthy || job.status?.conditions.some((x) => x.reason === 'StateUnreadable') === true));

async function causesOf(
  client: EngineClient,
  jobId: string,
): Promise<Pick<EngineView, 'rootCause' | 'unreadableState'>> {
  const [exceptions, details] = await Promise.all([client.exceptions(jobId), client.jobDetails(jobId)]);
  return { rootCause: causeOf(exceptions), unreadableState: unreadableStateOf(exceptions, details) };
}

const isBeingRescaled = ({ status }: FlowJob): boolean =>
  status?.scaling !== undefined && status.scaling.failure === undefined;

/** An engine that has no answer to one question is not silent for that. */
function unknown(error: unknown): null {
  if (error instanceof EngineClientError && error.code === 'ENGINE_REFUSED') return null;
  throw error;
}

type Place = FlowJob['spec']['state']['storage'];

const samePlace = (a: Place, b: Place): boolean =>
  a?.uri === b?.uri && a?.persistentVolumeClaim?.claimName === b?.persistentVolumeClaim?.claimName;

const jobManagerRuns = (processes: readonly ProcessView[], attempt: Attempt): boolean =>
  processes.some(
    ({ epoch, role, state, pending }) =>
      epoch === attempt.epoch && role === 'JobManager' && state === 'Running' && pending === undefined,
  );

/** While the engine answers that it runs, storage has no say. */
const nothingAsked = (attempt: Attempt | undefined): StorageView => ({
  epoch: attempt?.epoch ?? 0,
  newest: null,
  unreadable: { checkpoints: null, savepoint: null },
  pendingSavepoint: null,
  result: null,
  found: null,
  savepoint: null,
});

const checkpointsOf = (history: { status: string; is_savepoint: boolean }[]): number =>
  history.filter((entry) => entry.status === 'COMPLETED' && !entry.is_savepoint).length;
