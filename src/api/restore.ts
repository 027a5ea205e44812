// spec.state.restore: where a job that has never run starts from, and what becomes of state that its storage holds from an earlier life.
import { Type, type Static } from '@sinclair/typebox';
import { S3_URI_PATTERN } from './s3.ts';
import { stringEnum, type CelRule } from './schema-kit.ts';

export const RESTORE_POLICIES = ['Newest', 'Empty'] as const;

export const RestoreSchema = Type.Object(
  {
    savepointRef: Type.Optional(
      Type.Object(
        {
          name: Type.String({
            description:
              'Name of a FlowSavepoint in the same namespace, also one of another job or of a job that was deleted. The job waits until it is there and complete.',
            minLength: 1,
            maxLength: 253,
            'x-flowjob-change': 'none',
          }),
        },
        { description: 'A FlowSavepoint to start from.' },
      ),
    ),
    uri: Type.Optional(
      Type.String({
        description:
          'A savepoint to start from: the folder that holds its _metadata, as an absolute path or a file: URI, on Kubernetes as the pods see it: below /flowjob/state, or below a volume that podTemplate mounts in every pod; or s3://BUCKET/FOLDER, where state.storage is on S3 too. The job waits until it is there.',
        pattern: `^((file:(//)?)?/.+|${S3_URI_PATTERN})$`,
        maxLength: 1024,
        'x-flowjob-change': 'none',
      }),
    ),
    policy: Type.Optional(
      stringEnum(RESTORE_POLICIES, {
        description:
          'What becomes of state that an earlier job of this name has left in the storage of this one. `Newest`: the job goes on from the newest of it, and from savepointRef or uri only when there is none. `Empty`: the job starts without state.',
        'x-flowjob-change': 'none',
        'x-flowjob-default':
          'where neither savepointRef nor uri says where to start, the job waits, Stalled, and leaves that state alone',
      }),
    ),
    allowNonRestoredState: Type.Boolean({
      description:
        'True: state that belongs to no operator of the job is dropped. False: a savepoint with such state is not restored, and the job fails.',
      default: false,
      'x-flowjob-change': 'none',
    }),
  },
  {
    description:
      'Where a new job starts from. It counts until the first checkpoint of the job is complete, and never again: no upgrade and no restart goes back to it.',
    'x-flowjob-default': 'empty state',
    'x-kubernetes-validations': [
      {
        rule: '!has(self.savepointRef) || !has(self.uri)',
        message: 'a job starts from one savepoint: remove savepointRef or uri',
      },
      {
        rule: "!has(self.policy) || self.policy != 'Empty' || (!has(self.savepointRef) && !has(self.uri))",
        message: 'a job that starts empty starts from no savepoint: remove policy, or remove savepointRef and uri',
        fieldPath: '.policy',
      },
    ] satisfies CelRule[],
  },
);
export type Restore = Static<typeof RestoreSchema>;
