// Submitting a program to a JobManager that is up and runs no job by itself, over REST, under an id that is chosen before. Pure: what is asked, and what the
// answer says. Of one id a JobManager takes one submission, and refuses all others for as long as it lives, whether that job still runs or has ended: an answer
// that was lost is made good by asking for the job, and by the same submission again.
import type { ErrorsAnswer } from '../answers.ts';
import { NO_JOB } from './no-job.ts';
import { describeTrace, isJavaTrace } from './root-cause.ts';

/** The class that runs a SQL text (Flink 2.0 and later). It is in Flink's lib folder, so the jar that is named beside it may be empty. */
export const SQL_DRIVER = 'org.apache.flink.table.runtime.application.SqlDriver';

export interface Submission {
  /** Name of a file in the folder `flink-web-upload` below `web.upload.dir`. It may have come there without an upload, and may be a symbolic link. */
  jar: string;
  /** 32 hexadecimal digits. */
  jobId: string;
  /** Undefined: the one that the jar's manifest names. */
  entryClass?: string | undefined;
  programArgs: readonly string[];
  /** Absent: that of the cluster's configuration. */
  parallelism?: number | undefined;
  /** Savepoint or checkpoint to start from. */
  restoreFrom?: string | undefined;
  allowNonRestoredState?: boolean | undefined;
  /** Over the cluster's configuration; a SET in the SQL text goes over both. */
  configuration?: Readonly<Record<string, string>> | undefined;
}

export interface SubmissionRequest {
  path: string;
  body: object;
}

/** Arguments of SQL_DRIVER: the text itself, or where the JobManager reads it. */
export const sqlArguments = (sql: { text: string } | { file: string }): string[] =>
  'text' in sql ? ['--script', sql.text] : ['--scriptUri', `file://${sql.file}`];

/** Flink's JarRunHandler: plans the program, starts its job and answers when that is done, which goes on when nobody waits for the answer any more. */
export function submissionRequest(submission: Submission): SubmissionRequest {
  const { restoreFrom, allowNonRestoredState, configuration } = submission;
  return {
    path: `/jars/${encodeURIComponent(submission.jar)}/run`,
    body: {
      ...program(submission),
      ...(restoreFrom === undefined ? {} : { savepointPath: restoreFrom }),
      ...(restoreFrom !== undefined && allowNonRestoredState === true ? { allowNonRestoredState } : {}),
      ...(configuration === undefined ? {} : { flinkConfiguration: configuration }),
    },
  };
}

/**
 * Flink's JarPlanHandler: runs the program up to its job graph and starts nothing. An error of the program shows before anything is stopped for it, and the
 * JobManager has loaded its planner, which takes some seconds the first time.
 */
export const planRequest = (submission: Submission): SubmissionRequest => ({
  path: `/jars/${encodeURIComponent(submission.jar)}/plan`,
  body: program(submission),
});

const program = ({ jobId, entryClass, programArgs, parallelism }: Submission): object => ({
  jobId,
  ...(entryClass === undefined ? {} : { entryClass }),
  programArgsList: programArgs,
  ...(parallelism === undefined ? {} : { parallelism }),
});

export type SubmissionAnswer =
  | { kind: 'Submitted' }
  /** A job of that id has been submitted before. It may have ended since. */
  | { kind: 'AlreadyThere' }
  /** `message`: the root cause. There may be a job of that id all the same, which has failed: one whose savepoint is not there. */
  | { kind: 'Refused'; message: string }
  /** Nobody can tell whether there is a job of that id. */
  | { kind: 'Unreachable'; message: string };

/** No JobManager has the lead yet, or something in between has no answer. */
const NOBODY: readonly number[] = [502, 503, 504];

/** 2.3 says the first, versions before it the second, each of jobs that run and of jobs that have ended. */
const DUPLICATE = /\bDuplicate(Application|Job)SubmissionException\b/;

/** The program came to its end. */
const NO_JOBS = /\bNo jobs included in application\b/;

/** Parts of the JobManager that did not answer each other in time: what was asked may yet be done. */
const IN_DOUBT = /\b(AskTimeoutException|RpcConnectionException|FencingTokenException)\b/;

/** `status`: of HTTP. `text`: the body. */
export function submissionAnswer(status: number, text: string): SubmissionAnswer {
  if (status >= 200 && status < 300) return { kind: 'Submitted' };
  const trace = traceIn(text);
  if (DUPLICATE.test(trace)) return { kind: 'AlreadyThere' };
  const message = NO_JOBS.test(trace) ? NO_JOB : isJavaTrace(trace) ? describeTrace(trace) : trace;
  return NOBODY.includes(status) || IN_DOUBT.test(trace)
    ? { kind: 'Unreachable', message }
    : { kind: 'Refused', message };
}

/** An error of the program is the only one; one of the server's own stands behind another that says nothing, in `<Exception on server side:\n…>`. */
function traceIn(text: string): string {
  let errors: string[];
  try {
    ({ errors } = JSON.parse(text) as ErrorsAnswer);
  } catch {
    return text;
  }
  const last = errors.at(-1) ?? '';
  return last.replace(/^<Exception on server side:\n/, '').replace(/\n?End of exception on server side>$/, '');
}
