// Which notices are new: what lasts, or comes and goes, is told once, when it begins.
import type { KeptNotice, Notice, Time } from './model.ts';

/** What was not there for so long is over, and told anew when it comes back. */
const OVER_MS = 15 * 60_000;

export function beginnings(
  known: readonly KeptNotice[],
  seen: readonly Notice[],
  now: Time,
): { begun: Notice[]; lasting: KeptNotice[] } {
  const lasting = known.filter(({ seenAt }) => now - seenAt < OVER_MS);
  const isIn = (
    all: readonly Pick<Notice, 'kind' | 'subject'>[],
    { kind, subject }: Pick<Notice, 'kind' | 'subject'>,
  ) => all.some((one) => one.kind === kind && one.subject === subject);
  return {
    begun: seen.filter((notice) => !isIn(lasting, notice)),
    lasting: [
      ...lasting.filter((notice) => !isIn(seen, notice)),
      ...seen.map(({ kind, subject }) => ({ kind, subject, seenAt: now })),
    ],
  };
}
