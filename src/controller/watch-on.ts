// A watch that starts again whenever it breaks off, until it is to end.
import { setTimeout as pause } from 'node:timers/promises';
import type { Kind } from '../api/group.ts';
import type { Store, WatchEvent } from '../store/port.ts';
import type { Log } from './log.ts';

/** Milliseconds until a watch that broke off starts again. */
const AGAIN = 200;

/** Answers once `signal` has aborted. `changed` may hear of an object that did not change: each watch begins with all that there is. */
export async function watchOn<K extends Kind>(
  kind: K,
  { store, signal, log }: { store: Store; signal: AbortSignal; log: Log },
  changed: (event: WatchEvent<K>) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of store.watch(kind, { signal })) changed(event);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ kind, err: error }, 'watch broke off; it starts again');
      await pause(AGAIN);
    }
  }
}
