// An attempt to run a job: which of several JobManagers' lives wrote something.
import { EngineError } from '../errors.ts';

export interface Attempt {
  /** Chosen by whoever starts the job; rises with every attempt that he starts. */
  epoch: number;
  /** Counts the JobManager processes that took the epoch up again after the first: a container that restarts. */
  restart: number;
}

/** An attempt that has been taken: what storage asks for before it writes. */
export interface AcquiredAttempt extends Attempt {
  /** Its number in the log. No two attempts have the same. */
  seq: number;
}

/** Stands in the names of everything that an attempt writes: `3`, or `3.1` for the first restart. */
export function attemptTag({ epoch, restart }: Attempt): string {
  return restart === 0 ? String(epoch) : `${epoch}.${restart}`;
}

/** The attempt behind a tag; null when it is none. */
export function parseAttemptTag(tag: string): Attempt | null {
  const match = /^([1-9]\d*)(?:\.([1-9]\d*))?$/.exec(tag);
  return match === null ? null : { epoch: Number(match[1]), restart: Number(match[2] ?? 0) };
}

/** The attempt that something names; without a restart it is the first. */
export const attemptOf = ({ epoch, restart = 0 }: { epoch: number; restart?: number }): Attempt => ({ epoch, restart });

/** Negative when `a` is the earlier one. */
export function compareAttempts(a: Attempt, b: Attempt): number {
  return a.epoch - b.epoch || a.restart - b.restart;
}

/** `owner`: who is known to have the job's state instead. */
export function fenced(attempt: Attempt, owner: Attempt | null): EngineError {
  const by = owner === null ? 'another attempt has taken it' : `attempt ${attemptTag(owner)} has`;
  return new EngineError('FENCED', `attempt ${attemptTag(attempt)} does not own the job's state: ${by}`, {
    hint: 'another attempt of this job owns its state; this one must end',
  });
}
