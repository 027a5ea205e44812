// One watch: a long answer of JSON lines. It ends in order when the server ends it, and throws for everything else: ApiError for an ERROR event,
// KubeError WATCH_SILENT when no byte came for too long (a connection whose other end is gone says nothing, for hours), WATCH_GARBLED for a line that is
// no event, ConnectionError. Whoever watches goes on from the last event it has seen, so nothing is lost.
import { ApiError, KubeError, type Status } from '../errors.ts';
import { acceptOf, type KubeObject, type Resource } from '../object.ts';
import { reasonOf, type Clock } from '../time.ts';
import { linesOf } from './lines.ts';
import type { Requester } from './requester.ts';

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  /** Nothing changed up to here. */
  | { type: 'BOOKMARK'; resourceVersion: string };

export interface WatchOptions {
  /** Changes after this one. */
  resourceVersion: string;
  /** When the server ends it. */
  timeoutSeconds: number;
  /** No byte for so long, milliseconds: the connection is dead. A quiet server sends a bookmark every minute. */
  silenceMs: number;
  signal: AbortSignal;
}

interface RawEvent {
  type: string;
  object: KubeObject & Status;
}

export async function* watch<T extends KubeObject>(
  requester: Requester,
  resource: Resource<T>,
  selectors: Record<string, string | undefined>,
  path: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const asked = `watch ${path}`;
  const silence = new Silence(requester.options.clock, options.silenceMs, asked);
  const signal = AbortSignal.any([options.signal, silence.signal]);
  try {
    const query = {
      ...selectors,
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
    };
    const accept = acceptOf(resource, 'PartialObjectMetadata');
    const call = { method: 'GET' as const, path, accept, resource: resource.plural };
    const response = await requester.send(call, query, signal);
    for await (const line of linesOf(silence.listen(response.body))) {
      if (signal.aborted) throw reasonOf(signal);
      yield eventFrom<T>(line, asked);
    }
  } catch (error) {
    if (options.signal.aborted) throw reasonOf(options.signal);
    const refused = error instanceof ApiError && error.status === 401;
    if (refused || !(error instanceof ApiError))
      requester.options.transport.renew(refused ? 'credentials' : 'connections');
    if (isDecodingError(error)) throw new KubeError('WATCH_GARBLED', `${asked}: a line is not UTF-8`, error);
    throw signal.aborted ? reasonOf(signal) : error;
  } finally {
    silence.end();
  }
}

const isDecodingError = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | null)?.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';

function eventFrom<T extends KubeObject>(line: string, asked: string): WatchEvent<T> {
  let event: RawEvent;
  try {
    event = JSON.parse(line) as RawEvent;
  } catch (error) {
    throw new KubeError('WATCH_GARBLED', `${asked}: a line is no JSON: ${line.slice(0, 80)}`, error);
  }
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (typeof event.object?.metadata?.uid === 'string' && typeof event.object.metadata.resourceVersion === 'string')
        return { type: event.type, object: event.object as unknown as T };
      break;
    case 'BOOKMARK':
      if (typeof event.object?.metadata?.resourceVersion === 'string')
        return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion };
      break;
    case 'ERROR':
      throw new ApiError(asked, event.object?.code ?? 500, event.object ?? {});
  }
  throw new KubeError('WATCH_GARBLED', `${asked}: a line is no event: ${line.slice(0, 80)}`);
}

/** Aborts when nothing was heard for `ms`. */
class Silence {
  private readonly controller = new AbortController();
  private readonly clock: Clock;
  private readonly ms: number;
  private readonly asked: string;
  private heardAt: number;
  private cancel: () => void;

  constructor(clock: Clock, ms: number, asked: string) {
    this.clock = clock;
    this.ms = ms;
    this.asked = asked;
    this.heardAt = clock.monotonic();
    this.cancel = clock.after(ms, () => this.look());
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  async *listen(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      this.heardAt = this.clock.monotonic();
      yield chunk;
    }
  }

  end(): void {
    this.cancel();
  }

  /** One timer for the whole watch, not one per chunk. */
  private look(): void {
    const left = this.heardAt + this.ms - this.clock.monotonic();
    if (left > 0) {
      this.cancel = this.clock.after(left, () => this.look());
      return;
    }
    this.controller.abort(new KubeError('WATCH_SILENT', `${this.asked}: no byte for ${this.ms / 1000} s`));
  }
}
