// SQL texts that stand in ConfigMaps: the port through which they are read and watched, and what is said when one is missing.
import { MAX_SQL_LENGTH, type FlowJob } from '../api/flowjob.ts';
import type { ObjectKey } from '../api/object.ts';
import type { ReferencedSql } from '../lifecycle/observation.ts';

export interface ConfigMaps {
  /** Its data as it is now; null when there is none of that name. */
  read(key: ObjectKey): Promise<Record<string, string> | null>;
  /** Calls `listener` when a ConfigMap has come, changed or gone. May tell of more than those that were read. */
  onChange(listener: (key: ObjectKey) => void): void;
}

/** Null: the text stands inline, or the job has none. */
export async function sqlOf(job: FlowJob, configMaps: ConfigMaps | undefined): Promise<ReferencedSql | null> {
  const ref = job.spec.job.sql?.configMapKeyRef;
  if (ref === undefined) return null;
  const { namespace } = job.metadata;
  const field = 'spec.job.sql.configMapKeyRef';
  if (configMaps === undefined)
    return { missing: `${field}: there are no ConfigMaps on one machine. Write the text as spec.job.sql.inline.` };
  const data = await configMaps.read({ namespace, name: ref.name });
  if (data === null)
    return {
      missing: `${field}.name: there is no ConfigMap "${ref.name}" in namespace "${namespace}". Create it with the text under key "${ref.key}", or correct the name.`,
    };
  const text = data[ref.key];
  if (text === undefined) {
    const keys = Object.keys(data).sort();
    const has = keys.length === 0 ? 'no keys' : `the keys ${keys.map((key) => `"${key}"`).join(', ')}`;
    return {
      missing: `${field}.key: ConfigMap "${ref.name}" has no key "${ref.key}"; it has ${has}. Add the text under that key, or correct the key.`,
    };
  }
  if (text.length > MAX_SQL_LENGTH)
    return {
      missing: `${field}: the text under key "${ref.key}" of ConfigMap "${ref.name}" has ${text.length} characters, and ${MAX_SQL_LENGTH} are the most. Shorten it, or split the job.`,
    };
  return { text };
}
