// The init container that fetches a job's jar for its JobManager; TaskManagers have it from there. Pure.
import { isRemote, jarOnS3 } from '../../api/jar.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { CONTAINER_SECURITY, PATHS, type PodExtras, type PodSettings } from './pods.ts';
import { s3Credentials } from './s3-credentials.ts';

const FETCH_JAR = 'fetch-jar';

const FOLDER = '/flowjob/jars';

export const JAR_FILE = 'job.jar';

/** Where the JobManager finds it. */
export const FETCHED_JAR = `${FOLDER}/${JAR_FILE}`;

/** Empty for SQL, and for a jar of the image. `folder`: where it is in the JobManager's container, where that is not FETCHED_JAR: then Flink may write to it. */
export function fetchedJar({ job, state }: ResolvedFlowJobSpec, { image }: PodSettings, folder?: string): PodExtras {
  if (job.jar === undefined || !isRemote(job.jar.uri)) return {};
  const { uri, sha256 } = job.jar;
  const s3 = jarOnS3(job, state.storage);
  const mount = { name: 'jars', mountPath: FOLDER };
  return {
    initContainers: [
      {
        name: FETCH_JAR,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/opt/flowjob/dist/fetch-jar.js'],
        // `$(` would be replaced by the kubelet.
        args: [
          ...['--uri', uri.replaceAll('$(', () => '$$('), '--to', FETCHED_JAR],
          ...(sha256 === undefined ? [] : ['--sha256', sha256]),
          ...(s3 === null ? [] : ['--s3', JSON.stringify(s3)]),
        ],
        // Proxies and certificates of a company: HTTPS_PROXY and NODE_EXTRA_CA_CERTS in podTemplate are all that is needed then.
        env: [{ name: 'NODE_USE_ENV_PROXY', value: '1' }, ...s3Credentials(s3?.access ?? null)],
        resources: { limits: { memory: '128Mi', cpu: '1' }, requests: { memory: '64Mi', cpu: '50m' } },
        securityContext: CONTAINER_SECURITY,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [mount, { name: 'tmp', mountPath: PATHS.temporary }],
      },
    ],
    volumes: [{ name: 'jars', emptyDir: {} }],
    volumeMounts: [folder === undefined ? { ...mount, readOnly: true } : { ...mount, mountPath: folder }],
  };
}
