// The producing end of a blocking exchange: batches appended to one file per subtask, and an index of what belongs to which consumer.
import { dirname } from 'node:path';
import type { Partitioner } from '../codegen/partition.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import { encodeBatch, encodedSize } from '../columnar/wire.ts';
import type { ExecEdge } from '../plan/exec-plan.ts';
import type { TemporaryFile, TemporaryFiles } from '../storage/temporary-files.ts';
import { partitionerFor, type EdgeOutput } from './edge-output.ts';
import type { Control } from './element.ts';

const BUFFER_BYTES = 1 << 20;

/** Flink's index of a sort-merge partition: per consumer offset and length of each of its batches, in turn. */
export type SpillIndex = number[][];

export const indexPath = (path: string): string => `${path}.index`;

export class SpillOutput implements EdgeOutput {
  readonly operatorId: string;
  readonly available = true;
  readonly drained = true;
  rows = 0;
  bytes = 0;
  readonly edgeId: string;
  readonly path: string;
  private readonly files: TemporaryFiles;
  private readonly index: SpillIndex;
  private readonly partition: Partitioner;
  private file: TemporaryFile | null = null;
  private buffer: Uint8Array | null = null;
  private buffered = 0;
  private written = 0;
  private readonly append = (target: number, part: ColumnBatch): void => this.write(target, part);

  constructor(edge: ExecEdge, path: string, targets: number, subtask: number, files: TemporaryFiles) {
    this.operatorId = edge.sourceOperator;
    this.edgeId = edge.id;
    this.path = path;
    this.files = files;
    this.index = Array.from({ length: targets }, () => []);
    this.partition = partitionerFor(edge, targets, subtask);
  }

  emit(batch: ColumnBatch): void {
    if (batch.rows === 0) return;
    this.rows += batch.rows;
    this.partition(batch, this.append);
  }

  /** Nothing but rows is kept: readers begin when the file is complete. */
  sendControl(_control: Control): void {}

  /** Ends the file: bytes per consumer. The index is written last: without it the file counts for nothing. */
  finish(): number[] {
    this.flush();
    this.open();
    this.close();
    this.files.writeText(indexPath(this.path), JSON.stringify(this.index));
    return this.index.map((parts) => parts.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0));
  }

  /** Gives up: the task failed or was canceled. */
  abort(): void {
    this.close();
    this.files.remove(indexPath(this.path));
    this.files.remove(this.path);
  }

  private write(target: number, part: ColumnBatch): void {
    const size = encodedSize(part);
    this.bytes += size;
    this.index[target]!.push(this.written + this.buffered, size);
    if (this.buffered + size > BUFFER_BYTES) this.flush();
    if (size > BUFFER_BYTES) {
      this.writeAll(encodeBatch(part));
      return;
    }
    this.buffer ??= new Uint8Array(BUFFER_BYTES);
    encodeBatch(part, this.buffer.buffer as ArrayBuffer, this.buffered);
    this.buffered += size;
  }

  private flush(): void {
    if (this.buffer === null || this.buffered === 0) return;
    this.writeAll(this.buffer.subarray(0, this.buffered));
    this.buffered = 0;
  }

  private writeAll(bytes: Uint8Array): void {
    this.open().append(bytes);
    this.written += bytes.length;
  }

  private open(): TemporaryFile {
    if (this.file === null) {
      this.files.makeFolder(dirname(this.path));
      this.file = this.files.create(this.path, { exclusive: false });
    }
    return this.file;
  }

  private close(): void {
    this.file?.close();
    this.file = null;
    this.buffer = null;
  }
}
