// Apache Flink itself speaks the protocol as it is stated here: what the embedded engine is held to is true.
import { randomBytes } from 'node:crypto';
import { until } from '../harness/until.ts';
import { PROMPT_RESCALES } from '../flink/session-cluster.ts';
import { withSessionCluster } from '../flink/with-session-cluster.ts';
import { stateTheProtocol, type Engine } from './statements.ts';

const flink = withSessionCluster('conformance', 2, {
  ...PROMPT_RESCALES,
  // How often the JobManager fetches metrics; the embedded engine's TaskManagers send theirs.
  'metrics.fetcher.update-interval': 100,
});
const ENDED = ['FINISHED', 'FAILED', 'CANCELED'];

/** All jobs are in one session, one after the other. */
const engine: Engine = {
  start: async (sql, savepoint) => {
    const id = randomBytes(16).toString('hex');
    const restore = savepoint === undefined ? '' : `SET 'execution.state-recovery.path' = '${savepoint}';\n`;
    await flink.submit(restore + sql, id);
    return { url: flink.cluster.rest, id };
  },
  endJobs: async () => {
    const running = async (): Promise<string[]> => {
      const { jobs } = await flink.client.get<{ jobs: { id: string; status: string }[] }>('/jobs');
      return jobs.filter(({ status }) => !ENDED.includes(status)).map(({ id }) => id);
    };
    for (const id of await running()) await flink.client.cancel(id);
    await until('all jobs have ended', async () => (await running()).length === 0, { seconds: 60 });
  },
};

stateTheProtocol(engine);
