// Keeps a store equal to what the API server has: lists once, then follows the watch from there, again and again, and never gives up. What can go wrong and
// what happens then: the watch ends or breaks off (go on from the last version seen), it falls silent (same), the version is no longer known (list anew), the
// server went back in time (list anew and believe it), anything else (wait a little longer each time, up to 30 s, and try again).
import { delayAfter, type BackOff } from '../back-off.ts';
import { KubeError, isExpired } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { compareVersions, type KubeObject, type Resource } from '../object.ts';
import type { Client, Selection } from '../rest/client.ts';
import { sleep, type Clock, type Random } from '../time.ts';
import type { Store } from './store.ts';

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<Client, 'list' | 'currentVersion' | 'watch'>;
  resource: Resource<T>;
  selection?: Selection;
  store: Store<T>;
  clock: Clock;
  random: Random;
  /** Seconds after which the server ends a watch: chance decides between the two. */
  watchSeconds?: readonly [number, number];
  /** Milliseconds without a byte that are too many. The server's bookmarks come every minute or so. */
  silenceMs?: number;
  /** Lists anew after so long, milliseconds, as a last resort against what no watch tells. */
  relistEveryMs?: number;
  /** Each failure; the reflector goes on by itself. */
  onTrouble: (error: unknown) => void;
  metrics?: Metrics | undefined;
}

const BACK_OFF: BackOff = { baseMs: 200, capMs: 30_000, jitter: 0.5 };
/** A watch that ends sooner, and told nothing, is no success. Milliseconds. */
const SHORT = 1_000;

export class Reflector<T extends KubeObject> {
  private readonly options: ReflectorOptions<T>;
  private readonly watchSeconds: readonly [number, number];
  private readonly silenceMs: number;
  private readonly relistEveryMs: number;
  /** The store cannot be brought up to date by a watch. */
  private mustList = true;
  private listedAt = 0;
  private failures = 0;
  /** Ends the round that is under way, for `refresh`. */
  private round = new AbortController();
  /** Who asked for a fresh list that has not begun yet. */
  private refreshing: (() => void)[] = [];
  private announceSynced!: () => void;
  /** Resolves after the first list. */
  readonly synced = new Promise<void>((resolve) => (this.announceSynced = resolve));
  hasSynced = false;

  constructor(options: ReflectorOptions<T>) {
    this.options = options;
    this.watchSeconds = options.watchSeconds ?? [300, 600];
    this.silenceMs = options.silenceMs ?? 75_000;
    this.relistEveryMs = options.relistEveryMs ?? 3_600_000;
  }

  /** Until `signal` aborts; never rejects. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, random, onTrouble } = this.options;
    while (!stop.aborted) {
      this.round = new AbortController();
      const signal = AbortSignal.any([stop, this.round.signal]);
      try {
        if (this.mustList || clock.monotonic() - this.listedAt >= this.relistEveryMs) await this.list(signal);
        else await this.checkTime(signal);
        if (!this.mustList) await this.follow(signal);
        continue;
      } catch (error) {
        if (signal.aborted) continue;
        if (isExpired(error) || (error instanceof KubeError && error.code === 'WATCH_WENT_BACK')) this.mustList = true;
        onTrouble(error);
      }
      this.failures++;
      await sleep(clock, delayAfter(this.failures, BACK_OFF, random), signal).catch(() => undefined);
    }
  }

  /**
   * Lists anew, at once. Resolves when the store holds everything that was written before the call: news of a watch may be on their way, and who has just
   * become the leader must not act on what the one before it has changed since.
   */
  refresh(): Promise<void> {
    return new Promise((resolve) => {
      this.refreshing.push(resolve);
      this.mustList = true;
      this.round.abort();
    });
  }

  private async list(signal: AbortSignal): Promise<void> {
    const { client, resource, selection, store, clock } = this.options;
    const newest = store.newest;
    const { items, resourceVersion } = await client.list(resource, selection, { signal });
    // Also when somebody asked for a fresh one meanwhile.
    if (signal.aborted) return;
    this.listedAt = clock.monotonic();
    this.mustList = false;
    store.replace(items, resourceVersion, newest !== null && compareVersions(resourceVersion, newest) < 0);
    this.hasSynced = true;
    this.announceSynced();
    for (const resolve of this.refreshing.splice(0)) resolve();
  }

  /** A server that was restored from a backup answers a watch from its future with silence: it is asked for the version it is at. */
  private async checkTime(signal: AbortSignal): Promise<void> {
    const { client, resource, selection, store } = this.options;
    const newest = store.newest;
    const current = await client.currentVersion(resource, selection, { signal });
    if (newest !== null && compareVersions(current, newest) < 0) this.mustList = true;
  }

  /** One watch, to its end. */
  private async follow(signal: AbortSignal): Promise<void> {
    const { client, resource, selection, store, clock, random, metrics } = this.options;
    const version = store.version!;
    const [shortest, longest] = this.watchSeconds;
    const timeoutSeconds = Math.round(shortest + random() * (longest - shortest));
    const options = { resourceVersion: version, timeoutSeconds, silenceMs: this.silenceMs, signal };
    const begun = clock.monotonic();
    let told = false;
    let cause = 'timeout';
    try {
      for await (const event of client.watch(resource, selection ?? {}, options)) {
        if (signal.aborted) return;
        const object = event.type === 'BOOKMARK' ? undefined : event.object;
        const at = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
        // Events come in the order of their versions: older ones than those seen are from another history.
        if (compareVersions(at, store.version!) < 0)
          throw new KubeError('WATCH_WENT_BACK', `watch ${resource.plural}: from ${store.version} back to ${at}`);
        store.follow(event.type, at, object);
        told = true;
        this.failures = 0;
      }
    } catch (error) {
      cause = error instanceof KubeError ? error.code : 'error';
      throw error;
    } finally {
      if (!signal.aborted) metrics?.watchEnded?.(resource.plural, cause);
    }
    if (!told && clock.monotonic() - begun < SHORT)
      throw new KubeError('CONNECTION', `watch ${resource.plural}: it ended at once`);
    this.failures = 0;
  }
}
