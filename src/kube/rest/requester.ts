// One call of the API: sent, and sent again where that is right, until its deadline. Writes ask the fence before each sending.
import { ApiError, ConnectionError, KubeError, type Status } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { reasonOf, sleep, type Clock, type Random } from '../time.ts';
import { textOf } from './lines.ts';
import { retryAfterOf, retryDelay } from './retry.ts';
import type { HttpResponse, Transport } from './transport.ts';
import type { Turns } from './turns.ts';

/** Who may write: a leader while its lease holds (leader/fence.ts). */
export interface Fence {
  /** Throws when nothing may be written any more. */
  check(): void;
  /** Milliseconds for which writing stays allowed if nothing is heard. */
  remaining(): number;
  /** Aborts when writing is no longer allowed. */
  readonly signal: AbortSignal;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  /** What the answer is to be; JSON by default. */
  accept?: string | undefined;
  contentType?: string;
  /** Beside those of every request. */
  headers?: Record<string, string> | undefined;
  /** Doing it twice is doing it once. */
  repeatable: boolean;
  /** For metrics: the plural. */
  resource: string;
  /** For all tries together. */
  deadlineMs: number;
  signal?: AbortSignal | undefined;
}

export interface RequesterOptions {
  transport: Transport;
  clock: Clock;
  random: Random;
  userAgent: string;
  /** Asked before every write. */
  fence?: Fence | undefined;
  metrics?: Metrics | undefined;
  /** Shared by all that are to take turns. Watches do not: they last. Without: nobody waits for anybody. */
  turns?: Turns | undefined;
}

export class Requester {
  readonly options: RequesterOptions;

  constructor(options: RequesterOptions) {
    this.options = options;
  }

  /** The body of the answer. Throws ApiError, ConnectionError, KubeError DEADLINE or LEADERSHIP_LOST, or the signal's reason. */
  async call<T>(call: Call): Promise<T> {
    const { clock, random } = this.options;
    const fence = call.method === 'GET' ? undefined : this.options.fence;
    fence?.check();
    const allowed = Math.min(call.deadlineMs, fence?.remaining() ?? Infinity);
    const deadline = clock.monotonic() + allowed;
    const ending = new AbortController();
    const asked = `${call.method} ${call.path}`;
    const cancel = clock.after(allowed, () => {
      const seconds = Math.round(allowed) / 1000;
      ending.abort(new KubeError('DEADLINE', `${asked}: no answer within ${seconds} s`));
      this.options.transport.renew('connections');
    });
    const signals = [ending.signal, call.signal, fence?.signal].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(signals);
    let refused = false;
    try {
      for (let tries = 1; ; tries++) {
        try {
          return JSON.parse(await this.inTurn(call, deadline, signal, fence)) as T;
        } catch (error) {
          if (signal.aborted) throw reasonOf(signal);
          // Once: a token that was just replaced is read anew.
          if (error instanceof ApiError && error.status === 401 && !refused) {
            refused = true;
            this.options.transport.renew('credentials');
            continue;
          }
          if (error instanceof ConnectionError) this.options.transport.renew('connections');
          const wait = retryDelay(error, call.repeatable, tries, random);
          if (wait === null || clock.monotonic() + wait >= deadline) throw error;
          await sleep(clock, wait, signal);
        }
      }
    } finally {
      cancel();
    }
  }

  /** One try, when it is its turn, and the whole answer. */
  private async inTurn(call: Call, deadline: number, signal: AbortSignal, fence?: Fence): Promise<string> {
    const end = await this.options.turns?.take(signal);
    try {
      const timeout = `${Math.max(1, Math.floor(deadline - this.options.clock.monotonic()))}ms`;
      const { body } = await this.send(call, { timeout, ...call.query }, signal, fence);
      return await textOf(body);
    } finally {
      end?.();
    }
  }

  /** One try. Answers once the head of a good answer is there; throws ApiError otherwise. */
  async send(
    call: Pick<Call, 'method' | 'path' | 'body' | 'accept' | 'contentType' | 'headers' | 'resource'>,
    query: Record<string, string | undefined>,
    signal: AbortSignal,
    fence?: Fence,
  ): Promise<HttpResponse> {
    const { transport, clock, userAgent, metrics } = this.options;
    const { method, path, resource } = call;
    const begun = clock.monotonic();
    let status = '<error>';
    try {
      const response = await transport.send({
        method,
        path: path + queryString(query),
        headers: {
          accept: call.accept ?? 'application/json',
          ...call.headers,
          'user-agent': userAgent,
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body === undefined ? undefined : JSON.stringify(call.body),
        signal,
        beforeSend: fence === undefined ? undefined : () => fence.check(),
      });
      status = String(response.status);
      if (response.status >= 200 && response.status < 300) return response;
      throw await this.refusal(`${method} ${path}`, response);
    } finally {
      metrics?.request?.({ method, resource, status, seconds: (clock.monotonic() - begun) / 1000 });
    }
  }

  private async refusal(asked: string, response: HttpResponse): Promise<ApiError> {
    const text = await textOf(response.body);
    const header = response.headers['retry-after'];
    const retryAfter = retryAfterOf(typeof header === 'string' ? header : undefined, this.options.clock.now());
    return new ApiError(asked, response.status, statusFrom(text), retryAfter);
  }
}

/** A Status object, or what a proxy or a server that does not know the path says in plain text. */
function statusFrom(text: string): Status {
  try {
    const parsed = JSON.parse(text) as Status | null;
    if (parsed !== null && typeof parsed === 'object' && parsed.kind === 'Status') return parsed;
  } catch {
    // Plain text.
  }
  return { message: text.trim().slice(0, 300) };
}

function queryString(query: Record<string, string | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return search.size === 0 ? '' : `?${search.toString()}`;
}
