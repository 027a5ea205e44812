// Where a job starts that has never run: from the savepoint that spec.state.restore names, from the newest state that an earlier job of its name has left,
// or empty; and when it has to wait. A job never starts empty beside state that it finds unless the spec says so.
import type { EngineType } from '../api/engine.ts';
import { plainPath } from '../api/plain-path.ts';
import type { FlowJob } from '../api/flowjob.ts';
import type { Restore } from '../api/restore.ts';
import type { FlowJobStatus, Restored } from '../api/status.ts';
import { shorten } from './conditions.ts';
import type { Context, DecidedEvent, Report } from './model.ts';
import type { NamedSavepoint } from './observation.ts';

export type FirstStart =
  | { kind: 'Start'; from: Origin | null; restored?: Restored }
  /** Nothing is started. `lookAgain`: what is missing may come without anybody telling. `event`: what is told once; absent when time alone is waited for. */
  | { kind: 'Wait'; report: Report; lookAgain: boolean; event?: DecidedEvent };

/** A savepoint or checkpoint to start from. `claimName`: the volume that holds it, where that is known and is not the job's own. */
export interface Origin {
  path: string;
  claimName?: string;
  allowNonRestoredState: boolean;
}

/** Whether spec.state.restore counts: the job has never run, or has not come to its first checkpoint since it was restored. */
export function restoreCounts(status: Pick<FlowJobStatus, 'attempt' | 'restored'>): boolean {
  return status.attempt === undefined || status.restored?.complete === false;
}

/** What is told of a spec that names another savepoint than the one that the job has started from; empty when there is nothing to tell. */
export function withoutEffect(c: Context): string {
  const { savepointRef, uri } = c.desired.state.restore ?? {};
  if (restoreCounts(c.status) || (savepointRef === undefined && uri === undefined)) return '';
  const { origin, savepointName, path } = c.status.restored ?? {};
  if (origin === 'SavepointRef' ? savepointRef?.name === savepointName : origin === 'Uri' && uri === path) return '';
  const from = path === undefined ? '' : ` It started from ${path}.`;
  return ` spec.state.restore has no effect on a job that has run before.${from} To start from another savepoint, delete the job and create it again.`;
}

/**
 * Whether `job` would start from the savepoint: its spec or status names it, and its first checkpoint since then is not complete. By path too: a uri may
 * name the folder of a FlowSavepoint.
 */
export function wouldStartFrom(
  job: Pick<FlowJob, 'spec' | 'status'>,
  savepoint: { name: string; path?: string },
): boolean {
  const { attempt } = job.status ?? {};
  if (job.spec.mode === 'Batch') return false;
  const { path } = savepoint;
  const own =
    attempt !== undefined && (attempt.ended === 'Finished' || (attempt.healthy && attempt.ended === undefined));
  if (path !== undefined && attempt?.restoreFrom === path && !own && job.status?.restored?.complete !== true)
    return true;
  if (!restoreCounts(job.status ?? {})) return false;
  const { savepointRef, uri } = job.spec.state.restore ?? {};
  return savepointRef?.name === savepoint.name || (path !== undefined && uri !== undefined && plainPath(uri) === path);
}

/** The savepoint that the spec names; undefined when it names none, or one that nobody has taken yet. */
export function namedPath(restore: Restore | undefined, named: NamedSavepoint | null): string | undefined {
  if (restore?.uri !== undefined) return restore.uri;
  return named?.state === 'Completed' ? named.path : undefined;
}

export function firstStart(c: Context): FirstStart {
  const { restore } = c.desired.state;
  const { found } = c.observation.storage;
  const names = restore?.savepointRef !== undefined || restore?.uri !== undefined;
  if (found !== null && restore?.policy === 'Newest') return fromNewest(c, restore);
  if (names) return fromNamed(c, restore);
  if (found !== null && restore?.policy !== 'Empty') return stateFound(c);
  return { kind: 'Start', from: null, ...(restore === undefined ? {} : { restored: restoredFrom('Empty') }) };
}

const restoredFrom = (origin: Restored['origin'], more: Partial<Restored> = {}): Restored => ({
  origin,
  ...more,
  complete: false,
});

