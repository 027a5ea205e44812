// Gathers what one decision needs to know of the world. Reads only; what cannot be had is said to be missing, never guessed.
import { setTimeout as pause } from 'node:timers/promises';
import type { FlowJob } from '../api/flowjob.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import { sqlText } from '../api/resolved.ts';
import type { Attempt, Prepared } from '../api/status.ts';
import { EngineClient, EngineClientError } from '../engine-client/engine-client.ts';
import { flinkJobState, submittedJobState } from '../engine-client/flink/job-state.ts';
import { isOnlyPlanned } from '../engine-client/flink/script.ts';
import { sessionJobState, type SessionJobState } from '../engine-client/flink/session-job-state.ts';
import { unlistedFailure } from '../engine-client/flink/unlisted-failure.ts';
import { stateAtRisk } from '../engine-client/flink/state-at-risk.ts';
import { VERSIONS } from '../engine-client/flink/versions.ts';
import { PAUSE_ANNOTATION } from '../api/group.ts';
import { contextOf } from '../lifecycle/context.ts';
import { savepointOfRun } from '../lifecycle/facts.ts';
import { namedPath, restoreCounts } from '../lifecycle/first-start.ts';
import type { Context } from '../lifecycle/model.ts';
import { NOTHING_KNOWN } from '../lifecycle/observation.ts';
import type {
  AutoscalerView,
  ClusterView,
  EngineJobStatus,
  EngineView,
  NamedSavepoint,
  NewImages,
  Observation,
  OperationView,
  PreparedView,
  ProcessView,
  StorageView,
} from '../lifecycle/observation.ts';
import { isBeingRemoved } from '../lifecycle/savepoints.ts';
import { versionToCome } from '../lifecycle/version-to-come.ts';
import type { ObjectKey } from '../api/object.ts';
import type { AttemptPlan, Connection, Runtime, StartAhead, StatePlace, StorageQuestion } from '../runtime/port.ts';
import { preparedPlan } from './act.ts';
import { sqlOf, type ConfigMaps } from './config-maps.ts';
import { RescaleRefusals, scaleOf } from './engine-scale.ts';
import { causeOf, unreadableStateOf } from './engine-causes.ts';
import { neededByNewJobs, neededState, restorerOf } from './needed-state.ts';
import { Since } from './since.ts';
import { planOf, runOf, submissionOf, SUBMISSION_LIMIT, Submissions } from './submissions.ts';

const NO_CLUSTERS = 'Apache Flink runs on Kubernetes alone: set spec.engine.type to Embedded.';

/** Milliseconds that all questions of a pass to the engine may take, and those to one that has been silent. */
const ENGINE_LIMIT = 5_000;
const SILENT_LIMIT = 500;
/** The same for one to a JobManager whose job does not run yet. */
const PREPARED_LIMIT = 1_000;

/** Objects that a decision about a job depends on. */
export interface RelatedObjects {
  /** The job's own FlowSavepoints. */
  savepoints: readonly FlowSavepoint[];
  /** The one that spec.state.restore names; null when there is none such, or it does not count any more. */
  named: FlowSavepoint | null;
  /** By name of a FlowSavepoint of the job: who would start from it. */
  restorers: Readonly<Record<string, string>>;
  /** All jobs there are: what they are to start from stays. */
  jobs: () => Promise<readonly FlowJob[]>;
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
  /** Absent where there are none: on one machine. */
  clusters?: Clusters | undefined;
}

/** FlowClusters, as far as jobs that name them have to know. */
export interface Clusters {
  /** Of the one that the job names. */
  of(job: FlowJob): ClusterView;
  /** How many that has which the job runs on, once all of its TaskManagers are registered; null: nobody can say. */
  slots(job: FlowJob): number | null;
  /** Why the attempt's submission to it was refused for good; null when it was not. */
  submissionRefusal(key: ObjectKey, attempt: Attempt): string | null;
}

export class Gatherer {
  private readonly runtime: Runtime;
  private readonly checkSql: SqlCheck;
  private readonly configMaps: ConfigMaps | undefined;
  private readonly autoscaler: GathererOptions['autoscaler'];
  private readonly clusters: Clusters | undefined;
  readonly rescaleRefusals = new RescaleRefusals();
  readonly submissions = new Submissions();
  /** Its JobManager runs without answering. */
  private readonly silence = new Since();
  /** Something keeps a pod from starting of the attempt that is prepared. */
  private readonly troubled = new Since();

