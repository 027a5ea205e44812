// `flowjob delete`: asks for deletion, and waits until the operator has stopped the job and let the object go.
import { API_VERSION, KINDS, type Kind } from '../../api/group.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { AnyObject } from '../../store/port.ts';
import { CommandError, type CliContext } from '../context.ts';
import { loadManifests } from '../manifests.ts';
import { keyIn, type AnyManifest, type Place } from '../place.ts';
import { existing, parseTarget, kindNamed } from '../targets.ts';
import { waitFor } from '../waiting.ts';

interface DeleteOptions {
  target: readonly string[];
  paths: readonly string[];
  wait: boolean;
  timeoutMs: number;
}

interface Named {
  kind: Kind;
  key: ObjectKey;
}

/** One that does not go at once. `savepoint`: where its newest was when the deletion was asked for. */
interface Held extends Named {
  uid: string;
  savepoint: string | undefined;
}

export async function deleteObjects(context: CliContext, place: Place, options: DeleteOptions): Promise<void> {
  const { named, others } = await namedObjects(context, place, options);
  if (named.length + others.length === 0)
    throw new CommandError('say what to delete: flowjob delete NAME, or flowjob delete -f FILE');
  const { store } = place;
  // Every name first: a slip of the pen in one deletes none.
  const objects = [];
  for (const { kind, key } of named) objects.push(await existing(store, kind, key));
  const held: Held[] = [];
  for (const { kind, metadata } of objects) {
    const { namespace, name, uid } = metadata;
    const left = await store.delete(kind, { namespace, name });
    context.out(`${KINDS[kind].singular}/${name} deleted`);
    if (left?.metadata.uid === uid) held.push({ kind, key: { namespace, name }, uid, savepoint: savepointOf(left) });
  }
  const idle = held.length === 0 ? null : place.idleness();
  if (idle !== null)
    context.err(
      `${held.map(({ key }) => key.name).join(', ')}: goes when an operator has cleaned up behind it: ${idle}`,
    );
  else if (options.wait) await untilGone(context, place, held, options.timeoutMs);
  // What a job reads is there until the job is gone.
  for (const manifest of others.reverse()) {
    const id = await place.deleteOther(manifest);
    context.out(id === null ? `${manifest.kind} "${manifest.metadata.name}" was not there` : `${id} deleted`);
  }
}

async function namedObjects(
  context: CliContext,
  place: Place,
  options: DeleteOptions,
): Promise<{ named: Named[]; others: AnyManifest[] }> {
  const { manifests, errors } =
    options.paths.length > 0
      ? await loadManifests(context, options.paths, (manifest) => place.recognize(manifest))
      : { manifests: [], errors: [] };
  if (errors.length > 0) throw new CommandError(errors.join('\n'));
  const named: Named[] = [];
  const others: AnyManifest[] = [];
  for (const { manifest } of manifests) {
    const { name, namespace = place.namespace } = manifest.metadata;
    if (isOurs(manifest)) named.push({ kind: manifest.kind, key: { namespace, name } });
    else others.push(manifest);
  }
  for (const { kind, name } of targets(options.target)) named.push({ kind, key: keyIn(place, name) });
  return { named, others };
}

const isOurs = (manifest: AnyManifest): manifest is AnyManifest & { kind: Kind } =>
  manifest.apiVersion === API_VERSION && Object.hasOwn(KINDS, manifest.kind);

/** `delete a b`, `delete fjs a b`, `delete fj/a fjs/b`. */
function targets(words: readonly string[]): { kind: Kind; name: string }[] {
  const [first, ...rest] = words;
  const kind = first === undefined || first.includes('/') ? null : kindNamed(first);
  if (kind !== null) return rest.map((name) => ({ kind, name }));
  return words.map((word) => {
    const target = parseTarget([word]);
    return { kind: target.kind, name: target.name ?? '' };
  });
}

/** All at once: what one that has gone was stopped with, nobody can tell afterwards. */
async function untilGone(context: CliContext, place: Place, held: readonly Held[], timeoutMs: number): Promise<void> {
  const ends = await Promise.allSettled(held.map(async (one) => untilOneIsGone(context, place, one, timeoutMs)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function untilOneIsGone(
  context: CliContext,
  place: Place,
  { kind, key, uid, savepoint }: Held,
  timeoutMs: number,
): Promise<void> {
  let last = savepoint;
  await waitFor(context, place.storeIn(key.namespace), {
    kind,
    key,
    timeoutMs,
    what: 'to be gone',
    seen: (object) => {
      if (object.metadata.uid === uid) last = savepointOf(object) ?? last;
    },
    // Another object may have taken the name since.
    done: (object) => object === null || object.metadata.uid !== uid,
  });
  if (last !== undefined && last !== savepoint)
    context.out(`flowjob/${key.name} was stopped with a savepoint at ${last}`);
}

/** Where the newest savepoint of a job is. */
const savepointOf = ({ kind, status }: AnyObject): string | undefined =>
  kind === 'FlowJob' ? status?.lastSavepoint?.path : undefined;
