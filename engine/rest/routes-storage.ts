// What the job's storage holds, for an operator that cannot read it itself: of this engine alone, Flink has no such path.
import type { FastifyInstance } from 'fastify';
import type { JobManagerGateway } from './gateway.ts';

export function registerStorageRoutes(server: FastifyInstance, gateway: JobManagerGateway): void {
  server.get('/flowjob/storage', async (request) => {
    const { jobId, lastSavepoint, stopTriggerId } = request.query as Record<string, string | undefined>;
    return gateway.storageView({ jobId, lastSavepoint, stopTriggerId });
  });
}
