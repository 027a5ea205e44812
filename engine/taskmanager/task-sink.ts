// A sink of a task: the connector's writer, and counts of what went into it.
import type { ColumnBatch } from '../columnar/batch.ts';
import type { Committable, SinkWriter } from '../connectors/connector.ts';
import type { Metrics } from '../rpc/protocol.ts';
import type { TaskMetrics } from './task-metrics.ts';

export class TaskSink {
  private readonly writer: SinkWriter;
  private readonly metrics: TaskMetrics;
  private readonly rowsMetric: string;
  private readonly bytesMetric: string;

  constructor(tableName: string, writer: SinkWriter, metrics: TaskMetrics) {
    this.writer = writer;
    this.metrics = metrics;
    this.rowsMetric = `sink.${tableName}.rows`;
    this.bytesMetric = `sink.${tableName}.bytes`;
    metrics.count(this.rowsMetric, 0);
  }

  write(batch: ColumnBatch): void {
    this.writer.write(batch);
    this.metrics.count(this.rowsMetric, batch.rows);
  }

  /** Counts the bytes of what is to be committed, where the connector tells them. */
  async prepareCommit(checkpointId: number): Promise<Committable[]> {
    const committables = await this.writer.prepareCommit(checkpointId);
    for (const { payload } of committables)
      if (typeof payload['bytes'] === 'number') this.metrics.count(this.bytesMetric, payload['bytes']);
    return committables;
  }

  /** Adds the bytes counted up to now to what was counted at the barrier. */
  addBytes(metrics: Metrics): void {
    const bytes = this.metrics.counted(this.bytesMetric);
    if (bytes > 0) metrics[this.bytesMetric] = bytes;
  }

  async abort(): Promise<void> {
    await this.writer.abort();
  }
}
