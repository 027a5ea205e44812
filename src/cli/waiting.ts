// Waiting until an object is as it should be, told by the store's watch.
import type { Kind } from '../api/group.ts';
import type { Condition, ObjectKey } from '../api/object.ts';
import { describeObject, type Objects, type Store } from '../store/port.ts';
import { CommandError, type CliContext } from './context.ts';

export interface WaitOptions<K extends Kind> {
  kind: K;
  key: ObjectKey;
  timeoutMs: number;
  /** For the message of a timeout: `to be gone`. */
  what: string;
  /** What holds after a timeout, and what can be done. */
  afterTimeout?: string;
  /** Told of the object as it is, and of every change, the deletion too. */
  seen?: (object: Objects[K]) => void;
  /** Null: there is no such object. May throw CommandError when waiting on is in vain. */
  done: (object: Objects[K] | null) => boolean;
}

/** Answers the object when `done`. Throws CommandError at the timeout, which says how the object stood. */
export async function waitFor<K extends Kind>(
  context: Pick<CliContext, 'interrupted'>,
  store: Store,
  options: WaitOptions<K>,
): Promise<Objects[K] | null> {
  const { kind, key, timeoutMs } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const { resourceVersion } = await store.list(kind);
  let object = await store.get(kind, key);
  if (object !== null) options.seen?.(object);
  if (options.done(object)) return object;
  for await (const event of store.watch(kind, {
    resourceVersion,
    signal: AbortSignal.any([timeout, context.interrupted]),
  })) {
    const { namespace, name } = event.object.metadata;
    if (name !== key.name || namespace !== key.namespace) continue;
    options.seen?.(event.object);
    object = event.type === 'Deleted' ? null : event.object;
    if (options.done(object)) return object;
  }
  if (context.interrupted.aborted) throw new CommandError('interrupted', 130);
  throw new CommandError(
    `${describeObject(kind, key.name)} took longer than ${timeoutMs / 1000} s ${options.what}; it is now: ${standing(object)}${options.afterTimeout === undefined ? '' : `\n${options.afterTimeout}`}`,
  );
}

function standing(
  object: { status?: { observedGeneration?: number; state?: string; conditions: Condition[] } } | null,
): string {
  if (object === null) return 'gone';
  // As the CustomResourceDefinition fills it in.
  if (object.status?.observedGeneration === -1 && object.status.state === undefined)
    return 'as it was created: no operator has seen it. Is one running that looks after its namespace?';
  const ready = object.status?.conditions.find(({ type }) => type === 'Ready');
  return `state ${object.status?.state ?? 'unknown'}${ready === undefined ? '' : `, Ready=${ready.status} (${ready.reason}: ${ready.message})`}`;
}

/** The condition, if it is about the newest generation of the object. */
export function currentCondition(
  object: { metadata: { generation: number }; status?: { conditions: Condition[] } },
  type: string,
): Condition | undefined {
  const condition = object.status?.conditions.find((candidate) => candidate.type === type);
  return condition !== undefined && condition.observedGeneration >= object.metadata.generation ? condition : undefined;
}