function fromNewest(c: Context, { allowNonRestoredState }: Restore): FirstStart {
  const { newest, finished, unreadable } = c.observation.storage.found!;
  if (unreadable !== null)
    return wait('StateUnreadable', `The job does not start: its newest state cannot be read. ${unreadable}`, true);
  if (finished || newest === null) return stateFound(c);
  const { path } = newest;
  return { kind: 'Start', from: { path, allowNonRestoredState }, restored: restoredFrom('Newest', { path }) };
}

function fromNamed(c: Context, restore: Restore): FirstStart {
  const { named, storage } = c.observation;
  const { allowNonRestoredState } = restore;
  const name = restore.savepointRef?.name;
  const field = name === undefined ? `spec.state.restore.uri (${restore.uri})` : `FlowSavepoint ${name}`;
  if (name !== undefined) {
    const waiting = notYet(c, name, named);
    if (waiting !== null) return waiting;
  }
  const path = namedPath(restore, named)!;
  if (storage.savepoint !== null) {
    const { kind, message } = storage.savepoint;
    const text = `${field}, from which spec.state.restore starts the job, cannot be used: ${message}`;
    return wait(kind === 'NotFound' ? 'SavepointNotFound' : 'SavepointUnusable', text, true);
  }
  const claim = named?.claimName;
  return {
    kind: 'Start',
    from: {
      path,
      allowNonRestoredState,
      ...(claim === undefined || claim === c.observation.claimName ? {} : { claimName: claim }),
    },
    restored:
      name === undefined ? restoredFrom('Uri', { path }) : restoredFrom('SavepointRef', { path, savepointName: name }),
  };
}

/** Why the FlowSavepoint cannot be started from as it is; null when it can. */
function notYet(c: Context, name: string, named: NamedSavepoint | null): FirstStart | null {
  const what = `FlowSavepoint ${name}, from which spec.state.restore.savepointRef starts the job,`;
  if (named === null)
    return wait(
      'SavepointNotFound',
      `There is no FlowSavepoint ${name} in namespace ${c.job.metadata.namespace}, from which spec.state.restore.savepointRef starts the job. Create it, or correct the name: the job starts when it is complete.`,
      false,
    );
  if (named.beingRemoved)
    return wait('SavepointNotFound', `${what} is being deleted with its files: name another one.`, false);
  if (named.state === 'Failed')
    return wait('SavepointUnusable', `${what} could not be taken: ${named.failure} -> name another one.`, false);
  if (named.state === 'Completed' && named.path !== undefined)
    return named.engine === c.desired.engine.type ? null : ofAnotherEngine(c, what, named.engine);
  const report: Report = {
    kind: 'Progressing',
    reason: 'WaitingForSavepoint',
    message: `${what} is not complete yet: the job starts when it is.`,
  };
  return { kind: 'Wait', report, lookAgain: false };
}

const ofAnotherEngine = (c: Context, what: string, engine: EngineType): FirstStart =>
  wait(
    'SavepointUnusable',
    `${what} was taken by engine ${engine}, and spec.engine.type is ${c.desired.engine.type}: no state goes from one engine to the other. Name a savepoint of the same engine, or remove state.restore to start without state.`,
    false,
  );

function stateFound(c: Context): FirstStart {
  const { newest, finished, unreadable } = c.observation.storage.found!;
  const where = newest === null ? '' : ` (${newest.kind.toLowerCase()} ${newest.path})`;
  const empty = 'policy: Empty starts it without state, so that its input is read and its output written once more';
  const another = 'savepointRef or uri start it from a savepoint';
  if (finished)
    return wait(
      'StateFound',
      `The job has never run, but an earlier job of its name has come to the end of its input, so nothing is started. Say what to do in spec.state.restore: ${empty}; ${another}.`,
      false,
    );
  const broken = unreadable === null ? '' : ` Not all of it can be read: ${unreadable}`;
  return wait(
    'StateFound',
    `The job has never run, but its storage holds state of an earlier job of its name${where}. It does not start empty beside that. Say what to do in spec.state.restore: policy: Newest goes on from that state; ${another}; ${empty}.${broken}`,
    false,
  );
}

function wait(reason: WaitReason, text: string, lookAgain: boolean): FirstStart {
  const message = shorten(text);
  const event: DecidedEvent = { savepoint: null, type: 'Warning', reason, message };
  return { kind: 'Wait', report: { kind: 'Stalled', reason, message }, lookAgain, event };
}

type WaitReason = 'StateFound' | 'StateUnreadable' | 'SavepointNotFound' | 'SavepointUnusable';
