// What is to be read of the processes: their environment and logs. They log to standard output, which somebody else keeps, so there are no files to list.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JobManagerGateway } from './gateway.ts';
import { requireJob, requireTaskManager } from './parameters.ts';

/** Flink answers with a hint, too, when it writes no file. */
const WHERE_LOGS_ARE = `The embedded engine logs to standard output and writes no file.
"flowjob logs NAME" shows the log, on Kubernetes "kubectl logs POD", too.
`;

export function registerProcessRoutes(server: FastifyInstance, gateway: JobManagerGateway): void {
  const environment = () => ({ jvm: gateway.environment(), classpath: [] });
  server.get('/jobmanager/environment', async () => environment());
  server.get('/jobs/:jobid/jobmanager/environment', async (request) => {
    requireJob(request, gateway);
    return environment();
  });

  const taskManager = '/taskmanagers/:taskmanagerid';
  const known = (request: FastifyRequest): unknown => requireTaskManager(request, gateway);
  server.get('/jobmanager/logs', async () => ({ logs: [] }));
  server.get(`${taskManager}/logs`, async (request) => {
    known(request);
    return { logs: [] };
  });
  for (const file of ['log', 'stdout']) {
    server.get(`/jobmanager/${file}`, async (_request, reply) => reply.type('text/plain').send(WHERE_LOGS_ARE));
    server.get(`${taskManager}/${file}`, async (request, reply) => {
      known(request);
      return reply.type('text/plain').send(WHERE_LOGS_ARE);
    });
  }
}
