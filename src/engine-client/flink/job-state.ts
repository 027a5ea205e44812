// How a job is that is submitted by its cluster itself: between the start of the JobManager and the submission there is a cluster without its job.
import type { EngineJobStatus } from '../../lifecycle/observation.ts';
import type { ApplicationsAnswer, ExceptionsAnswer, JobsAnswer, JobsOverviewAnswer } from '../answers.ts';
import { EngineClientError, type EngineClient } from '../engine-client.ts';
import { NO_JOB } from './no-job.ts';
import { withPythonError } from './python.ts';
import { describeTrace } from './root-cause.ts';

export interface JobState {
  status: EngineJobStatus;
  /** Why the program failed before there was a job; null when that is not what has happened. */
  failure: string | null;
  /** Its JobManager was up before it, and has not heard of it. */
  unsubmitted?: true;
}

/**
 * `seen`: the job has run before, so that the short question will do. `applications`: the version tells of programs (FLIP-549); where it does not, a cluster without its job counts as silent. Null: it is not known. Throws
 * EngineClientError.
 */
export async function flinkJobState(
  client: EngineClient,
  jobId: string,
  { applications, seen = false }: { applications: boolean; seen?: boolean },
): Promise<JobState | null> {
  const state = seen ? await statusOfSeen(client, jobId, applications) : await statusInList(client, jobId);
  // One that has failed without a graph has no details that could be asked for; nothing tells it from one that has.
  if (state === null || (state === 'FAILED' && !applications && !seen)) return withoutJob(client, jobId, applications);
  // A program that fails once it has started its job takes that down with it: the job itself knows no cause.
  const program = state === 'CANCELED' && applications ? await programOf(client) : undefined;
  if (program?.status === 'FAILED') return { status: 'FAILED', failure: await failureOf(client, program.id) };
  return { status: state, failure: null };
}

/** Null: its JobManager does not know it. Of one that is not there yet each path of its own would log an error, and it is asked for again and again. A JobMaster that does not answer Flink in time is left out, too: whoever submits once more is told. */
async function statusInList(client: EngineClient, jobId: string): Promise<EngineJobStatus | null> {
  const { jobs } = await client.get<JobsAnswer>('/jobs');
  return jobs.find(({ id }) => id === jobId)?.status ?? null;
}

async function statusOfSeen(
  client: EngineClient,
  jobId: string,
  applications: boolean,
): Promise<EngineJobStatus | null> {
  try {
    return (await client.jobStatus(jobId)).status;
  } catch (error) {
    if (!(error instanceof EngineClientError) || error.httpStatus === null) throw error;
    if (error.httpStatus !== 404 && applications) throw error;
    return null;
  }
}

async function withoutJob(client: EngineClient, jobId: string, applications: boolean): Promise<JobState | null> {
  if (!applications) return driverFailure(client, jobId);
  const program = await programOf(client);
  switch (program?.status) {
    case 'FAILED':
    case 'CANCELED':
      return { status: 'FAILED', failure: await failureOf(client, program.id) };
    case 'FINISHED':
      return {
        status: 'FAILED',
        failure: NO_JOB,
      };
    default:
      return { status: 'INITIALIZING', failure: null };
  }
}

/**
 * Of a program that failed before its job, versions that do not tell of programs make a failed job without a graph
 * (execution.submit-failed-job-on-application-error): its details are an error of the server, and it stands in the overview.
 */
async function driverFailure(client: EngineClient, jobId: string): Promise<JobState | null> {
  const { jobs } = await client.get<JobsOverviewAnswer>('/jobs/overview');
  if (jobs.find(({ jid }) => jid === jobId)?.state !== 'FAILED') return null;
  const [newest] = (await client.exceptions(jobId)).exceptionHistory.entries;
  return { status: 'FAILED', failure: await failureIn(client, newest) };
}

const SEE_LOG = 'The program failed; the log of the JobManager says why.';

const programOf = async (client: EngineClient): Promise<ApplicationsAnswer['applications'][number] | undefined> =>
  (await client.get<ApplicationsAnswer>('/applications/overview')).applications[0];

async function failureOf(client: EngineClient, id: string): Promise<string> {
  const { exceptionHistory } = await client.get<ExceptionsAnswer>(`/applications/${id}/exceptions`);
  const [newest] = exceptionHistory.entries;
  return failureIn(client, newest);
}

const failureIn = async (client: EngineClient, newest: { stacktrace: string } | undefined): Promise<string> =>
  newest === undefined ? SEE_LOG : withPythonError(client, describeTrace(newest.stacktrace));

/** The same of a job that is submitted to a JobManager that was up before it. `refused`: why it was not taken; undefined when nothing is known of that. Throws EngineClientError. */
export async function submittedJobState(
  client: EngineClient,
  jobId: string,
  { seen, refused }: { seen: boolean; refused: string | undefined },
): Promise<JobState> {
  // One that has run, and that its JobManager does not know any more, is not there to be submitted: that is an error.
  const status = seen ? (await client.jobStatus(jobId)).status : await statusInList(client, jobId);
  if (status !== null) return { status, failure: null };
  return refused === undefined
    ? { status: 'INITIALIZING', failure: null, unsubmitted: true }
    : { status: 'FAILED', failure: refused };
}
