// Where an operator's rows leave its task: partitioned over the channels of a pipelined exchange.
import { compilePartitioner, type Partitioner } from '../codegen/partition.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import { encodedSize } from '../columnar/wire.ts';
import type { ExecEdge } from '../plan/exec-plan.ts';
import type { Control } from './element.ts';
import type { OutputChannel } from './output-channel.ts';

/** One edge out of a task. */
export interface EdgeOutput {
  /** The operator whose rows flow here. */
  readonly operatorId: string;
  rows: number;
  bytes: number;
  emit(batch: ColumnBatch): void;
  sendControl(control: Control): void;
  /** False: the task must stop until it is told that there is room. */
  readonly available: boolean;
  /** True when nothing waits for a consumer. */
  readonly drained: boolean;
}

/** How batches of `edge` are split over `targets` channels. Round robin begins at a place of the subtask's own. */
export function partitionerFor(edge: ExecEdge, targets: number, subtask: number): Partitioner {
  switch (edge.exchange.kind) {
    case 'HASH':
      return compilePartitioner(edge.schema, edge.exchange.keys, targets);
    case 'REBALANCE': {
      let next = subtask % targets;
      return (batch, emit) => {
        emit(next, batch);
        next = (next + 1) % targets;
      };
    }
    case 'FORWARD':
    case 'SINGLETON':
      return (batch, emit) => emit(0, batch);
  }
}

export class PipelinedOutput implements EdgeOutput {
  readonly operatorId: string;
  rows = 0;
  bytes = 0;
  private readonly channels: OutputChannel[];
  private readonly partition: Partitioner;
  private readonly send = (target: number, part: ColumnBatch): void => {
    this.bytes += encodedSize(part);
    this.channels[target]!.push({ kind: 'batch', batch: part });
  };

  constructor(edge: ExecEdge, channels: OutputChannel[], subtask: number) {
    this.operatorId = edge.sourceOperator;
    this.channels = channels;
    this.partition = partitionerFor(edge, channels.length, subtask);
  }

  emit(batch: ColumnBatch): void {
    if (batch.rows === 0) return;
    this.rows += batch.rows;
    this.partition(batch, this.send);
  }

  sendControl(control: Control): void {
    for (const channel of this.channels) channel.push(control);
  }

  get available(): boolean {
    for (const channel of this.channels) if (channel.full) return false;
    return true;
  }

  get drained(): boolean {
    return this.channels.every((channel) => channel.drained);
  }
}
