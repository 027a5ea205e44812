// A job whose SQL text stands in a ConfigMap that may not be there: nothing is started without it, what runs goes on, and all goes on by itself once it is.
import type { ResolvedFlowJobSpec } from '../api/resolved.ts';
import type { JobState } from '../api/status.ts';
import { shorten } from './conditions.ts';
import type { Change, Context, DecidedEvent, Report } from './model.ts';
import type { Observation } from './observation.ts';

/** `text`: undefined where it stands inline; the accepted one as long as the one that is named is missing. */
export function referencedSql(
  { referencedSql: found }: Observation,
  accepted: ResolvedFlowJobSpec | undefined,
): { text: string | undefined; missing: string | null } {
  if (found === undefined) return { text: undefined, missing: null };
  if ('text' in found) return { text: found.text, missing: null };
  return { text: accepted?.job.sql?.inline ?? '', missing: found.missing };
}

/** Nobody can say what the spec asks for, so the accepted version goes on as it is. */
export const changeWithoutSql = (missing: string): Change => ({
  kind: 'Invalid',
  reason: 'SqlNotFound',
  message: `${missing} The accepted version goes on.`,
});

/** Stays in `state`, and tells once why. */
export function waitForSql<S extends JobState>(
  c: Context,
  state: S,
): { state: S; report: Report; events: DecidedEvent[] } {
  const message = shorten(`The job is not started: ${c.sqlMissing}`);
  const told = c.status.conditions.some((x) => x.reason === 'SqlNotFound' && x.message === message);
  return {
    state,
    report: { kind: 'Stalled', reason: 'SqlNotFound', message },
    events: told ? [] : [{ savepoint: null, type: 'Warning', reason: 'SqlNotFound', message }],
  };
}
