// Which accepted versions are kept, under which names and numbers: for people who ask what ran, and for going back to it.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import { canonical, versionOf } from './change.ts';
import { idOf } from './ids.ts';

/** A version that is kept; the highest number is the newest. */
export interface KeptRevision {
  name: string;
  revision: number;
}

export interface RevisionChanges {
  /** The number under which the current version is to be kept; null when it is kept under the highest already. */
  number: number | null;
  remove: string[];
}

/** How many older versions are kept beside the one that was accepted last. */
export const REVISION_HISTORY_LIMIT = 10;

/** The same for equal versions, whenever they were accepted and however large they ran. */
export const revisionName = (job: string, spec: ResolvedFlowJobSpec): string =>
  `${job}-${idOf(canonical(versionOf(spec))).slice(0, 10)}`;

/**
 * A version that is accepted once more becomes the newest again, under its old name. The oldest go; the current one never does, nor the one before it,
 * which is what an upgrade goes back to.
 */
export function reviseHistory(kept: readonly KeptRevision[], current: string, limit: number): RevisionChanges {
  const others = kept.filter(({ name }) => name !== current).sort((a, b) => b.revision - a.revision);
  const own = kept.find(({ name }) => name === current);
  const highest = others[0]?.revision ?? 0;
  return {
    number: own === undefined || own.revision <= highest ? highest + 1 : null,
    remove: others.slice(Math.max(1, limit)).map(({ name }) => name),
  };
}
