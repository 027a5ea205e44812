// The cluster: overview, configuration, TaskManagers, its end.
import type { FastifyInstance } from 'fastify';
import { maskOptions } from '../secrets.ts';
import type { JobManagerGateway } from './gateway.ts';
import { isTerminal } from './job-json.ts';
import { requireTaskManager } from './parameters.ts';
import { taskManagerDetail, taskManagerSummary } from './taskmanager-json.ts';

/** The protocol that is spoken: Flink's tools ask for it and adapt. */
export const FLINK_VERSION = '2.3.0';
const REVISION = 'flowjob';

export function registerClusterRoutes(server: FastifyInstance, gateway: JobManagerGateway): void {
  server.get('/overview', async () => {
    const taskManagers = gateway.taskManagers();
    const status = gateway.job()?.status;
    return {
      taskmanagers: taskManagers.length,
      'slots-total': taskManagers.reduce((sum, view) => sum + view.slots, 0),
      'slots-available': taskManagers.reduce((sum, view) => sum + view.freeSlots, 0),
      'jobs-running': status !== undefined && !isTerminal(status) ? 1 : 0,
      'jobs-finished': status === 'FINISHED' ? 1 : 0,
      'jobs-cancelled': status === 'CANCELED' ? 1 : 0,
      'jobs-failed': status === 'FAILED' ? 1 : 0,
      'flink-version': FLINK_VERSION,
      'flink-commit': REVISION,
    };
  });

  server.get('/config', async () => ({
    'refresh-interval': 3000,
    'timezone-name': 'Coordinated Universal Time',
    'timezone-offset': 0,
    'flink-version': FLINK_VERSION,
    'flink-revision': REVISION,
    features: { 'web-submit': false, 'web-cancel': true, 'web-rescale': true, 'web-history': false },
  }));

  server.get('/jobmanager/config', async () =>
    maskOptions(gateway.clusterConfig()).map(([key, value]) => ({ key, value })),
  );

  server.get('/taskmanagers', async () => {
    const job = gateway.job();
    return { taskmanagers: gateway.taskManagers().map((view) => taskManagerSummary(view, job)) };
  });

  server.get('/taskmanagers/:taskmanagerid', async (request) =>
    taskManagerDetail(requireTaskManager(request, gateway), gateway.job()),
  );

  server.delete('/cluster', async () => {
    await gateway.shutDownCluster();
    return {};
  });
}
