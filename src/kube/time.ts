// Waiting by a clock that is passed in, and the two forms in which the API writes a moment.
import type { Clock } from '../../engine/clock.ts';

export type { Clock };

/** In [0, 1), from a seed where it has to be repeatable: `Math.random` in a program. */
export type Random = () => number;

/** Resolves `ms` from now; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(reasonOf(signal));
    const stop = (): void => {
      cancel();
      reject(reasonOf(signal!));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Why a signal aborted, as an Error whatever was passed to `abort`. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}

/** metav1.MicroTime: exactly six digits after the point. With the three of `toISOString` the API server refuses Leases and Events. */
export function microTime(milliseconds: number): string {
  const whole = new Date(Math.floor(milliseconds)).toISOString().slice(0, -1);
  const micros = Math.floor((milliseconds - Math.floor(milliseconds)) * 1000);
  return `${whole}${String(micros).padStart(3, '0')}Z`;
}
