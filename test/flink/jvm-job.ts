// One FlowJob on Apache Flink with JVMs in the place of pods: its store, its processes, and what a test asks of it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlinkVersion } from '../../src/api/engine.ts';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { LocalStore } from '../../src/store/local/local-store.ts';
import { until } from '../harness/until.ts';
import { ensureFlink } from './distribution.ts';
import { JvmRuntime, type FlinkHomes } from './jvm-runtime.ts';

export class JvmJob {
  static readonly key = { namespace: 'default', name: 'orders' };

  readonly work: string;
  readonly store: LocalStore;
  readonly runtime: JvmRuntime;

  private readonly version: FlinkVersion;

  private constructor(work: string, homes: FlinkHomes, version: FlinkVersion) {
    this.work = work;
    this.store = new LocalStore({ directory: work, now: () => new Date() });
    this.runtime = new JvmRuntime(homes, work);
    this.version = version;
  }

  /** `versions`: those of Flink that the job names, the first one unless it says otherwise. */
  static async open(...versions: readonly [FlinkVersion, ...FlinkVersion[]] | []): Promise<JvmJob> {
    const [version = '2.3', ...others] = versions;
    const homes: Partial<Record<FlinkVersion, string>> = {};
    for (const one of [version, ...others]) homes[one] = await ensureFlink(console.log, one);
    return new JvmJob(mkdtempSync(join(tmpdir(), 'flowjob-on-jvms-')), homes, version);
  }

  /** Ends its processes. The operator has been stopped. */
  async close(): Promise<void> {
    this.runtime.close();
    await this.store.close();
    rmSync(this.work, { recursive: true });
  }

  async apply(sql: string, more: object = {}): Promise<void> {
    await this.store.apply({
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowJob',
      metadata: { name: JvmJob.key.name },
      spec: {
        mode: 'Streaming',
        engine: { type: 'Flink', version: this.version },
        job: { sql: { inline: sql } },
        state: { checkpoint: { interval: '1s' } },
        taskManager: { slots: 1, resources: { limits: { memory: '1Gi' } } },
        ...more,
      },
    });
  }

  async reaches(what: string, holds: (job: FlowJob) => boolean, seconds: number): Promise<FlowJob> {
    return until(
      `the job ${what}`,
      async () => {
        const job = await this.store.get('FlowJob', JvmJob.key);
        if (job !== null && holds(job)) return job;
        throw new Error(JSON.stringify(job?.status));
      },
      { seconds, every: 50 },
    );
  }

  /** Rows that are visible in the folder `out`. */
  rows(): string[] {
    const out = join(this.work, 'out');
    const visible = readdirSync(out).filter((file) => !file.startsWith('.'));
    return visible.flatMap((file) => readFileSync(join(out, file), 'utf8').trim().split('\n'));
  }
}
