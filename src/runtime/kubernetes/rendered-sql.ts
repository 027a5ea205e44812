// The init container that puts Secrets into the SQL text of a job on Apache Flink, for its JobManager alone. Pure.
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { secretsOfScript } from '../../engine-client/flink/script-secrets.ts';
import { secretVariable } from '../../engine-client/secrets-of.ts';
import { CONTAINER_SECURITY, PATHS, type PodExtras, type PodSettings } from './pods.ts';

const FOLDER = '/flowjob/sql';
const RENDERED_SQL = `${FOLDER}/job.sql`;

export interface RenderedSql {
  extras: PodExtras;
  /** What Flink reads. */
  script: string;
  /** Flink prints each statement of a script to its standard output: with values in them that goes nowhere. */
  quiet: boolean;
}

export const hasSecrets = (spec: ResolvedFlowJobSpec): boolean => secretsOfScript(sqlText(spec)).length > 0;

/** What the JobManager reads. */
export const scriptOf = (spec: ResolvedFlowJobSpec): string => (hasSecrets(spec) ? RENDERED_SQL : PATHS.sql);

/** Where the text refers to none, Flink reads it as it is. */
export function renderedSql(spec: ResolvedFlowJobSpec, { image }: PodSettings): RenderedSql {
  const secrets = secretsOfScript(sqlText(spec));
  if (secrets.length === 0) return { extras: {}, script: PATHS.sql, quiet: false };
  const mount = { name: 'sql', mountPath: FOLDER };
  const extras: PodExtras = {
    initContainers: [
      {
        name: 'render-sql',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/opt/flowjob/dist/render-sql.js'],
        args: ['--from', PATHS.sql, '--to', RENDERED_SQL],
        // By the kubelet, which says at once which Secret or key is missing; the operator never reads them.
        env: secrets.map((reference) => ({
          name: secretVariable(reference),
          valueFrom: { secretKeyRef: reference },
        })),
        resources: { limits: { memory: '128Mi', cpu: '1' }, requests: { memory: '64Mi', cpu: '50m' } },
        securityContext: CONTAINER_SECURITY,
        terminationMessagePolicy: 'FallbackToLogsOnError',
        volumeMounts: [{ name: 'secret', mountPath: '/flowjob/secret', readOnly: true }, mount],
      },
    ],
    // Never on a disk of the node.
    volumes: [{ name: 'sql', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } }],
    volumeMounts: [{ ...mount, readOnly: true }],
  };
  return { extras, script: RENDERED_SQL, quiet: true };
}
