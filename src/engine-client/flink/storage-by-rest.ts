// What a JobManager that answers says of its job's state and of its end. Where none answers, state-folder.ts looks at what is on the volume.
import { NOTHING_KNOWN, type StorageView } from '../../lifecycle/observation.ts';
import { EngineClientError, type EngineClient } from '../engine-client.ts';
import type { CheckpointsAnswer, JobDetailsAnswer } from '../answers.ts';
import { plainPath } from '../../api/plain-path.ts';
import { describeTrace } from './root-cause.ts';
import { unlistedFailure } from './unlisted-failure.ts';

interface Question {
  jobId?: string | undefined;
  lastSavepoint?: string | undefined;
  stopTriggerId?: string | undefined;
}

/** Throws EngineClientError when the JobManager does not answer. */
export async function storageByRest(client: EngineClient, question: Question): Promise<Omit<StorageView, 'epoch'>> {
  const { jobId, stopTriggerId } = question;
  if (jobId === undefined) return NOTHING_KNOWN;
  const job = await client.jobDetails(jobId).catch(unknownJob);
  if (job === null) return NOTHING_KNOWN;
  const checkpoints = await client.checkpoints(jobId).catch(unknownJob);
  const stop = stopTriggerId === undefined ? null : await client.savepointStatus(jobId, stopTriggerId);
  const asked = stop?.state === 'Completed' ? stop.path : null;
  const pendingSavepoint = asked ?? stoppedBy(job, checkpoints);
  return {
    ...NOTHING_KNOWN,
    newest: checkpoints === null ? null : newestOf(checkpoints, question),
    pendingSavepoint,
    result: await resultOf(client, jobId, job, pendingSavepoint),
  };
}

/** The savepoint that ended the job, whoever asked for it: a job that was stopped has not come to the end of its input. */
function stoppedBy({ state }: JobDetailsAnswer, checkpoints: CheckpointsAnswer | null): string | null {
  const last = checkpoints?.latest.savepoint;
  return state === 'FINISHED' && last?.checkpoint_type === 'SYNC_SAVEPOINT' && last.external_path !== undefined
    ? plainPath(last.external_path)
    : null;
}

/** By id: checkpoints and savepoints of a job are counted together. What it was restored from counts as long as it is of the same run. */
function newestOf({ latest }: CheckpointsAnswer, { jobId, lastSavepoint }: Question): StorageView['newest'] {
  const { completed, savepoint, restored } = latest;
  const candidates = [completed, savepoint, restored].flatMap((one) =>
    one?.external_path === undefined ? [] : [{ ...one, path: plainPath(one.external_path) }],
  );
  const own = candidates.filter(
    (one) => !('restore_timestamp' in one) || one.path.includes(`/${jobId}/`) || one.path === lastSavepoint,
  );
  const [newest] = own.sort((a, b) => b.id - a.id);
  return newest === undefined ? null : { path: newest.path, kind: newest.is_savepoint ? 'Savepoint' : 'Checkpoint' };
}

async function resultOf(
  client: EngineClient,
  jobId: string,
  job: JobDetailsAnswer,
  savepointPath: string | null,
): Promise<StorageView['result']> {
  const { state } = job;
  if (state !== 'FINISHED' && state !== 'FAILED' && state !== 'CANCELED') return null;
  const unlisted = async (): Promise<string | null> => (state === 'FAILED' ? unlistedFailure(client, jobId) : null);
  const [cause] = state === 'FAILED' ? (await client.exceptions(jobId)).exceptionHistory.entries : [];
  return {
    state,
    failure: cause === undefined ? await unlisted() : describeTrace(cause.stacktrace),
    savepointPath,
    startTime: job['start-time'],
    endTime: job['end-time'],
  };
}

function unknownJob(error: unknown): null {
  if (error instanceof EngineClientError && error.httpStatus === 404) return null;
  throw error;
}
