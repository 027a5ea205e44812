// One HTTP exchange over node:https. A write is handed to the socket only once that is connected, and `beforeSend` is asked at that very moment: whoever
// may no longer write (a leader that lost its lease while it connected) stops it there.
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { ConnectionError, KubeError } from '../errors.ts';
import { reasonOf } from '../time.ts';
import type { Authentication } from './auth.ts';

export interface HttpRequest {
  method: string;
  /** With query. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  signal: AbortSignal;
  /** Throws when the request may not be sent any more. */
  beforeSend?: (() => void) | undefined;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Rejects with ConnectionError when it breaks off, with the signal's reason when that aborts. */
  body: AsyncIterable<Uint8Array>;
}

/** Answers whatever the status; rejects with ConnectionError, or with the signal's reason. */
export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Credentials were refused, or connections turned out to be dead: the next request starts anew. */
  renew(cause: 'credentials' | 'connections'): void;
}

/** TCP probes on a connection that says nothing, so that the system finds dead ones. Milliseconds. */
const PROBE_EVERY = 30_000;

export class HttpsTransport implements Transport {
  private readonly authentication: Authentication;

  constructor(authentication: Authentication) {
    this.authentication = authentication;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { server, agent, headers } = await this.authentication.credentials();
    if (request.signal.aborted) throw reasonOf(request.signal);
    // A server behind a path (Rancher and its like) keeps that path.
    const url = new URL(server.pathname.replace(/\/$/, '') + request.path, server);
    const secure = url.protocol === 'https:';
    const length = request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) };
    return new Promise((resolve, reject) => {
      const call = (secure ? httpsRequest : httpRequest)(url, {
        method: request.method,
        headers: { ...headers, ...request.headers, ...length },
        agent,
      });
      stopWhenAborted(call, request.signal);
      const what = `${request.method} ${request.path.split('?')[0]}`;
      let handedOver = false;
      whenConnected(call, secure, () => {
        try {
          request.beforeSend?.();
        } catch (refusal) {
          call.destroy(refusal as Error);
          return;
        }
        handedOver = true;
        call.end(request.body);
      });
      call.setSocketKeepAlive(true, PROBE_EVERY);
      call.on('error', (error) => {
        if (request.signal.aborted) reject(reasonOf(request.signal));
        else if (error instanceof KubeError) reject(error);
        else reject(new ConnectionError(`${what}: ${error.message}`, handedOver && !isBeforeConnection(error), error));
      });
      call.on('response', (response) => {
        const body = guarded(response, what, request.signal);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
  }

  renew(cause: 'credentials' | 'connections'): void {
    this.authentication.renew(cause);
  }
}

/** Runs `go` once the request's socket can take bytes: at once on one that was used before. */
function whenConnected(call: ClientRequest, secure: boolean, go: () => void): void {
  call.once('socket', (socket: Socket) => {
    if (call.reusedSocket || !socket.connecting) go();
    else socket.once(secure ? 'secureConnect' : 'connect', go);
  });
}

/**
 * Node's own `signal` destroys the socket even when the whole answer is there and the socket is the agent's again: its error then has no listener and ends the
 * process.
 */
function stopWhenAborted(call: ClientRequest, signal: AbortSignal): void {
  let answer: IncomingMessage | undefined;
  const stop = (): void => {
    if (answer?.complete !== true) call.destroy(reasonOf(signal));
  };
  call.once('response', (response) => (answer = response));
  call.once('close', () => signal.removeEventListener('abort', stop));
  signal.addEventListener('abort', stop, { once: true });
}

function isBeforeConnection(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'connect' || error.syscall === 'getaddrinfo';
}

async function* guarded(
  response: IncomingMessage,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
    if (!response.complete) throw new Error('the answer broke off');
  } catch (error) {
    if (signal.aborted) throw reasonOf(signal);
    throw new ConnectionError(`${what}: ${(error as Error).message}`, true, error);
  }
}