  constructor({ runtime, checkSql, configMaps, autoscaler, clusters }: GathererOptions) {
    this.clusters = clusters;
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
    const storage = engine?.status === 'RUNNING' ? nothingAsked(attempt) : await this.storage(job, named, related);
    const referencedSql = await sqlOf(job, this.configMaps);
    const cluster = this.cluster(job);
    const autoscaler = this.autoscaler?.of(job.metadata.uid);
    const prepared = await this.prepared(job, processes, now);
    const clears = job.metadata.deletionTimestamp !== undefined && job.spec.deletionPolicy !== 'Savepoint';
    const restorer = clears ? restorerOf(job, await related.jobs()) : undefined;
    const observation: Observation = {
      processes,
      refusal: this.runtime.refusal(job.metadata),
      engine,
      silentSince: this.silence.of(job.metadata.uid, runs && engine === null ? 'silent' : null, now),
      storage,
      named,
      claimName: this.runtime.claimOf(this.placeOf(job)),
      restorers,
      ...(restorer === undefined ? {} : { restorer }),
      ...(prepared === null ? {} : { prepared }),
      ...(autoscaler === undefined ? {} : { autoscaler }),
      ...(cluster === null ? {} : { cluster }),
      ...(referencedSql === null
        ? { sqlError: this.checkSql(job) }
        : {
            referencedSql,
            sqlError: 'text' in referencedSql ? this.checkSql(job, referencedSql.text) : null,
          }),
    };
    const context = contextOf({ job, savepoints, observation, now });
    const { change, status, desired } = context;
    const risk = change.kind === 'Restart' ? stateAtRisk(status.accepted!.spec, desired) : null;
    const newImages = await this.newImages(context);
    return {
      ...observation,
      startsAhead: this.runtime.ahead?.supports(desired) ?? false,
      ...(risk === null ? {} : { stateAtRisk: risk }),
      ...(newImages === null ? {} : { newImages }),
    };
  }

  /** Asked for only where a version is to take over; null where none waits for images. */
  private async newImages(context: Context): Promise<NewImages | null> {
    const { metadata, status } = context.job;
    if (metadata.annotations?.[PAUSE_ANNOTATION] === 'true') return null;
    const spec = versionToCome(context);
    const next =
      spec === null || status?.attempt === undefined
        ? null
        : { key: metadata, uid: metadata.uid, attempt: status.attempt, spec };
    return this.runtime.newImages(metadata, next);
  }

  /** How the next attempt's processes are, where any are started before it; asks its JobManager what it says of the program. */
  private async prepared(job: FlowJob, processes: readonly ProcessView[], now: number): Promise<PreparedView | null> {
    const { metadata, status } = job;
    const { ahead } = this.runtime;
    const { spec, ...prepared } = status?.prepared ?? {};
    const epoch = status?.prepared?.epoch;
    const isTroubled = processes.some(
      (process) => process.epoch === epoch && process.pending !== undefined && process.pending.trouble !== null,
    );
    const troubledSince = this.troubled.of(metadata.uid, isTroubled ? `attempt ${epoch}` : null, now);
    if (ahead === null || spec === undefined || metadata.annotations?.[PAUSE_ANNOTATION] === 'true') return null;
    const plan = preparedPlan(job, { ...(prepared as Prepared), spec });
    const view: PreparedView = { refusal: ahead.refusal(metadata), troubledSince, slots: null, plan: 'Unknown' };
    const connection = await this.runtime.connection(metadata, plan.attempt);
    if (connection === null) return view;
    try {
      const overview = await new EngineClient({ ...connection, timeoutMs: PREPARED_LIMIT }).overview();
      return { ...view, slots: overview['slots-total'], ...this.judged(plan, connection, ahead) };
    } catch (error) {
      if (error instanceof EngineClientError) return view;
      throw error;
    }
  }

  /** Of SQL that has no effect before it runs, alone: what a jar's program does when it is planned nobody knows, and a plan that is compiled is kept. */
  private judged(
    plan: AttemptPlan,
    connection: Connection,
    ahead: StartAhead,
  ): Pick<PreparedView, 'plan' | 'unanswered'> {
    const { key, attempt, spec } = plan;
    const { sql } = spec.job;
    if (sql === undefined || sql.plan === 'Compiled' || !isOnlyPlanned(sqlText(spec))) return { plan: 'Good' };
    const client = new EngineClient({ ...connection, timeoutMs: SUBMISSION_LIMIT });
    const question = submissionOf(attempt);
    this.submissions.ask(planOf(key), question, async () => client.plan(ahead.submission(plan)));
    const answer = this.submissions.answer(planOf(key), question);
    switch (answer?.kind) {
      case 'Refused':
        return { plan: { invalid: answer.message } };
      case 'Unreachable':
        return { plan: 'Unknown', unanswered: answer.message };
      default:
        return { plan: answer?.kind === 'Submitted' ? 'Good' : 'Unknown' };
    }
  }

