// Waiting for a condition that nobody announces.
import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  seconds: number;
  /** Milliseconds between two looks. */
  every?: number;
  /** Said when the time is over: what a reader needs to find out why. */
  explain?: () => string;
}

/** Thrown by a look that knows that waiting on is in vain. */
export class InVain extends Error {}

/** Answers the first value that is not null or false. A look that throws counts as "not yet"; its error is told when the time is over. Unless it is InVain. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  patience: Patience,
): Promise<T> {
  const deadline = performance.now() + patience.seconds * 1000;
  for (;;) {
    let trouble = '';
    let inVain = false;
    try {
      const found = await look();
      if (found !== null && found !== false) return found;
    } catch (error) {
      inVain = error instanceof InVain;
      trouble = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    const late = performance.now() > deadline;
    if (late || inVain) {
      const when = inVain ? 'never' : `not within ${patience.seconds} s`;
      throw new Error(`${what}: ${when}${trouble}\n${patience.explain?.() ?? ''}`);
    }
    await delay(patience.every ?? 50);
  }
}
