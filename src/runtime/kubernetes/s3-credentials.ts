// The credentials for state on S3, as environment variables that every client of S3 looks for. The kubelet fills them in, and says at once which Secret or key is
// missing; the operator never reads them.
import type { S3Access } from '../../api/s3.ts';

/** None: the pods have an identity of their own. */
export function s3Credentials(access: S3Access | null): object[] {
  const secret = access?.credentialsSecretRef;
  if (secret === undefined) return [];
  const { name, accessKeyIdKey, secretAccessKeyKey } = secret;
  const variable = (variableName: string, reference: object): object => ({
    name: variableName,
    valueFrom: { secretKeyRef: { name, ...reference } },
  });
  return [
    variable('AWS_ACCESS_KEY_ID', { key: accessKeyIdKey }),
    variable('AWS_SECRET_ACCESS_KEY', { key: secretAccessKeyKey }),
    variable('AWS_SESSION_TOKEN', { key: 'AWS_SESSION_TOKEN', optional: true }),
  ];
}
