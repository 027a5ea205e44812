// spec.job.jar: a program for Apache Flink that comes as a jar, and where that is had from.
import { Type, type Static } from '@sinclair/typebox';
import { isS3, S3_FIELDS, s3AccessOf, type S3Access } from './s3.ts';
import type { CelRule } from './schema-kit.ts';

/** An object in a bucket, of characters that mean the same to every client. */
const S3_OBJECT = 's3://[a-z0-9][a-z0-9.-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=+-]*)+$';

export const JarSchema = Type.Object(
  {
    uri: Type.String({
      description:
        'Where the jar is: a file of the image (`local:///opt/flink/usrlib/job.jar`, or the path alone), or `https://`, `s3://BUCKET/KEY`, or `http://` with sha256: then it is fetched at every start. Jars in the image’s /opt/flink/usrlib are in its class path too.',
      minLength: 1,
      maxLength: 2048,
      'x-flowjob-change': 'restart',
      'x-kubernetes-validations': [
        {
          rule: `self.matches('^((local://)?/[^/]|https?://[^/]|${S3_OBJECT})')`,
          message:
            'must be local:///PATH or /PATH for a file of the image, https://..., s3://BUCKET/KEY of letters, digits and - _ . = +, or http://... with sha256: put what is kept elsewhere into the image, or serve it by https',
        },
        {
          rule: "!self.matches('^https?://[^/]*@')",
          message:
            'whoever may read the FlowJob would read the password in it: serve the jar without one, or put it into the image',
        },
      ] satisfies CelRule[],
    }),
    entryClass: Type.Optional(
      Type.String({
        description: 'The class whose main method is run. For PyFlink `org.apache.flink.client.python.PythonDriver`.',
        pattern: '^[A-Za-z_$][A-Za-z0-9_$.]*$',
        maxLength: 512,
        'x-flowjob-change': 'restart',
        'x-flowjob-default': 'Main-Class in the manifest of the jar',
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String({ description: 'One argument.', maxLength: 4096 }), {
        description: 'What the main method is given. Whoever may read the pods reads them: name no passwords.',
        maxItems: 256,
        'x-flowjob-change': 'restart',
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    sha256: Type.Optional(
      Type.String({
        description: 'What `sha256sum` says of the jar. Where another one is fetched, nothing of it is run.',
        pattern: '^[0-9a-f]{64}$',
        maxLength: 64,
        'x-flowjob-change': 'restart',
        'x-flowjob-default': 'it is not checked',
      }),
    ),
    s3: Type.Optional(
      Type.Object(S3_FIELDS, {
        description:
          'With an s3: URI, how the store is reached that the jar is in. As for state.storage; nothing of that counts where this is written.',
        'x-flowjob-default':
          'as state.storage says where that is on S3; else AWS, as what the JobManager’s pod is to it',
      }),
    ),
  },
  {
    description: 'The job as a program for Apache Flink, with engine.type Flink.',
    'x-kubernetes-validations': [
      {
        rule: "!self.uri.startsWith('http://') || has(self.sha256)",
        message: 'what comes by http could be another jar: add sha256, or use https',
        fieldPath: '.sha256',
      },
      {
        rule: "self.uri.startsWith('http') || self.uri.startsWith('s3://') || !has(self.sha256)",
        message: 'only a jar that is fetched is checked: remove sha256, as the image says which jar it is',
        fieldPath: '.sha256',
      },
      {
        rule: "self.uri.startsWith('s3://') || !has(self.s3)",
        message: 'says how a jar on S3 is fetched: remove s3, or write uri as s3://BUCKET/KEY',
        fieldPath: '.s3',
      },
    ] satisfies CelRule[],
  },
);

export type Jar = Static<typeof JarSchema>;

/** Whether the jar is fetched before the job is started, rather than being a file of the image. */
export const isRemote = (uri: string): boolean => /^(https?|s3):/.test(uri);

/** How the jar's store is reached, and which field of the spec says so. */
export interface JarOnS3 {
  access: S3Access;
  field: 'spec.job.jar.s3' | 'spec.state.storage';
}

/** Null: the jar is not on S3. */
export function jarOnS3({ jar }: { jar?: Jar }, storage: Parameters<typeof s3AccessOf>[0]): JarOnS3 | null {
  if (jar === undefined || !isS3(jar.uri)) return null;
  const own = jar.s3 === undefined ? null : s3AccessOf({ uri: jar.uri, ...jar.s3 });
  const ofState = s3AccessOf(storage);
  if (own === null && ofState !== null) return { access: ofState, field: 'spec.state.storage' };
  return { access: own ?? {}, field: 'spec.job.jar.s3' };
}
