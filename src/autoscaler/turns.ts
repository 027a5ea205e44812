// Whose turn it is where several jobs of a namespace are to be rescaled at once: each rescale takes nodes, image pulls and the API server's time.
import type { Decision, Time } from './model.ts';

export interface RescaleRequest {
  /** The job's namespace and name. */
  key: string;
  decision: Pick<Decision, 'direction' | 'reason'>;
  /** Since when the job has been asking, milliseconds since the epoch. */
  since: Time;
}

/** Who is late goes before who is busy, who gets more before who gives back. */
const URGENCY: Partial<Record<Decision['reason'], number>> = {
  Lagging: 0,
  Overloaded: 0,
  OutsideBounds: 1,
  AheadOfLoad: 1,
};
const LEAST_URGENT = 2;
/** Who has waited so long goes before all others: nobody waits forever. */
const PATIENCE_MS = 10 * 60_000;

/** The keys of those who may go now; `underWay` rescales are running, and `most` may run at a time. The others wait and are decided anew. */
export function whoseTurn(requests: readonly RescaleRequest[], underWay: number, most: number, now: Time): string[] {
  const urgency = ({ decision, since }: RescaleRequest): number =>
    now - since >= PATIENCE_MS ? -1 : (URGENCY[decision.reason] ?? LEAST_URGENT);
  return [...requests]
    .sort((a, b) => urgency(a) - urgency(b) || a.since - b.since || (a.key < b.key ? -1 : 1))
    .slice(0, Math.max(0, most - underWay))
    .map(({ key }) => key);
}
