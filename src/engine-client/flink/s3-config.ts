// What Flink is told of state on S3, as keys of flink-s3-fs-hadoop, which hands those that begin with `s3.` on to Hadoop's S3A. Credentials are none of them: they
// would stand in a ConfigMap, in REST's answers and in logs. They come as environment variables.
import { isPathStyle, s3AccessOf } from '../../api/s3.ts';
import type { ResolvedFlowJobSpec } from '../../api/resolved.ts';

type Storage = ResolvedFlowJobSpec['state']['storage'];

/** What a user may say otherwise. */
export function s3Defaults(storage: Storage): Record<string, string> {
  if (s3AccessOf(storage) === null) return {};
  return {
    // S3A's own list knows no web identity (IRSA). This one is the variables, then the service account's role, then that of the pod or node.
    'fs.s3a.aws.credentials.provider': 'com.amazonaws.auth.DefaultAWSCredentialsProviderChain',
    // Else S3A removes `FOLDER/` of all folders above a file each time that it writes one (HADOOP-18752 made this the default later): requests for nothing, and where
    // a server is a tree of files it refuses, and is asked again for minutes.
    'fs.s3a.directory.marker.retention': 'keep',
  };
}

export function s3Config(storage: Storage): Record<string, string> {
  const access = s3AccessOf(storage);
  if (access === null) return {};
  const { endpoint, region = endpoint === undefined ? undefined : 'us-east-1' } = access;
  return {
    's3.path.style.access': String(isPathStyle(access)),
    ...(endpoint === undefined ? {} : { 's3.endpoint': endpoint }),
    ...(region === undefined ? {} : { 's3.endpoint.region': region }),
  };
}

/** Under each prefix that S3A's keys have in Flink. */
const SAID_BY_SPEC =
  /^(s3|s3a|fs\.s3a)\.(endpoint|endpoint\.region|path[.-]style[.-]access|access[.-]key|secret[.-]key)$/;

/** A key of engine.config that fields of state.storage say: Flink would follow the key, and whoever looks for its state would not. Null: none. */
export function s3KeySaidTwice(storage: Storage, config: Readonly<Record<string, string>>): string | null {
  if (s3AccessOf(storage) === null) return null;
  return Object.keys(config).find((key) => SAID_BY_SPEC.test(key)) ?? null;
}
