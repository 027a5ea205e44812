// What the live table shows, gathered from the store (the resources), the engine's REST API (rates) and the events.
import type { FlowJob } from '../../src/api/flowjob.ts';
import type { Store } from '../../src/store/port.ts';
import type { JobMetrics } from '../harness/engine-rest.ts';
import type { JobLine } from './table.ts';

export class Observer {
  private readonly store: Store;
  private readonly metrics: (job: string) => Promise<JobMetrics | null>;
  private readonly before = new Map<string, { jobId: string; rows: number; at: number; rate: number | null }>();

  constructor(store: Store, metrics: (job: string) => Promise<JobMetrics | null>) {
    this.store = store;
    this.metrics = metrics;
  }

  /** One line per FlowJob, in the order of their creation. */
  async lines(): Promise<JobLine[]> {
    const { items } = await this.store.list('FlowJob');
    const sorted = items.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
    return Promise.all(sorted.map((job) => this.line(job)));
  }

  private async line(job: FlowJob): Promise<JobLine> {
    const { name, namespace } = job.metadata;
    const events = await this.store.listEvents({ kind: 'FlowJob', namespace, name });
    const last = events[events.length - 1];
    const metrics = job.status?.attempt === undefined ? null : await this.metrics(name);
    const now = Date.now();
    return {
      job: name,
      mode: job.spec.mode,
      state: job.status?.state ?? 'Pending',
      rate: metrics === null ? null : this.rate(name, metrics, now),
      parallelism: job.status?.parallelism ?? null,
      checkpointAge: typeof metrics?.lastCheckpoint === 'number' ? now - metrics.lastCheckpoint : null,
      lastEvent: last === undefined ? '' : `${last.reason}: ${last.message}`,
    };
  }

  /** Rows per second since the last look; unknown when a new attempt counts from 0 again. */
  private rate(name: string, { jobId, rowsRead }: JobMetrics, now: number): number | null {
    const previous = this.before.get(name);
    const same = previous !== undefined && previous.jobId === jobId && rowsRead >= previous.rows;
    const elapsed = same ? now - previous.at : 0;
    if (same && elapsed < 900) return previous.rate;
    const rate = same ? ((rowsRead - previous.rows) / elapsed) * 1000 : null;
    this.before.set(name, { jobId, rows: rowsRead, at: now, rate });
    return rate;
  }
}
