// Which failed requests are worth repeating, and when. A request that was refused unread can always be repeated; one that may have been carried out only if
// doing it twice is doing it once.
import { delayAfter, type BackOff } from '../back-off.ts';
import { ApiError, ConnectionError } from '../errors.ts';
import type { Random } from '../time.ts';

/** Between tries of one call; the call's deadline ends them. */
const BACK_OFF: BackOff = { baseMs: 200, capMs: 5_000, jitter: 0.5 };

/** Milliseconds until the next try; null when the error is the caller's. `tries`: how many there were. */
export function retryDelay(error: unknown, repeatable: boolean, tries: number, random: Random): number | null {
  if (!worthRepeating(error, repeatable)) return null;
  const asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
  return Math.max(asked, delayAfter(tries, BACK_OFF, random));
}

function worthRepeating(error: unknown, repeatable: boolean): boolean {
  if (error instanceof ConnectionError) return !error.sent || repeatable;
  if (!(error instanceof ApiError)) return false;
  switch (error.status) {
    case 429:
      return true;
    case 502:
    case 503:
    case 504:
      return repeatable;
    case 500:
      // Overload is sometimes told so; other errors of the server's inside would only come again.
      return repeatable && error.retryAfter !== undefined;
    default:
      return false;
  }
}

/** Milliseconds that a Retry-After header asks for, in either of its forms. */
export function retryAfterOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
