// State on S3 and on what speaks as S3 does: where it is, and as whom the job's pods ask for it.
import { Type, type Static } from '@sinclair/typebox';
import type { CelRule } from './schema-kit.ts';

/** A bucket, and a folder in it; of characters that mean the same to every client, none of which has to be escaped. */
export const S3_URI_PATTERN = 's3://[a-z0-9][a-z0-9.-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*/?';

const secretKey = (what: string, variable: string) =>
  Type.String({
    description: `Key in the Secret of ${what}.`,
    pattern: '^[-._a-zA-Z0-9]+$',
    maxLength: 253,
    default: variable,
    'x-flowjob-change': 'restart',
  });

const CredentialsSchema = Type.Object(
  {
    name: Type.String({
      description: 'Name of the Secret, in the namespace of the FlowJob.',
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      maxLength: 253,
      'x-flowjob-change': 'restart',
    }),
    accessKeyIdKey: secretKey('the access key id', 'AWS_ACCESS_KEY_ID'),
    secretAccessKeyKey: secretKey('the secret access key', 'AWS_SECRET_ACCESS_KEY'),
  },
  {
    description:
      'The Secret with the credentials. Pods read it as environment variables, the operator never; a key AWS_SESSION_TOKEN in it is used as well.',
    'x-flowjob-default':
      'what the pods are to AWS: the role of the service account in podTemplate (IRSA, EKS Pod Identity), or of the node',
  },
);

/** Fields of spec.state.storage beside an s3: URI. */
export const S3_FIELDS = {
  credentialsSecretRef: Type.Optional(CredentialsSchema),
  endpoint: Type.Optional(
    Type.String({
      description: 'With an s3: URI, the address of the server, where it is not AWS: http://minio.minio.svc:9000.',
      pattern: '^https?://[^/\\s]+/?$',
      maxLength: 1024,
      'x-flowjob-change': 'restart',
      'x-flowjob-default': 'that of AWS for the region',
    }),
  ),
  region: Type.Optional(
    Type.String({
      description: 'With an s3: URI, the region of the bucket.',
      pattern: '^[a-z0-9-]+$',
      maxLength: 64,
      'x-flowjob-change': 'restart',
      'x-flowjob-default': 'AWS_REGION of the pods; us-east-1 where an endpoint is named',
    }),
  ),
  pathStyleAccess: Type.Optional(
    Type.Boolean({
      description:
        'With an s3: URI. True: the bucket stands in the path of a request. False: in the name of its host, as on AWS.',
      'x-flowjob-change': 'restart',
      'x-flowjob-default': 'true where an endpoint is named, else false',
    }),
  ),
};

const s3FieldNames = Object.keys(S3_FIELDS);

/** Of spec.state.storage. */
export const S3_FIELDS_RULE: CelRule = {
  rule: `(has(self.uri) && self.uri.startsWith('s3://')) || !(${s3FieldNames.map((name) => `has(self.${name})`).join(' || ')})`,
  message: `${s3FieldNames.join(', ')} are about state on S3: remove them, or write uri as s3://BUCKET/FOLDER`,
};

/** Of spec. */
export const S3_RULES: CelRule[] = [
  {
    rule: "self.engine.type == 'Flink' || !has(self.state.storage) || !has(self.state.storage.uri) || !self.state.storage.uri.startsWith('s3://')",
    message:
      'the embedded engine keeps its state on a volume: write uri as file:/FOLDER, leave it out, or set engine.type to Flink',
    fieldPath: '.state.storage.uri',
  },
  {
    rule:
      "has(self.engine.clusterRef) || !has(self.state.restore) || !has(self.state.restore.uri) || !self.state.restore.uri.startsWith('s3://') || " +
      "(has(self.state.storage) && has(self.state.storage.uri) && self.state.storage.uri.startsWith('s3://'))",
    message:
      'a savepoint on S3 is read as state.storage says, which names a volume: write state.storage.uri as s3://BUCKET/FOLDER, with credentialsSecretRef and endpoint where they are needed',
    fieldPath: '.state.restore.uri',
  },
];

/** How state on S3 is reached, for whoever has no FlowJob to read it from. */
export const S3AccessSchema = Type.Object(
  {
    credentialsSecretRef: Type.Optional(
      Type.Object(
        {
          name: Type.String({ description: 'Name of the Secret.', maxLength: 253 }),
          accessKeyIdKey: Type.String({ description: 'Key of the access key id.', maxLength: 253 }),
          secretAccessKeyKey: Type.String({ description: 'Key of the secret access key.', maxLength: 253 }),
        },
        { description: 'The Secret with the credentials.' },
      ),
    ),
    endpoint: Type.Optional(Type.String({ description: 'Address of the server.', maxLength: 1024 })),
    region: Type.Optional(Type.String({ description: 'Region of the bucket.', maxLength: 64 })),
    pathStyleAccess: Type.Optional(Type.Boolean({ description: 'Whether the bucket stands in the path.' })),
    serviceAccountName: Type.Optional(
      Type.String({ description: 'The service account of the job’s pods.', maxLength: 253 }),
    ),
  },
  { description: 'How the store is reached that a savepoint is in whose path begins with s3: as its job reached it.' },
);
export type S3Access = Static<typeof S3AccessSchema>;

export const isS3 = (path: string | undefined): path is string => path?.startsWith('s3://') === true;

interface Storage extends Omit<S3Access, 'serviceAccountName'> {
  uri?: string;
}

/** Of spec.state.storage and the JobManager's podTemplate; null when the state is not on S3. */
export function s3AccessOf(
  storage: Storage | undefined,
  template?: { spec?: Record<string, unknown> },
): S3Access | null {
  if (!isS3(storage?.uri)) return null;
  const { credentialsSecretRef, endpoint, region, pathStyleAccess } = storage;
  const serviceAccountName = template?.spec?.['serviceAccountName'];
  return {
    ...(credentialsSecretRef === undefined ? {} : { credentialsSecretRef }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyleAccess === undefined ? {} : { pathStyleAccess }),
    ...(typeof serviceAccountName === 'string' ? { serviceAccountName } : {}),
  };
}

/** Servers that are not AWS seldom have a name for each bucket. */
export const isPathStyle = ({ endpoint, pathStyleAccess }: S3Access): boolean =>
  pathStyleAccess ?? endpoint !== undefined;
