// The operators of one subtask as a tree: what one emits goes straight into its successors, sinks and outgoing edges, on one thread.
import type { ColumnBatch } from '../columnar/batch.ts';
import { createOperator } from '../operators/create.ts';
import {
  MAX_WATERMARK,
  type Operator,
  type OperatorContext,
  type OperatorRestore,
  type OperatorSnapshot,
  type Output,
} from '../operators/operator.ts';
import type { OperatorSpec } from '../plan/exec-plan.ts';
import type { EdgeOutput } from '../shuffle/edge-output.ts';
import type { TaskSink } from './task-sink.ts';

/** Rows that went into an operator and that it emitted, changes counted each. */
export interface RowCounts {
  in: number;
  out: number;
}

interface Node {
  spec: OperatorSpec;
  counts: RowCounts;
  /** Null: a source or sink, which the task drives. */
  operator: Operator | null;
  /** Where this node's rows and watermarks go. */
  output: Output;
}

export class OperatorChain {
  /** Where a source's rows enter the chain: behind the source. */
  readonly sourceOutput: Output;
  private readonly nodes: Node[];
  private readonly edges: EdgeOutput[];
  private readonly head: Node;
  private watermark = Number.MIN_SAFE_INTEGER;
  finished = false;

  /** `sinks` has one writer per sink operator of the vertex. */
  constructor(specs: OperatorSpec[], context: OperatorContext, edges: EdgeOutput[], sinks: Map<string, TaskSink>) {
    this.edges = edges;
    const byId = new Map<string, Node>();
    // Successors are made first: an output knows where it leads when it is built.
    for (const spec of [...specs].reverse()) {
      const targets: Output[] = [];
      for (const successor of specs) {
        if (successor.input !== spec.id) continue;
        targets.push(inputOf(byId.get(successor.id)!, sinks.get(successor.id)));
      }
      for (const edge of edges) if (edge.operatorId === spec.id) targets.push(edgeTarget(edge));
      const operator = spec.type === 'Source' || spec.type === 'Sink' ? null : createOperator(spec, context);
      const counts: RowCounts = { in: 0, out: 0 };
      byId.set(spec.id, { spec, counts, operator, output: counted(joined(targets), counts) });
    }
    this.nodes = specs.map((spec) => byId.get(spec.id)!);
    this.head = this.nodes[0]!;
    this.sourceOutput = this.head.output;
    this.sinkHead = this.head.spec.type === 'Sink' ? sinks.get(this.head.spec.id)! : null;
  }

  private readonly sinkHead: TaskSink | null;

  processBatch(batch: ColumnBatch): void {
    this.head.counts.in += batch.rows;
    if (this.head.operator !== null) this.head.operator.processBatch(batch, this.head.output);
    else if (this.sinkHead !== null) this.sinkHead.write(batch);
    else this.head.output.emit(batch);
  }

  processWatermark(watermark: number): void {
    if (watermark <= this.watermark || watermark === MAX_WATERMARK) return;
    this.watermark = watermark;
    if (this.head.operator !== null) this.head.operator.processWatermark(watermark, this.head.output);
    else this.head.output.emitWatermark(watermark);
  }

  /**
   * Ends the input: each operator in turn sees the last watermark and finishes before its successors do, so that no row that one emits in the end
   * is late for the next.
   */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    for (const { operator, output } of this.nodes) {
      if (operator === null) continue;
      const rowsOnly: Output = { emit: (batch) => output.emit(batch), emitWatermark: () => undefined };
      operator.processWatermark(MAX_WATERMARK, rowsOnly);
      operator.finish(rowsOnly);
    }
    for (const edge of this.edges) {
      edge.sendControl({ kind: 'watermark', watermark: MAX_WATERMARK });
      edge.sendControl({ kind: 'end' });
    }
  }

  /** Per operator id. A source's rows come in from outside and go out as they are. */
  rowCounts(): [operatorId: string, counts: Readonly<RowCounts>][] {
    return this.nodes.map(({ spec, counts }) => [spec.id, counts]);
  }

  /** Bytes that the operators' state takes in memory. */
  get stateBytes(): number {
    return this.nodes.reduce((sum, { operator }) => sum + (operator?.stateBytes ?? 0), 0);
  }

  /** Rows are held back to be emitted together with others. */
  get pending(): boolean {
    return this.nodes.some(({ operator }) => operator?.pending === true);
  }

  flush(): void {
    for (const { operator, output } of this.nodes) operator?.flush?.(output);
  }

  snapshot(): OperatorSnapshot[] {
    return this.nodes.flatMap(({ operator }) => operator?.snapshot() ?? []);
  }

  /** Ids of the operators that may have state. */
  operatorIds(): string[] {
    return this.nodes.filter(({ operator }) => operator !== null).map(({ spec }) => spec.id);
  }

  async restore(operatorId: string, state: OperatorRestore): Promise<void> {
    await this.nodes.find(({ spec }) => spec.id === operatorId)?.operator?.restore(state);
  }

  close(): void {
    for (const { operator } of this.nodes) operator?.close();
  }
}

/** Where the rows for a node go. */
function inputOf({ operator, output, counts }: Node, sink: TaskSink | undefined): Output {
  const into = (emit: (batch: ColumnBatch) => void) => (batch: ColumnBatch) => {
    counts.in += batch.rows;
    emit(batch);
  };
  if (sink !== undefined) return { emit: into((batch) => sink.write(batch)), emitWatermark: () => undefined };
  if (operator === null) return output;
  return {
    emit: into((batch) => operator.processBatch(batch, output)),
    emitWatermark: (watermark) => operator.processWatermark(watermark, output),
  };
}

function edgeTarget(edge: EdgeOutput): Output {
  return {
    emit: (batch) => edge.emit(batch),
    emitWatermark: (watermark) => edge.sendControl({ kind: 'watermark', watermark }),
  };
}

function counted(output: Output, counts: RowCounts): Output {
  return {
    emit: (batch) => {
      counts.out += batch.rows;
      output.emit(batch);
    },
    emitWatermark: (watermark) => output.emitWatermark(watermark),
  };
}

function joined(targets: Output[]): Output {
  if (targets.length === 1) return targets[0]!;
  return {
    emit: (batch) => {
      for (const target of targets) target.emit(batch);
    },
    emitWatermark: (watermark) => {
      for (const target of targets) target.emitWatermark(watermark);
    },
  };
}
