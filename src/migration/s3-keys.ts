// Keys of Flink's plugins for S3 that fields of spec.state.storage say, where state is there: beside those fields the operator takes them in no engine.config.
import { show } from '../api/schema-check.ts';
import { isS3 } from '../api/s3.ts';
import { flinkBoolean } from './flink-values.ts';
import { mapped, type Hand, type KeyRule } from './rules.ts';
import { storageUri } from './subjects.ts';

const STORAGE = 'spec.state.storage';
const ELSE = 'Where state is not on S3 it stays an entry of engine.config.';

/** Under each prefix that the keys have. */
const s3Key = (name: string, to: string, text: string, put: (text: string, hand: Hand) => void): KeyRule[] =>
  ['s3', 's3a', 'fs.s3a'].map((prefix) =>
    mapped<string>(`${prefix}.${name}`, `${STORAGE}.${to}`, `${text} ${ELSE}`, (value, hand) =>
      isS3(storageUri(hand) ?? undefined) ? put(value.trim(), hand) : hand.config(hand.key, value),
    ),
  );

const credentials = (name: string, variable: string): KeyRule[] =>
  ['s3', 's3a', 'fs.s3a'].map((prefix) =>
    mapped<string>(
      `${prefix}.${name}`,
      [],
      `Goes nowhere: put it into a Secret as ${variable}, and name that in ${STORAGE}.credentialsSecretRef, or where state is not on S3 in env of podTemplate.`,
      (_value, hand) =>
        hand.toDo(
          isS3(storageUri(hand) ?? undefined)
            ? `stays behind, as who may read a FlowJob would read it: put it into a Secret as ${variable}, and name that in ${STORAGE}.credentialsSecretRef`
            : `stays behind, as who may read a FlowJob would read it: put it into a Secret, and that into env of podTemplate as ${variable}`,
        ),
    ),
  );

export const S3_KEYS: readonly KeyRule[] = [
  ...s3Key('endpoint', 'endpoint', 'With http:// or https:// in front.', (text, hand) => {
    if (!/^https?:\/\//.test(text))
      return hand.toDo(`${show(text)} does not say http or https: write ${STORAGE}.endpoint with one of them in front`);
    hand.put(`${STORAGE}.endpoint`, text);
  }),
  ...s3Key('endpoint.region', 'region', 'As it is.', (text, hand) => hand.put(`${STORAGE}.region`, text)),
  ...['path.style.access', 'path-style-access'].flatMap((name) =>
    s3Key(name, 'pathStyleAccess', 'As it is.', (text, hand) => {
      const answer = flinkBoolean(text);
      if (answer === null) return hand.toDo(`${show(text)} is neither true nor false`);
      hand.put(`${STORAGE}.pathStyleAccess`, answer);
    }),
  ),
  ...['access.key', 'access-key'].flatMap((name) => credentials(name, 'AWS_ACCESS_KEY_ID')),
  ...['secret.key', 'secret-key'].flatMap((name) => credentials(name, 'AWS_SECRET_ACCESS_KEY')),
];
