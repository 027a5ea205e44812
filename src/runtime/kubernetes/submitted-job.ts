// Of an attempt whose JobManager is up before its job: how the program comes to where a submission finds it, and what is submitted. Pure.
import { isRemote } from '../../api/jar.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { DRIVER_JAR, UPLOADS } from '../../engine-client/flink/driver-jar.ts';
import { SQL_DRIVER, sqlArguments, type Submission } from '../../engine-client/flink/submission.ts';
import type { AttemptPlan } from '../port.ts';
import { fetchedJar, JAR_FILE } from './fetched-jar.ts';
import { attemptName } from './names.ts';
import type { PodExtras, PodSettings } from './pods.ts';
import { scriptOf } from './rendered-sql.ts';

const ROOT = '/flowjob/uploads';
const FOLDER = `${ROOT}/${UPLOADS}`;

/** Keys of Flink's configuration. */
export const SUBMITTED: Readonly<Record<string, string>> = { 'web.submit.enable': 'true', 'web.upload.dir': ROOT };

/** A program can be brought to where submissions are looked for: SQL, and a jar that is fetched. One of the image is elsewhere. */
export const isSubmittable = ({ job: { jar } }: Pick<ResolvedFlowJobSpec, 'job'>): boolean =>
  jar === undefined || isRemote(jar.uri);

/** Flink writes to the folder, so it is no ConfigMap's. */
export function submittedJar({ key, attempt, spec }: AttemptPlan, settings: PodSettings): PodExtras {
  if (spec.job.jar !== undefined) return fetchedJar(spec, settings, FOLDER);
  const config = { name: 'driver', configMap: { name: attemptName(key.name, attempt.epoch) } };
  return {
    volumes: [{ name: 'uploads', emptyDir: {} }, config],
    volumeMounts: [
      { name: 'uploads', mountPath: FOLDER },
      { name: config.name, mountPath: `${FOLDER}/${DRIVER_JAR}`, subPath: DRIVER_JAR, readOnly: true },
    ],
  };
}

/** `restoreFrom`: as it is told in a pod. */
export function submissionOf({ attempt, spec }: AttemptPlan, restoreFrom: string | undefined): Submission {
  const { jobId, allowNonRestoredState } = attempt;
  const { jar, parallelism } = spec.job;
  return {
    jobId,
    parallelism,
    restoreFrom,
    allowNonRestoredState,
    ...(jar === undefined
      ? { jar: DRIVER_JAR, entryClass: SQL_DRIVER, programArgs: sqlArguments({ file: scriptOf(spec) }) }
      : { jar: JAR_FILE, entryClass: jar.entryClass, programArgs: jar.args ?? [] }),
  };
}
