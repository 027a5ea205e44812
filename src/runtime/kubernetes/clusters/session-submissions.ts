// Submissions to the JobManagers of FlowClusters, and their ends. Each goes on beside the passes over its job: what came of it shows in the next one.
import { idOf, type ObjectKey } from '../../../api/object.ts';
import type { Attempt } from '../../../api/status.ts';
import { EngineClient, EngineClientError } from '../../../engine-client/engine-client.ts';
import { sqlSubmission } from '../../../engine-client/flink/session-config.ts';
import { storageByRest } from '../../../engine-client/flink/storage-by-rest.ts';
import type { EngineJobStatus, Refusal, StorageView } from '../../../lifecycle/observation.ts';
import type { Clock } from '../../../kube/time.ts';
import type { AttemptPlan, Connection } from '../../port.ts';
import { flinkRoot } from '../flink-pods.ts';
import { claimOf } from '../state-mounts.ts';

export interface SessionSubmissionsOptions {
  clock: Clock;
  changed: (key: ObjectKey) => void;
  onTrouble: (error: unknown) => void;
}

/** Milliseconds that a JobManager may plan a program for. */
const PLANNING_LIMIT = 120_000;
/** Milliseconds after which a submission that nobody had an answer to has come, or never will: it may be on its way when its job is to be stopped. */
const ON_ITS_WAY = PLANNING_LIMIT;
/**
 * Milliseconds after which a job that its JobManager has had and does not show is taken for one that is forgotten. Nobody has asked for its end, and another attempt
 * may follow: many times as long as planning takes.
 */
const FORGOTTEN_AFTER = 5 * PLANNING_LIMIT;
/** Milliseconds that the clocks of two operators may differ by. */
const CLOCKS_DIFFER = 30_000;
const ANSWER_LIMIT = 5_000;
/** Milliseconds until the next try: the first, and the longest. */
const FIRST = 1_000;
const LONGEST = 15_000;

const TERMINAL: readonly EngineJobStatus[] = ['FINISHED', 'FAILED', 'CANCELED'];

/** What is known of the newest attempt of a job. */
interface Known {
  jobId: string;
  /** The answer is being waited for. */
  underWay: Promise<void> | null;
  stopping: boolean;
  /** Why the JobManager does not take it. */
  refused: string | null;
  /** Why it could not be asked, or did not answer. */
  refusal: (Refusal & { wait: number }) | null;
  /** When a submission was sent last whose answer nobody knows; null: the answers to all are known. Milliseconds since the epoch. */
  openSince: number | null;
  /** Since when the JobManager says that it has had the job, and does not show it; null: it does not say so. Milliseconds since the epoch. */
  hadSince: number | null;
  /** The job is over, and nothing of it can come any more: how it ended. Null: it is not. */
  end: JobEnd | null;
}

/** Of a job that ended by itself: what its JobManager alone knows. All null of one that never was, or was cancelled to end its attempt. */
export type JobEnd = Pick<StorageView, 'result' | 'pendingSavepoint'>;

const FORGOTTEN =
  'The JobManager of the FlowCluster has had the job, and keeps no record of how it ended; its log may say. jobstore.max-capacity and jobstore.expiration-time in spec.engine.config of the FlowCluster say how many ended jobs it keeps, and for how long. Where the job is not run again by itself, change spec.restartNonce.';

const NO_END: JobEnd = { result: null, pendingSavepoint: null };

export class SessionSubmissions {
  private readonly options: SessionSubmissionsOptions;
  private readonly byJob = new Map<string, Known>();
  /** What operators before this one have sent until then is not known here. Milliseconds since the epoch. */
  private readonly since: number;

  constructor(options: SessionSubmissionsOptions) {
    this.options = options;
    this.since = options.clock.now();
  }

  submit(plan: AttemptPlan, connection: Connection): void {
    const known = this.of(plan.key, plan.attempt);
    if (known.underWay !== null || known.refused !== null || known.end !== null || known.stopping) return;
    known.underWay = this.send(plan, connection, known)
      .catch((error: unknown) => this.options.onTrouble(error))
      .finally(() => {
        known.underWay = null;
        this.options.changed(plan.key);
      });
  }

  /** One step towards the end of the attempt; to be called until `isOver`. */
  stop(key: ObjectKey, attempt: Attempt, connection: Connection): void {
    const known = this.of(key, attempt);
    if (known.stopping || known.end !== null) return;
    known.stopping = true;
    this.end(attempt, connection, known)
      .catch((error: unknown) => this.options.onTrouble(error))
      .finally(() => {
        known.stopping = false;
        if (known.end !== null) this.options.changed(key);
      });
  }

  /** Null: the attempt is not over, as far as is known here. */
  endOf(key: ObjectKey, jobId: string): JobEnd | null {
    return this.known(key, jobId)?.end ?? null;
  }

  refused(key: ObjectKey, jobId: string): string | null {
    return this.known(key, jobId)?.refused ?? null;
  }

  refusal(key: ObjectKey, jobId: string): Refusal | null {
    const refusal = this.known(key, jobId)?.refusal ?? null;
    return refusal === null ? null : { reason: refusal.reason, retryAt: refusal.retryAt };
  }

  forget(key: ObjectKey): void {
    this.byJob.delete(idOf(key));
  }

