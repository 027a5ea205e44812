// The way to a model server: it takes time, loses requests and answers, refuses, and cuts what it carries into pieces.
import { ConnectionError } from '../errors.ts';
import type { HttpRequest, HttpResponse, Transport } from '../rest/transport.ts';
import { reasonOf, sleep, type Clock, type Random } from '../time.ts';
import { ByteStream } from './byte-stream.ts';
import type { ModelServer } from './model-server.ts';

/** `lost`: the request never came there. `reply-lost`: it was carried out. A number: the status of an answer that says so. */
export type Fault = 'refused' | 'lost' | 'reply-lost' | 429 | 500 | 503 | 504;

export interface Weather {
  random: Random;
  /** Longest time on the way, in each direction, milliseconds. */
  latencyMs: number;
  /** What happens to the next request. */
  next: (request: HttpRequest) => Fault | null;
}

export class ModelTransport implements Transport {
  private readonly server: ModelServer;
  private readonly clock: Clock;
  private readonly weather: Weather;
  /** Bodies of watches that are under way. */
  readonly renewed: string[] = [];

  /** `clock` is that of the process that sends: when it is stopped, it reads no answers. */
  constructor(server: ModelServer, clock: Clock, weather: Weather) {
    this.server = server;
    this.clock = clock;
    this.weather = weather;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { random, latencyMs, next } = this.weather;
    const fault = next(request);
    await sleep(this.clock, random() * latencyMs, request.signal);
    if (fault === 'refused') throw new ConnectionError(`${request.path}: ECONNREFUSED`, false, null);
    request.beforeSend?.();
    if (fault === 'lost') throw new ConnectionError(`${request.path}: ECONNRESET`, true, null);
    if (typeof fault === 'number') {
      const headers: Record<string, string> = fault === 429 ? { 'retry-after': '1' } : {};
      return { status: fault, headers, body: text(`{"kind":"Status","code":${fault},"reason":"Model"}`) };
    }
    const answer = this.server.answer(request.method, request.path, request.body);
    await sleep(this.clock, random() * latencyMs, request.signal);
    if (fault === 'reply-lost') throw new ConnectionError(`${request.path}: ECONNRESET`, true, null);
    const body = typeof answer.body === 'string' ? text(answer.body) : answer.body;
    request.signal.addEventListener('abort', () => body.fail(reasonOf(request.signal)), { once: true });
    return { status: answer.status, headers: answer.headers ?? {}, body: cutUp(body, random) };
  }

  renew(cause: string): void {
    this.renewed.push(cause);
  }
}

function text(content: string): ByteStream {
  const stream = new ByteStream();
  stream.push(content);
  stream.end();
  return stream;
}

async function* cutUp(body: AsyncIterable<Uint8Array>, random: Random): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length;) {
      const length = 1 + Math.floor(random() * chunk.length);
      yield chunk.subarray(start, start + length);
      start += length;
    }
  }
}
