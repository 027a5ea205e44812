// The embedded engine, in processes as jobs have them, keeps to the protocol that Flink speaks.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Endpoints } from '../../engine/config.ts';
import { stateTheProtocol, type Engine } from '../conformance/statements.ts';
import { EngineCluster } from './engine-cluster.ts';

const clusters: EngineCluster[] = [];

/** Each job has a JobManager and a TaskManager of its own. */
const engine: Engine = {
  start: async (sql, savepoint) => {
    const cluster = new EngineCluster({
      'taskmanager.numberOfTaskSlots': 2,
      'parallelism.default': 2,
      'execution.shutdown-on-application-finish': 'false',
      'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0s',
    });
    clusters.push(cluster);
    const id = randomBytes(16).toString('hex');
    cluster.startJobManager(1, id, sql, savepoint === undefined ? [] : ['--from-savepoint', savepoint]);
    cluster.startTaskManager('taskmanager-0');
    await cluster.until('the JobManager answers', async () => (await cluster.status(id)) !== '');
    const { restUrl } = JSON.parse(readFileSync(cluster.path('endpoints.json'), 'utf8')) as Endpoints;
    return { url: restUrl, id };
  },
  endJobs: async () => void (await Promise.all(clusters.splice(0).map(async (cluster) => cluster.stop()))),
};

stateTheProtocol(engine);