  private async send(plan: AttemptPlan, connection: Connection, known: Known): Promise<void> {
    const { key, attempt, spec } = plan;
    const claim = claimOf({ key, storage: spec.state.storage });
    const { restoreFrom, restoreClaim, jobManagerUid } = attempt;
    if (jobManagerUid === undefined)
      throw new RangeError('an attempt is submitted to the JobManager that its status names');
    if (restoreFrom !== undefined && restoreClaim !== undefined && restoreClaim !== claim) {
      known.refused = `The savepoint ${restoreFrom} is on PersistentVolumeClaim ${restoreClaim}, which pods of FlowCluster "${spec.engine.clusterRef!.name}" do not mount: copy it to where that cluster keeps state, or run the job with processes of its own.`;
      return;
    }
    const state = flinkRoot({ key, engine: 'Flink', storage: spec.state.storage });
    const client = new EngineClient({ ...connection, timeoutMs: PLANNING_LIMIT });
    const before = known.openSince;
    const sent = this.options.clock.now();
    known.openSince = sent;
    const submission = sqlSubmission(key.name, spec, { ...attempt, jobManagerUid }, { state, restoreFrom });
    const answer = await client.submit(submission);
    switch (answer.kind) {
      case 'Submitted':
        known.openSince = null;
        known.refusal = null;
        return;
      case 'AlreadyThere':
        return this.hadBefore(plan, known, await stateOf(connection, attempt.jobId), sent);
      case 'Refused':
        // Of this one the answer is known; one before it may be on its way yet.
        known.openSince = before;
        if (answer.message.includes(submission.jar))
          return this.tryAgain(known, unsubmitted(spec, 'Another JobManager answers there.'));
        // There may be one all the same, which has failed: that has more to tell.
        if ((await stateOf(connection, attempt.jobId)) === null) known.refused = answer.message;
        return;
      case 'Unreachable':
        this.tryAgain(known, unsubmitted(spec, answer.message));
    }
  }

  /** `state`: of the job that the JobManager says it has had. Where it shows none, that is being planned yet, or has ended and is forgotten: time tells which. */
  private hadBefore({ spec }: AttemptPlan, known: Known, state: JobOfSession, sent: number): void {
    known.hadSince = state === null ? (known.hadSince ?? sent) : null;
    known.openSince = state === 'unknown' ? sent : known.hadSince;
    if (known.hadSince === null) known.refusal = null;
    else if (this.options.clock.now() - known.hadSince >= FORGOTTEN_AFTER) known.refused = FORGOTTEN;
    // Its JobManager is everybody's: it is not asked without end.
    else
      this.tryAgain(
        known,
        `The JobManager of FlowCluster "${spec.engine.clusterRef!.name}" has had the job, and does not show it yet.`,
      );
  }

  private tryAgain(known: Known, reason: string): void {
    const wait = Math.min(LONGEST, (known.refusal?.wait ?? FIRST / 2) * 2);
    known.refusal = { reason, wait, retryAt: this.options.clock.now() + wait };
  }

  private async end(attempt: Attempt, connection: Connection, known: Known): Promise<void> {
    await known.underWay;
    const state = await stateOf(connection, attempt.jobId);
    if (state === 'unknown') return;
    if (state === null) {
      if (this.cannotCome(attempt, known)) known.end = NO_END;
      return;
    }
    const client = new EngineClient({ ...connection, timeoutMs: ANSWER_LIMIT });
    if (TERMINAL.includes(state)) known.end = await endOf(client, attempt.jobId);
    else await client.cancel(attempt.jobId).catch(silence);
  }

  /** Of a job that the JobManager does not know. */
  private cannotCome({ startedAt }: Attempt, { openSince }: Known): boolean {
    const now = this.options.clock.now();
    // Another operator may have submitted it, whose answer is lost with it, up to the moment in which this one began.
    const isOfAnother = Date.parse(startedAt) < this.since + CLOCKS_DIFFER;
    const sent = openSince ?? (isOfAnother ? this.since : null);
    return sent === null || now - sent >= ON_ITS_WAY;
  }

  private known(key: ObjectKey, jobId: string): Known | undefined {
    const known = this.byJob.get(idOf(key));
    return known?.jobId === jobId ? known : undefined;
  }

  private of(key: ObjectKey, { jobId }: Attempt): Known {
    const known = this.known(key, jobId) ?? {
      ...{ jobId, underWay: null, stopping: false, refused: null, refusal: null },
      ...{ openSince: null, hadSince: null, end: null },
    };
    this.byJob.set(idOf(key), known);
    return known;
  }
}

const unsubmitted = ({ engine }: AttemptPlan['spec'], why: string): string =>
  `The job could not be submitted to FlowCluster "${engine.clusterRef!.name}": ${why}`;

/** How a job is. Null: the JobManager does not know it. `unknown`: it does not answer. */
type JobOfSession = EngineJobStatus | null | 'unknown';

async function stateOf(connection: Connection, jobId: string): Promise<JobOfSession> {
  try {
    return (await new EngineClient({ ...connection, timeoutMs: ANSWER_LIMIT }).jobDetails(jobId)).state;
  } catch (error) {
    if (!(error instanceof EngineClientError)) throw error;
    return error.httpStatus === 404 ? null : 'unknown';
  }
}

/** Null: the JobManager does not answer. */
async function endOf(client: EngineClient, jobId: string): Promise<JobEnd | null> {
  try {
    const { result, pendingSavepoint } = await storageByRest(client, { jobId });
    return result?.state === 'CANCELED' ? NO_END : { result, pendingSavepoint };
  } catch (error) {
    silence(error);
    return null;
  }
}

/** It shows in the next look. */
function silence(error: unknown): void {
  if (!(error instanceof EngineClientError)) throw error;
}
