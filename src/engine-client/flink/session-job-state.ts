// How a job is that was submitted to a session: its JobManager may never have had it, and slots are shared with other jobs.
import { EngineClientError, type EngineClient } from '../engine-client.ts';
import type { JobDetailsAnswer } from '../answers.ts';
import type { JobState } from './job-state.ts';

export interface SessionJobState extends JobState {
  /** Why none of its tasks has a slot, or not all tasks of a stream, with the remedy. Absent: nothing is known to keep them from one. */
  waiting?: string;
}

/** States of tasks that have been given a slot at some time. */
const BEGUN = ['DEPLOYING', 'INITIALIZING', 'RUNNING', 'FINISHED'] as const;

/** A FlowCluster, and how many slots it has once all of its TaskManagers are registered; null: nobody can say. */
export interface SharedSlots {
  name: string;
  slots: number | null;
}

/** Throws EngineClientError. */
export async function sessionJobState(
  client: EngineClient,
  jobId: string,
  cluster: SharedSlots,
): Promise<SessionJobState> {
  let job: JobDetailsAnswer;
  try {
    job = await client.jobDetails(jobId);
  } catch (error) {
    if (!(error instanceof EngineClientError) || error.httpStatus !== 404) throw error;
    return { status: 'INITIALIZING', failure: null, unsubmitted: true };
  }
  const nothingRuns = waitsForSlots(job);
  if (!nothingRuns && !isInPart(job)) return { status: job.state, failure: null };
  const waiting = await missingSlots(client, job, cluster);
  // For Flink it runs also where nothing of it does.
  return { status: nothingRuns ? 'CREATED' : job.state, failure: null, ...(waiting === null ? {} : { waiting }) };
}

function waitsForSlots({ state, vertices }: JobDetailsAnswer): boolean {
  if (state === 'CREATED') return true;
  return state === 'RUNNING' && vertices.every(({ tasks }) => BEGUN.every((one) => (tasks[one] ?? 0) === 0));
}

/** Subtasks of a stream that are not connected get their slots each by itself. Those of a batch may well run one after the other. */
const isInPart = ({ state, vertices, ...job }: JobDetailsAnswer): boolean =>
  state === 'RUNNING' && job['job-type'] === 'STREAMING' && vertices.some(({ tasks }) => (tasks['SCHEDULED'] ?? 0) > 0);

/** Milliseconds that a job may take to be given slots that are there. */
const GIVEN_BY = 5_000;

/** Null: there are enough, as far as can be told. A job that waits for one slot may hold others meanwhile: how many are free says nothing. */
async function missingSlots(
  client: EngineClient,
  job: JobDetailsAnswer,
  { name, slots }: SharedSlots,
): Promise<string | null> {
  const { 'slots-total': total } = await client.overview();
  const needed = Math.max(1, ...job.vertices.map(({ parallelism }) => parallelism));
  const has = `FlowCluster "${name}" has ${slots ?? total} slots in all, and the job needs ${needed}`;
  if ((slots ?? total) < needed)
    return `${has} -> raise spec.taskManager.replicas of the FlowCluster, or lower spec.job.parallelism`;
  if (total < (slots ?? needed)) return `${has}; ${total} are there until all of its TaskManagers are registered`;
  // Nobody can say since when some of its tasks alone wait.
  if (job.duration < GIVEN_BY || !waitsForSlots(job)) return null;
  return `${has}, which other jobs hold -> raise spec.taskManager.replicas of the FlowCluster, or wait until one of them ends`;
}
