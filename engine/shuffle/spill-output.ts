// The producing end of a blocking exchange: batches appended to one file per subtask, and an index of what belongs to which consumer.
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Partitioner } from '../codegen/partition.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import { encodeBatch, encodedSize } from '../columnar/wire.ts';
import type { ExecEdge } from '../plan/exec-plan.ts';
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
  private readonly index: SpillIndex;
  private readonly partition: Partitioner;
  private descriptor: number | null = null;
  private buffer: Uint8Array | null = null;
  private buffered = 0;
  private written = 0;
  private readonly append = (target: number, part: ColumnBatch): void => this.write(target, part);

  constructor(edge: ExecEdge, path: string, targets: number, subtask: number) {
    this.operatorId = edge.sourceOperator;
    this.edgeId = edge.id;
    this.path = path;
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
    writeFileSync(indexPath(this.path), JSON.stringify(this.index));
    return this.index.map((parts) => parts.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0));
  }

  /** Gives up: the task failed or was canceled. */
  abort(): void {
    this.close();
    rmSync(this.path, { force: true });
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
    const descriptor = this.open();
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    this.written += bytes.length;
  }

  private open(): number {
    if (this.descriptor === null) {
      mkdirSync(dirname(this.path), { recursive: true });
      this.descriptor = openSync(this.path, 'w');
    }
    return this.descriptor;
  }

  private close(): void {
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
    this.buffer = null;
  }
}
