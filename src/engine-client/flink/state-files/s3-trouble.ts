// What keeps a store of objects from answering, with the field of the spec that it is about.
import { S3ServiceException } from '@aws-sdk/client-s3';
import type { S3Access } from '../../../api/s3.ts';
import { StoreUnavailable } from './port.ts';

export function s3Trouble(error: unknown, bucket: string, access: S3Access): StoreUnavailable {
  const { name, message, cause } = error as Error;
  return new StoreUnavailable(`S3 (bucket ${bucket}): ${remedyOf(error, access)} (${name}: ${message})`, {
    cause: cause ?? error,
  });
}

function remedyOf(error: unknown, { endpoint, credentialsSecretRef: secret }: S3Access): string {
  const { name } = error as Error;
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (name === 'CredentialsProviderError')
    return 'the pods have no credentials: write spec.state.storage.credentialsSecretRef, or give the service account in jobManager.podTemplate a role';
  if (name === 'NoSuchBucket')
    return 'there is no such bucket: make it, or correct spec.state.storage.uri, endpoint or region';
  if (status === 401 || status === 403)
    return `it refuses. Allow s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject, or correct ${secret === undefined ? 'the role of the service account in jobManager.podTemplate' : `the Secret ${secret.name} that spec.state.storage.credentialsSecretRef names`}`;
  if (status === undefined)
    return `${endpoint ?? 'AWS'} cannot be reached: correct spec.state.storage.endpoint or region, or let the job’s pods get there`;
  return `it answers with an error, HTTP ${status}: it is asked again; if that stays so, look at the store, and at spec.state.storage`;
}
