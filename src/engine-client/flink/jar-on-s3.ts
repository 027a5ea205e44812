// A jar in a bucket, on S3 or on what speaks as S3 does.
import { GetObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { JarOnS3 } from '../../api/jar.ts';
import { JarError, mayPass, type OpenJar } from './jar-source.ts';
import { s3Client, s3PlaceOf } from './s3-client.ts';

/** Credentials are those of the environment. */
export function openOnS3({ access, field }: JarOnS3): OpenJar {
  const client = s3Client(access);
  return async ({ uri }, signal) => {
    const { bucket: Bucket, key: Key } = s3PlaceOf(uri);
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal: signal });
      return Body as unknown as AsyncIterable<Buffer>;
    } catch (error) {
      throw refusal(error, uri, field) ?? error;
    }
  };
}

/** Null: the store was not reached. */
function refusal(error: unknown, uri: string, field: JarOnS3['field']): JarError | null {
  const { name, message } = error as Error;
  if (name === 'CredentialsProviderError')
    return new JarError(
      'JAR_REFUSED',
      `spec.job.jar.uri: there are no credentials to read ${uri} with -> write ${field}.credentialsSecretRef, or give the service account in jobManager.podTemplate a role (${message})`,
      false,
    );
  if (!(error instanceof S3ServiceException)) return null;
  const { httpStatusCode: status = 500 } = error.$metadata;
  const remedy =
    status === 401 || status === 403
      ? `allow s3:GetObject on it, or correct ${field}.credentialsSecretRef, its Secret, or the role of the service account`
      : name === 'NoSuchBucket'
        ? `make the bucket, or correct the uri, ${field}.endpoint or region`
        : 'correct the uri, or see that the jar is there';
  return new JarError(
    'JAR_REFUSED',
    `spec.job.jar.uri: ${uri} answered ${status} ${name} -> ${remedy}`,
    mayPass(status),
  );
}
