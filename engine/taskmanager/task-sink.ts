// A sink of a task: the connector's writer, and counts of what went into it.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Committable, SinkWriter } from '../connectors/connector.ts';
import type { TaskMetrics } from './task-metrics.ts';

export class TaskSink {
  private readonly writer: SinkWriter;
  private readonly metrics: TaskMetrics;
  private readonly rowsMetric: string;

  constructor(tableName: string, writer: SinkWriter, metrics: TaskMetrics) {
    this.writer = writer;
    this.metrics = metrics;
    this.rowsMetric = `sink.${tableName}.rows`;
    metrics.count(this.rowsMetric, 0);
  }

  write(batch: ColumnBatch): void {
    this.writer.write(batch);
    this.metrics.count(this.rowsMetric, batch.rows);
  }

  async prepareCommit(checkpointId: number): Promise<Committable[]> {
    return this.writer.prepareCommit(checkpointId);
  }

  async abort(): Promise<void> {
    await this.writer.abort();
  }
}
