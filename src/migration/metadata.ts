// metadata: what people wrote goes along, what the API server and the other operator wrote does not.
import type { Account } from './account.ts';
import { isMap, putAt, type Json, type Path } from './leaves.ts';

const SERVER = 'belongs to the object in the cluster';

/** What is left behind of metadata, and why. */
export const LEFT_BEHIND: Readonly<Record<'fields' | 'labels' | 'annotations', Readonly<Record<string, string>>>> = {
  fields: {
    uid: SERVER,
    resourceVersion: SERVER,
    generation: SERVER,
    creationTimestamp: SERVER,
    deletionTimestamp: SERVER,
    deletionGracePeriodSeconds: SERVER,
    managedFields: SERVER,
    selfLink: SERVER,
    generateName: SERVER,
    finalizers: 'are of the other operator',
    ownerReferences: 'are of the object before: what owns the new one sets its own',
  },
  labels: {
    'flink.apache.org/canary': 'a FlowJob is no canary of the operator',
    'target.session': 'was set by the other operator',
  },
  annotations: {
    'kubectl.kubernetes.io/last-applied-configuration': 'is the manifest of the object before',
  },
};

/** Names, labels and annotations of `object` into `output`. */
export function carryMetadata(object: Json, output: Json, account: Account): void {
  const metadata = object['metadata'] as Json;
  for (const [name, value] of Object.entries(metadata)) {
    if (name === 'name' || name === 'namespace') carry(['metadata', name], value);
    else if ((name === 'labels' || name === 'annotations') && isMap(value)) carryAll(name, value);
    else if (Object.hasOwn(LEFT_BEHIND.fields, name))
      account.remark(['metadata', name], 'NothingToDo', LEFT_BEHIND.fields[name]!);
  }

  function carryAll(field: 'labels' | 'annotations', map: Json): void {
    const left = LEFT_BEHIND[field];
    if (Object.keys(map).length === 0) account.remark(['metadata', field], 'NothingToDo', 'is empty');
    for (const [key, value] of Object.entries(map)) {
      const path = ['metadata', field, key];
      if (Object.hasOwn(left, key)) account.remark(path, 'NothingToDo', left[key]!);
      else carry(path, value);
    }
  }

  function carry(path: Path, value: unknown): void {
    putAt(output, path as string[], value);
    account.mapped(path, path);
  }
}
