// All keys of flinkConfiguration that are more than an entry of engine.config.
import { AUTOSCALER_KEYS } from './autoscaler-keys.ts';
import { FLINK_KEYS } from './flink-keys.ts';
import { KUBERNETES_KEYS } from './kubernetes-keys.ts';
import { OPERATOR_KEYS } from './operator-keys.ts';
import { S3_KEYS } from './s3-keys.ts';
import { ruleFor, toDo, type Hand, type KeyRule } from './rules.ts';

/** Keys whose values Flink hides in its logs (GlobalConfiguration.SENSITIVE_KEYS). */
const SENSITIVE =
  /password|secret|fs\.azure\.account\.key|apikey|api-key|auth-params|service-key|token|basic-auth|jaas\.config|http-headers/i;

const unknownOfOperator: KeyRule = toDo(
  'kubernetes.operator.*',
  'Is no key of the other operator that is known here: look up what it does.',
);

export const KEY_RULES: readonly KeyRule[] = [
  ...FLINK_KEYS,
  ...S3_KEYS,
  ...OPERATOR_KEYS,
  ...AUTOSCALER_KEYS,
  ...KUBERNETES_KEYS,
  unknownOfOperator,
  { ...unknownOfOperator, from: 'job.autoscaler.*' },
];

/** Names of today by former ones. */
const CURRENT = new Map(KEY_RULES.flatMap(({ from, formerly }) => formerly.map((name) => [name, from] as const)));

/** The name of today of a key. */
export function currentKey(key: string): string {
  const exact = CURRENT.get(key);
  if (exact !== undefined) return exact;
  for (const [former, current] of CURRENT)
    if (former.endsWith('*') && key.startsWith(former.slice(0, -1)))
      return `${current.slice(0, -1)}${key.slice(former.length - 1)}`;
  return key.replace(/^kubernetes\.operator\.job\.autoscaler\./, 'job.autoscaler.');
}

/** The rule of a key by its name of today; undefined for what Flink alone knows. */
export const keyRule = (key: string): KeyRule | undefined => ruleFor(KEY_RULES, key);

/** What Flink alone knows goes along as it is. */
export function intoConfig(key: string, text: string, hand: Hand): void {
  hand.config(key, text);
  if (SENSITIVE.test(key) && !/^(true|false)$/i.test(text))
    hand.toDo(
      'stands in the manifest for all to read, as before: put it into a Secret that podTemplate mounts, where Flink takes it from a file or a variable',
    );
}
