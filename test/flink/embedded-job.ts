// For a test file: jobs of the embedded engine that Flink's own tools are tried on, each in processes of its own, with a token as the operator makes one.
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Endpoints } from '../../engine/config.ts';
import { EngineClient } from '../../src/engine-client/engine-client.ts';
import { EngineCluster } from '../e2e/engine-cluster.ts';
import { until } from '../harness/until.ts';

export const TOKEN = randomBytes(16).toString('hex');
const PATIENCE = { seconds: 60 };

export class EmbeddedJob {
  readonly id = randomBytes(16).toString('hex');
  readonly cluster: EngineCluster;

  constructor() {
    this.cluster = new EngineCluster({
      'taskmanager.numberOfTaskSlots': 2,
      'parallelism.default': 2,
      'execution.shutdown-on-application-finish': 'false',
      'pipeline.name': 'bids per bidder',
    });
    const tokenFile = this.cluster.path('token');
    writeFileSync(tokenFile, TOKEN);
    appendFileSync(this.cluster.path('config.yaml'), stringify({ 'flowjob.token-file': tokenFile }));
  }

  start(sql: string): void {
    this.cluster.startJobManager(1, this.id, sql);
    this.cluster.startTaskManager('taskmanager-0');
  }

  /** Until all of its tasks run and a checkpoint is complete. */
  async runs(): Promise<void> {
    const running = async (): Promise<boolean> =>
      (await this.client.checkpoints(this.id)).counts.completed > 0 &&
      (await this.client.jobDetails(this.id)).vertices.every(({ tasks }) => tasks['RUNNING'] === 2);
    await until('the job runs', running, { ...PATIENCE, explain: () => this.cluster.logs() });
  }

  /** `http://host:port` */
  get url(): string {
    return (JSON.parse(readFileSync(this.cluster.path('endpoints.json'), 'utf8')) as Endpoints).restUrl;
  }

  get client(): EngineClient {
    return new EngineClient({ url: this.url, token: TOKEN, timeoutMs: 10_000 });
  }

  async status(): Promise<string> {
    return (await this.client.jobStatus(this.id)).status;
  }

  async reaches(status: string): Promise<void> {
    await until(`the job is ${status}`, async () => (await this.status()) === status, PATIENCE);
  }
}

/** Counts by key, for ever, with a checkpoint a second. */
export const BIDS = `
SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (bidder INT, price BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '200', 'fields.bidder.min' = '0', 'fields.bidder.max' = '9'
);
CREATE TABLE snk (bidder INT, bids BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO snk SELECT bidder, COUNT(*) FROM bid GROUP BY bidder;
`;

/** The result may be used in tests and hooks only. After them nothing of the jobs is left. */
export function withEmbeddedJobs(): { start: (sql: string) => EmbeddedJob } {
  const jobs: EmbeddedJob[] = [];
  afterAll(async () => void (await Promise.all(jobs.map(async ({ cluster }) => cluster.stop()))));
  return {
    start: (sql) => {
      const job = new EmbeddedJob();
      jobs.push(job);
      job.start(sql);
      return job;
    },
  };
}
