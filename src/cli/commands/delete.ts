// `flowjob delete`: asks for deletion, and waits until the operator has stopped the job and let the object go.
import { runningOperator } from '../../controller/operator-lock.ts';
import { KINDS, type Kind } from '../../api/group.ts';
import type { AnyObject } from '../../store/port.ts';
import type { LocalStore } from '../../store/local/local-store.ts';
import { CommandError, withStore, type CliContext } from '../context.ts';
import { loadManifests } from '../manifests.ts';
import { existing, localKey, parseTarget, kindNamed } from '../targets.ts';
import { waitFor } from '../waiting.ts';

interface DeleteOptions {
  target: readonly string[];
  paths: readonly string[];
  wait: boolean;
  timeoutMs: number;
}

export async function deleteObjects(context: CliContext, directory: string, options: DeleteOptions): Promise<void> {
  const named = await namedObjects(context, options);
  if (named.length === 0) throw new CommandError('say what to delete: flowjob delete NAME, or flowjob delete -f FILE');
  await withStore(context, directory, async (store) => {
    // Every name first: a slip of the pen in one deletes none.
    const objects = [];
    for (const { kind, name } of named) objects.push(await existing(store, kind, name));
    const held: { kind: Kind; name: string; uid: string; savepoint: string | undefined }[] = [];
    for (const { kind, metadata } of objects) {
      const left = await store.delete(kind, localKey(metadata.name));
      context.out(`${KINDS[kind].singular}/${metadata.name} deleted`);
      if (left !== null) held.push({ kind, name: metadata.name, uid: metadata.uid, savepoint: savepointOf(left) });
    }
    if (held.length === 0) return;
    if (runningOperator(directory) === null) {
      context.err(
        `${held.map(({ name }) => name).join(', ')}: goes when an operator has cleaned up behind it: flowjob local up`,
      );
      return;
    }
    if (options.wait) await untilGone(context, store, held, options.timeoutMs);
  });
}

async function namedObjects(context: CliContext, options: DeleteOptions): Promise<{ kind: Kind; name: string }[]> {
  const { manifests, errors } =
    options.paths.length > 0 ? await loadManifests(context, options.paths) : { manifests: [], errors: [] };
  if (errors.length > 0) throw new CommandError(errors.join('\n'));
  const fromFiles = manifests.map(({ manifest }) => ({ kind: manifest.kind, name: manifest.metadata.name }));
  return [...fromFiles, ...targets(options.target)];
}

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

async function untilGone(
  context: CliContext,
  store: LocalStore,
  held: readonly { kind: Kind; name: string; uid: string; savepoint: string | undefined }[],
  timeoutMs: number,
): Promise<void> {
  for (const { kind, name, uid, savepoint } of held) {
    let last = savepoint;
    await waitFor(context, store, {
      kind,
      name,
      timeoutMs,
      what: 'to be gone',
      seen: (object) => {
        if (object.metadata.uid === uid) last = savepointOf(object) ?? last;
      },
      // Another object may have taken the name since.
      done: (object) => object === null || object.metadata.uid !== uid,
    });
    if (last !== undefined && last !== savepoint)
      context.out(`flowjob/${name} was stopped with a savepoint at ${last}`);
  }
}

/** Where the newest savepoint of a job is. */
const savepointOf = ({ kind, status }: AnyObject): string | undefined =>
  kind === 'FlowJob' ? status?.lastSavepoint?.path : undefined;
