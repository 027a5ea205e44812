// The source of a task: reads splits, asks the coordinator for the next one, and knows when there are no more.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { SourceBacklog, SourceReader, SourceSplit } from '../connectors/connector.ts';
import type { TaskMetrics } from './task-metrics.ts';

export type SourcePoll = { kind: 'batch'; batch: ColumnBatch } | { kind: 'waiting' } | { kind: 'ended' };

const WAITING: SourcePoll = { kind: 'waiting' };
const ENDED: SourcePoll = { kind: 'ended' };

export class TaskSource {
  readonly operatorId: string;
  private readonly reader: SourceReader;
  private readonly metrics: TaskMetrics;
  private readonly rowsMetric: string;
  private readonly request: () => void;
  private requested = false;
  private exhausted = false;

  /** `request` asks the coordinator for a split. */
  constructor(operatorId: string, tableName: string, reader: SourceReader, metrics: TaskMetrics, request: () => void) {
    this.operatorId = operatorId;
    this.reader = reader;
    this.metrics = metrics;
    this.rowsMetric = `source.${tableName}.rows`;
    this.request = request;
    metrics.count(this.rowsMetric, 0);
  }

  /** The coordinator's answer; null: there are no more. */
  receive(split: SourceSplit | null): void {
    this.requested = false;
    if (split === null) this.exhausted = true;
    else this.reader.addSplit(split);
  }

  /** A batch has at most `limit` rows. */
  poll(limit: number): SourcePoll {
    const batch = this.reader.poll(limit);
    if (batch !== null) {
      this.metrics.count(this.rowsMetric, batch.rows);
      return { kind: 'batch', batch };
    }
    if (!this.reader.needsSplit()) return WAITING;
    if (this.exhausted) return ENDED;
    if (!this.requested) {
      this.requested = true;
      this.request();
    }
    return WAITING;
  }

  /** What its reader has, with the positions reached. Who gets no more splits is behind with nothing: a pace that goes on without rows is nobody's. */
  snapshot(): SourceSplit[] {
    return this.exhausted && this.reader.needsSplit() ? [] : this.reader.snapshot();
  }

  backlog(): SourceBacklog {
    return this.reader.backlog();
  }

  close(): void {
    this.reader.close();
  }
}
