// Flink's REST API over the JobManager: every path with and without the prefix /v1, errors in Flink's form, a bearer token when configured.
import { createHash, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { errorBody } from './errors.ts';
import { GatewayError, type JobManagerGateway } from './gateway.ts';
import { redact } from '../secret-references.ts';
import { registerApplicationRoutes } from './routes-application.ts';
import { registerClusterRoutes } from './routes-cluster.ts';
import { registerJobRoutes } from './routes-job.ts';
import { registerMetricRoutes } from './routes-metrics.ts';
import { registerOperationRoutes } from './routes-operations.ts';
import { registerProcessRoutes } from './routes-process.ts';
import { registerRescaleRoutes } from './routes-rescale.ts';
import { registerStorageRoutes } from './routes-storage.ts';

export interface RestOptions {
  /** Requests must carry `Authorization: Bearer <token>` or `X-FlowJob-Token: <token>`; null: none needed. */
  token: string | null;
  /** Milliseconds since the epoch, for durations up to now. */
  now?: () => number;
}

const INTERNAL = 'org.apache.flink.runtime.rest.handler.RestHandlerException';

/** An instance that is not listening yet. */
export function createRestServer(gateway: JobManagerGateway, options: RestOptions): FastifyInstance {
  const server = fastify({
    logger: false,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
  });
  const fail = (reply: FastifyReply, error: GatewayError): FastifyReply =>
    reply.code(error.httpStatus).send(errorBody(error));

  // Flink's clients send JSON without a content type, or with an empty body.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : (JSON.parse(body as string) as unknown));
    } catch {
      done(new GatewayError(400, INTERNAL, 'Bad request: the body is not valid JSON.'));
    }
  });

  const now = options.now ?? Date.now;
  if (options.token !== null) {
    const expected = digest(`Bearer ${options.token}`);
    server.addHook('onRequest', async (request, reply) => {
      // A proxy in front, such as the Kubernetes API server's, takes `Authorization` for itself.
      const own = request.headers['x-flowjob-token'];
      const shown = typeof own === 'string' ? `Bearer ${own}` : request.headers.authorization;
      if (timingSafeEqual(digest(shown ?? ''), expected)) return;
      await fail(
        reply.header('www-authenticate', 'Bearer'),
        new GatewayError(401, INTERNAL, 'Unauthorized: send the job\'s token as "Authorization: Bearer <token>".'),
      );
    });
  }

  server.addHook('onSend', async (_request, _reply, payload) =>
    typeof payload === 'string' ? redact(payload) : payload,
  );

  server.setErrorHandler((error, _request, reply) => {
    if (error instanceof GatewayError) return fail(reply, error);
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    return fail(reply, new GatewayError(status, INTERNAL, error instanceof Error ? error.message : String(error)));
  });
  server.setNotFoundHandler((request, reply) =>
    fail(reply, new GatewayError(404, INTERNAL, `Not found: ${request.url}`)),
  );

  for (const prefix of ['', '/v1'])
    server.register(
      async (scope) => {
        registerClusterRoutes(scope, gateway);
        registerApplicationRoutes(scope, gateway, now);
        registerJobRoutes(scope, gateway, now);
        registerMetricRoutes(scope, gateway, now);
        registerOperationRoutes(scope, gateway);
        registerRescaleRoutes(scope, gateway);
        registerProcessRoutes(scope, gateway);
        registerStorageRoutes(scope, gateway);
      },
      { prefix },
    );
  return server;
}

/** Of equal length whatever the input, so that a comparison takes the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
