// Apache Flink for the state benchmark: a session cluster, set up so that it can show its best where the embedded engine's defaults differ from Flink's.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlinkCluster, PROMPT_RESCALES } from '../../flink/session-cluster.ts';
import { registeredAt, type StateCluster } from './cluster.ts';
import { RunningJob } from './job.ts';
import { OutputProbe } from './output-probe.ts';

const PARALLELISM = 2;

/** Where Flink's defaults are slower on purpose: they are set to what the embedded engine has. */
const CONFIG = {
  ...PROMPT_RESCALES,
  'heartbeat.interval': 500,
  'heartbeat.timeout': 2000,
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': 1000,
  'restart-strategy.fixed-delay.delay': '100ms',
  'metrics.fetcher.update-interval': 100,
  'execution.checkpointing.incremental': 'true',
};

export class FlinkStateCluster implements StateCluster {
  readonly output = new OutputProbe();
  private readonly work: string;
  private readonly cluster: FlinkCluster;
  private jobs = 0;

  private constructor(work: string, cluster: FlinkCluster) {
    this.work = work;
    this.cluster = cluster;
    this.output.follow(cluster.taskManagers[0]!.stdout!);
  }

  /** `home` is the distribution's folder, `work` an empty one. */
  static async start(home: string, work: string): Promise<FlinkStateCluster> {
    const cluster = await FlinkCluster.start(home, work, PARALLELISM, {
      ...CONFIG,
      'execution.checkpointing.dir': `file://${join(work, 'checkpoints')}`,
      'execution.checkpointing.savepoint-dir': `file://${join(work, 'savepoints')}`,
    });
    return new FlinkStateCluster(work, cluster);
  }

  async startJob(sql: string, fromSavepoint: string | null): Promise<RunningJob> {
    const file = join(this.work, `job-${++this.jobs}.sql`);
    const restore = fromSavepoint === null ? '' : `SET 'execution.state-recovery.path' = 'file://${fromSavepoint}';\n`;
    writeFileSync(file, restore + sql);
    const job = new RunningJob(this.cluster.rest, await this.cluster.submit(file, PARALLELISM));
    await job.running();
    return job;
  }

  launchTaskManager(): void {
    this.output.follow(this.cluster.launchTaskManager().stdout!);
  }

  async registered(count: number): Promise<void> {
    await registeredAt(this.cluster.rest, count);
  }

  killTaskManager(): void {
    this.cluster.killTaskManager();
  }

  /** The session stays: a warm JVM is Flink's best case. */
  async endJob(): Promise<void> {
    this.output.clear();
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }
}