  /** A client for the job's current attempt; null when its JobManager has not said where it answers. */
  async client(job: FlowJob, signal?: AbortSignal): Promise<EngineClient | null> {
    const attempt = job.status?.attempt;
    const connection: Connection | null =
      attempt === undefined ? null : await this.runtime.connection(job.metadata, attempt);
    if (connection === null) return null;
    const savepointFolder = this.runtime.savepointFolder(this.placeOf(job));
    return new EngineClient({ ...connection, savepointFolder, ...(signal === undefined ? {} : { signal }) });
  }

  /** Null: the job names none. */
  private cluster(job: FlowJob): ClusterView | null {
    if (specInUse(job).engine.clusterRef === undefined && job.spec.engine.clusterRef === undefined) return null;
    return this.clusters?.of(job) ?? { jobManager: null, storage: null, trouble: NO_CLUSTERS };
  }

  private placeOf(job: FlowJob): StatePlace {
    const { engine, state, jobManager } = specInUse(job);
    const storage = state.storage ?? (engine.clusterRef === undefined ? undefined : this.cluster(job)?.storage);
    return {
      key: job.metadata,
      engine: engine.type,
      storage: storage ?? undefined,
      podTemplate: jobManager.podTemplate,
    };
  }

  /** Null: the engine answers, and has nothing to say of the job. */
  private async stateOf(client: EngineClient, job: FlowJob, attempt: Attempt): Promise<SessionJobState | null> {
    const { engine } = specInUse(job);
    if (engine.type !== 'Flink') return { ...(await client.jobStatus(attempt.jobId)), failure: null };
    if (attempt.session === true) {
      const answer = this.submissions.answer(runOf(job.metadata), submissionOf(attempt));
      const refused = answer?.kind === 'Refused' ? answer.message : undefined;
      return submittedJobState(client, attempt.jobId, { seen: attempt.healthy, refused });
    }
    if (engine.clusterRef !== undefined) {
      const failure = this.clusters?.submissionRefusal(job.metadata, attempt) ?? null;
      return failure === null
        ? sessionJobState(client, attempt.jobId, {
            name: engine.clusterRef.name,
            slots: this.clusters?.slots(job) ?? null,
          })
        : { status: 'FAILED', failure };
    }
    const { applications } = VERSIONS[engine.version!];
    return flinkJobState(client, attempt.jobId, { applications, seen: attempt.healthy });
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
      if (engine !== null) this.silence.end(uid);
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
      const state = await this.stateOf(client, job, attempt);
      if (state === null) return null;
      const { status, failure, ...onCluster } = state;
      if (failure !== null) return { ...noJob(attempt), status, rootCause: failure };
      if (onCluster.unsubmitted === true)
        return { ...noJob(attempt), status, rootCause: this.unanswered(job, attempt), unsubmitted: true };
      const { engine } = specInUse(job);
      const [operations, completedCheckpoints, causes, scale, release] = await Promise.all([
        this.operations(client, job, attempt, savepoints),
        status === 'RUNNING' && !attempt.healthy && job.spec.mode !== 'Batch'
          ? client.checkpoints(attempt.jobId).then((answer) => checkpointsOf(answer.history))
          : 0,
        mayHaveFailed(job, attempt, status) ? causesOf(client, attempt.jobId) : null,
        isBeingRescaled(job) ? scaleOf(client, attempt, engine.type).catch(unknown) : null,
        engine.version !== undefined && status === 'RUNNING' && !attempt.healthy ? releaseOf(client) : undefined,
      ]);
      const rootCause = causes?.rootCause ?? (await unlistedCause(client, job, attempt, status));
      return {
        jobId: attempt.jobId,
        status,
        completedCheckpoints,
        // Between two failures it runs, too: what they were is to be known as long as it has not proven itself.
        rootCause: status === 'RUNNING' && attempt.healthy ? null : rootCause,
        unreadableState: causes?.unreadableState ?? null,
        ...onCluster,
        ...(release === undefined ? {} : { release }),
        ...(scale === null ? {} : { scale: { ...scale, refusal: this.rescaleRefusals.of(job) ?? scale.refusal } }),
        operations,
      };
    } catch (error) {
      // Not up yet, just gone, or too busy to answer: the process tells which, and time does.
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }

