// Which object a command line means: `flowjobs orders`, `fj/orders`, `orders`.
import { KINDS, type Kind } from '../api/group.ts';
import { nearest } from '../api/schema-check.ts';
import { KubeError } from '../kube/errors.ts';
import type { ObjectKey } from '../api/object.ts';
import { describeObject, type Objects, type Store } from '../store/port.ts';
import { CommandError } from './context.ts';

export interface Target {
  kind: Kind;
  /** Null: all of the kind. */
  name: string | null;
}

/** The kind of that name, in any form that kubectl takes: flowjob, flowjobs, fj, FlowJob, flowjobs.flowjob.dev. */
export function kindNamed(word: string): Kind | null {
  const wanted = word.toLowerCase().replace(/\.flowjob\.dev$/, '');
  for (const [kind, { plural, singular, shortNames }] of Object.entries(KINDS)) {
    const names: readonly string[] = [plural, singular, ...shortNames];
    if (names.includes(wanted)) return kind as Kind;
  }
  return null;
}

/** `[kind] [name]`, `kind/name` or `name`; a FlowJob where no kind is said. */
export function parseTarget(words: readonly string[]): Target {
  const [first, second] = words;
  if (first === undefined) return { kind: 'FlowJob', name: null };
  const slash = first.indexOf('/');
  if (slash > 0) {
    const kind = kindNamed(first.slice(0, slash));
    if (kind === null) throw unknownKind(first.slice(0, slash));
    return { kind, name: first.slice(slash + 1) };
  }
  const kind = kindNamed(first);
  if (kind !== null) return { kind, name: second ?? null };
  if (second !== undefined) throw unknownKind(first);
  return { kind: 'FlowJob', name: first };
}

function unknownKind(word: string): CommandError {
  const known = Object.values(KINDS).map(({ plural }) => plural);
  const near = nearest(word, known);
  return new CommandError(
    `there is no kind "${word}": ${near === null ? `use ${known.join(' or ')}` : `did you mean ${near}?`}`,
  );
}

/** The object, or an error that says what there is instead. */
export async function existing<K extends Kind>(store: Store, kind: K, key: ObjectKey): Promise<Objects[K]> {
  const { namespace, name } = key;
  const object = await store.get(kind, key);
  if (object !== null) return object;
  const names = await namesIn(store, kind, namespace);
  const near = nearest(name, names);
  const hint = near !== null ? `; did you mean ${near}?` : names.length > 0 ? `; there are ${names.join(', ')}` : '';
  throw new CommandError(`${describeObject(kind, name)} not found${hint}`);
}

/** None where they may not be listed: the object is missing all the same. */
async function namesIn(store: Store, kind: Kind, namespace: string): Promise<string[]> {
  try {
    const { items } = await store.list(kind);
    return items.flatMap(({ metadata }) => (metadata.namespace === namespace ? [metadata.name] : []));
  } catch (error) {
    if (error instanceof KubeError) return [];
    throw error;
  }
}
