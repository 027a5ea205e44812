// State that cannot be read: told as a standstill, once, while the job waits for it to be put back.
import type { JobState } from '../api/status.ts';
import { shorten } from './conditions.ts';
import { engineOf } from './facts.ts';
import type { Context, DecidedEvent, Outcome, Report } from './model.ts';

/** How long until the state is looked at again, milliseconds: nobody tells of a file that was put back. */
export const LOOK_AGAIN = 5_000;

/** The run goes on by itself once its state can be read again. */
export function stateUnreadable(c: Context, why: string): { report: Report; events: DecidedEvent[] } {
  const message = shorten(
    `The job cannot go on: ${why}\nIt goes on by itself once that can be read again. With upgrade.strategy Stateless and another spec.restartNonce it starts without state.`,
  );
  const told = c.status.conditions.some((x) => x.type === 'Stalled' && x.reason === 'StateUnreadable');
  return {
    report: { kind: 'Stalled', reason: 'StateUnreadable', message },
    events: told ? [] : [{ savepoint: null, type: 'Warning', reason: 'StateUnreadable', message }],
  };
}

/** The engine tries again and again, which alone would look as if the job only needed time. */
export function tellUnreadable<S extends JobState>(c: Context, outcome: Outcome<S>): Outcome<S> {
  const { attempt, state } = c.status;
  const why = attempt === undefined ? null : (engineOf(c, attempt)?.unreadableState ?? null);
  if (why === null || outcome.state !== state || outcome.report.kind === 'Stalled') return outcome;
  const { report, events } = stateUnreadable(c, why);
  return {
    ...outcome,
    report,
    events: [...(outcome.events ?? []), ...events],
    requeueAt: Math.min(outcome.requeueAt ?? Infinity, c.now + LOOK_AGAIN),
  };
}