  /** Why the last submission had no answer; null when there was one, or it is waited for. */
  private unanswered({ metadata }: FlowJob, attempt: Attempt): string | null {
    const answer = this.submissions.answer(runOf(metadata), submissionOf(attempt));
    return answer?.kind === 'Unreachable' ? `The job is not submitted yet: ${answer.message}` : null;
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

  private async storage(job: FlowJob, named: NamedSavepoint | null, { jobs }: RelatedObjects): Promise<StorageView> {
    const { attempt, pending } = job.status ?? {};
    const place = this.placeOf(job);
    const wanted = job.spec.engine.clusterRef === undefined ? job.spec.state.storage : place.storage;
    const view = await this.runtime.storage({
      ...place,
      jobId: attempt?.jobId,
      epoch: attempt?.epoch,
      lastSavepoint: savepointOfRun(job.status ?? {}),
      stopTriggerId: pending?.kind === 'StopWithSavepoint' ? pending.triggerId : undefined,
      ...(await this.needed(job, named, jobs)),
      ...firstStartQuestions(job, named),
    });
    // Flink knows no epochs.
    if (samePlace(place.storage, wanted) || place.engine === 'Flink') return view;
    // The next run keeps its state elsewhere: its epoch must be free there too.
    const { epoch } = await this.runtime.storage({ ...place, storage: wanted });
    return { ...view, epoch: Math.max(view.epoch, epoch) };
  }

  /** Flink's alone is cleared away, and only while nothing of the job runs. */
  private async needed(
    job: FlowJob,
    named: NamedSavepoint | null,
    jobs: RelatedObjects['jobs'],
  ): Promise<Pick<StorageQuestion, 'needed' | 'preparedJobId'>> {
    const { metadata, status } = job;
    const { attempt, prepared } = status ?? {};
    if (attempt === undefined || specInUse(job).engine.type !== 'Flink') return {};
    // Those of an attempt that is prepared have no job.
    const ofJob = this.runtime.processes(metadata).filter(({ epoch }) => epoch <= attempt.epoch);
    if (ofJob.some(({ state }) => state === 'Running')) return {};
    const needed = [...neededState(job, named), ...neededByNewJobs(metadata.name, await jobs())];
    return { needed, ...(prepared === undefined ? {} : { preparedJobId: prepared.jobId }) };
  }
}

/** The version that runs, or ran last; before there is one, the one that is asked for. */
const specInUse = ({ spec, status }: FlowJob): Pick<FlowJob['spec'], 'engine' | 'state' | 'jobManager'> =>
  status?.accepted?.spec ?? spec;

/** What is to be known of storage before a job that has never run is started. */
function firstStartQuestions(
  { spec, status }: FlowJob,
  named: NamedSavepoint | null,
): Pick<StorageQuestion, 'findState' | 'savepoint'> {
  if (spec.mode === 'Batch' || !restoreCounts(status ?? {})) return {};
  const path = namedPath(spec.state.restore, named);
  const savepoint = path === undefined ? undefined : { path, claimName: named?.claimName };
  return { findState: true, savepoint };
}

function namedSavepoint(savepoint: FlowSavepoint): NamedSavepoint {
  const { state = 'Pending', path, claimName, engine = 'Embedded', conditions = [] } = savepoint.status ?? {};
  return {
    state,
    path,
    claimName,
    engine,
    failure: conditions.find(({ type }) => type === 'Failed')?.message ?? '',
    beingRemoved: isBeingRemoved(savepoint),
  };
}

/** Between two tries to read its state a stream is RUNNING too, as Flink counts it. */
const mayHaveFailed = (job: FlowJob, attempt: Attempt, status: EngineJobStatus): boolean =>
  status !== 'RUNNING' ||
  (job.spec.mode !== 'Batch' &&
    (!attempt.healthy || job.status?.conditions.some((x) => x.reason === 'StateUnreadable') === true));

/** Of a job on Flink whose exceptions name none. */
const unlistedCause = async (
  client: EngineClient,
  job: FlowJob,
  { jobId }: Attempt,
  status: EngineJobStatus,
): Promise<string | null> =>
  status === 'FAILED' && specInUse(job).engine.type === 'Flink' ? unlistedFailure(client, jobId) : null;

/** Undefined: it is not told just now, on which nothing else depends. */
async function releaseOf(client: EngineClient): Promise<string | undefined> {
  try {
    return (await client.overview())['flink-version'];
  } catch (error) {
    if (error instanceof EngineClientError) return undefined;
    throw error;
  }
}

/** Of a job that the engine has never had. */
const noJob = ({ jobId }: Attempt): Omit<EngineView, 'status' | 'rootCause'> => ({
  jobId,
  completedCheckpoints: 0,
  unreadableState: null,
  operations: {},
});

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
const nothingAsked = (attempt: Attempt | undefined): StorageView => ({ epoch: attempt?.epoch ?? 0, ...NOTHING_KNOWN });

const checkpointsOf = (history: { status: string; is_savepoint: boolean }[]): number =>
  history.filter((entry) => entry.status === 'COMPLETED' && !entry.is_savepoint).length;
