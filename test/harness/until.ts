// Waiting for a condition that nobody announces.
import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  seconds: number;
  /** Milliseconds between two looks. */
  every?: number;
  /** Said when the time is over: what a reader needs to find out why. */
  explain?: () => string;
}

/** Answers the first value that is not null or false. A look that throws counts as "not yet"; its error is told when the time is over. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  patience: Patience,
): Promise<T> {
  const deadline = performance.now() + patience.seconds * 1000;
  for (;;) {
    let trouble = '';
    try {
      const found = await look();
      if (found !== null && found !== false) return found;
    } catch (error) {
      trouble = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline)
      throw new Error(`${what}: not within ${patience.seconds} s${trouble}\n${patience.explain?.() ?? ''}`);
    await delay(patience.every ?? 50);
  }
}
