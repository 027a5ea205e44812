// What the API server refuses to make of a job, and what to do: a quota that is used up, a pod that security does not let in, a template that is no pod's. It
// is tried again by itself, more slowly each time, for what refuses may be changed by anybody.
import { idOf, type ObjectKey } from '../../api/object.ts';
import { ApiError, isAlreadyExists, isConflict } from '../../kube/errors.ts';
import type { Refusal } from '../../lifecycle/observation.ts';

/** Milliseconds until the next try: the first, and the longest. */
const FIRST = 1_000;
const LONGEST = 5_000;

/** In the order in which they are tried. */
const REMEDIES: readonly [RegExp, string][] = [
  [/exceeded quota|must specify limits|failed quota/, 'raise the ResourceQuota, free some of it, or ask for less'],
  [
    /violates PodSecurity/,
    'correct securityContext and volumes in podTemplate, or relax the level that the namespace enforces',
  ],
  [/maximum .* usage|minimum .* usage|LimitRange/i, 'ask for resources within the LimitRange of the namespace'],
  [/is being terminated/, 'the namespace is being deleted: make the job in another one'],
  [/admission webhook/, 'see what that webhook wants of pods'],
  [/cannot (create|patch) resource/, 'give the operator its rights back: install its chart again'],
];

/** The API server's no to an object as it is, which the same call may get a yes to later; null for errors of another kind. */
export function refusalOf(error: unknown): string | null {
  if (!(error instanceof ApiError) || isAlreadyExists(error) || isConflict(error)) return null;
  if (error.reason === 'Invalid' || error.reason === 'BadRequest')
    return `${error.message} -> ${
      isOfPods(error)
        ? 'correct what podTemplate adds to the pod'
        : 'undo what somebody else changed of that object, or delete it: it is made anew'
    }`;
  if (error.reason !== 'Forbidden') return null;
  const remedy = REMEDIES.find(([pattern]) => pattern.test(error.message))?.[1];
  return remedy === undefined ? error.message : `${error.message} -> ${remedy}`;
}

const isOfPods = ({ message }: ApiError): boolean => /^\S+ \S+\/pods(\/\S+)?: /.test(message);

/** Nothing can be made in a namespace that goes; what is in it goes with it. */
export function isNamespaceGoing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;
}

/** By job. In memory: another operator finds out anew. */
export class Refusals {
  private readonly now: () => number;
  private readonly byJob = new Map<string, Refusal & { wait: number }>();

  constructor(now: () => number) {
    this.now = now;
  }

  get(key: ObjectKey): Refusal | null {
    const refusal = this.byJob.get(idOf(key));
    return refusal === undefined ? null : { reason: refusal.reason, retryAt: refusal.retryAt };
  }

  /** Does `work`; a refusal is put on record, other errors are the caller's. */
  async during(key: ObjectKey, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.forget(key);
    } catch (error) {
      const reason = refusalOf(error);
      if (reason === null) throw error;
      const wait = Math.min(LONGEST, (this.byJob.get(idOf(key))?.wait ?? FIRST / 2) * 2);
      this.byJob.set(idOf(key), { reason, wait, retryAt: this.now() + wait });
    }
  }

  forget(key: ObjectKey): void {
    this.byJob.delete(idOf(key));
  }
}
