// The configuration of a session, which many jobs share, and what each job is submitted with. What one of them says in fields of its own is written as Flink's
// keys here; what users add in engine.config comes under it.
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import type { Attempt } from '../../api/status.ts';
import { jobDefaults, modeConfig, PROCESS_DEFAULTS, processConfig, type ProcessSpec } from './config.ts';
import { s3Config, s3Defaults } from './s3-config.ts';
import { asOneJob } from './script.ts';
import { SQL_DRIVER, sqlArguments, type Submission } from './submission.ts';

export interface SessionPaths {
  temporary: string;
  /** Where the jar of submissions is, a folder below it: see driver-jar.ts. */
  uploads: string;
}

/** Seconds. An operator that was away for less than this still hears how a job ended; by default it has an hour. */
const JOBS_KEPT = 30 * 86_400;

/** `config.yaml` of a session. */
export function sessionConfig(
  spec: ProcessSpec & { state: Pick<ResolvedFlowJobSpec['state'], 'storage'> },
  { temporary, uploads }: SessionPaths,
): Record<string, string> {
  return {
    ...s3Defaults(spec.state.storage),
    ...PROCESS_DEFAULTS,
    'jobstore.expiration-time': String(JOBS_KEPT),
    // Zero: a job waits for slots as long as `slot.request.timeout` says, however long the JobManager is up. By default that holds for its first minutes alone: later on a
    // job that lacks a slot fails at once, a batch for good after a few tries (StandaloneResourceManager.startStartupPeriod).
    'resourcemanager.standalone.start-up-time': '0',
    ...spec.engine.config,
    ...s3Config(spec.state.storage),
    'web.submit.enable': 'true',
    'web.upload.dir': uploads,
    ...processConfig(spec, temporary),
  };
}

/**
 * Name of the empty jar that submissions of SQL to a session name: with the uid of the JobManager's pod in it, so that another one that has come to its address has no
 * such jar, and refuses.
 */
export const driverJarOf = (jobManagerUid: string): string => `sql-driver-${jobManagerUid}.jar`;

/** `state`: root of the job's state, a URI. `restoreFrom`: as the session's pods see it. Throws RangeError as asOneJob does. */
export function sqlSubmission(
  name: string,
  spec: ResolvedFlowJobSpec,
  attempt: Pick<Attempt, 'jobId' | 'allowNonRestoredState'> & { jobManagerUid: string },
  { state, restoreFrom }: { state: string; restoreFrom: string | undefined },
): Submission {
  const { engine, job } = spec;
  return {
    jar: driverJarOf(attempt.jobManagerUid),
    jobId: attempt.jobId,
    entryClass: SQL_DRIVER,
    programArgs: sqlArguments({ text: asOneJob(sqlText(spec)) }),
    parallelism: job.parallelism,
    restoreFrom,
    allowNonRestoredState: attempt.allowNonRestoredState,
    configuration: {
      ...jobDefaults(spec),
      ...engine.config,
      'pipeline.name': name,
      'parallelism.default': String(job.parallelism),
      ...modeConfig(spec, state),
    },
  };
}
