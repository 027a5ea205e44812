// So many calls at once and no more; the others wait in line. What client-go's QPS and burst are for: when a thousand objects come at once, a call for each
// of them would open a thousand connections, here and at the API server.
import { reasonOf } from '../time.ts';

export class Turns {
  private free: number;
  private readonly waiting = new Set<() => void>();

  /** `atOnce`: 1 or more. */
  constructor(atOnce: number) {
    this.free = atOnce;
  }

  /** Resolves with what ends the turn, which may be called any number of times. Rejects with the signal's reason when that aborts before it begins. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw reasonOf(signal);
    if (this.free > 0) this.free--;
    else await this.wait(signal);
    let taken = true;
    return () => {
      if (taken) this.pass();
      taken = false;
    };
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.waiting.delete(begin);
        reject(reasonOf(signal));
      };
      this.waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** To whoever has waited longest. */
  private pass(): void {
    const [next] = this.waiting;
    if (next === undefined) this.free++;
    else {
      this.waiting.delete(next);
      next();
    }
  }
}
