// TUMBLE windows over event time: one group table per open window, emitted and freed when the watermark reaches the window's end.
import { BATCH_ROWS, type ColumnBatch } from '../columnar/batch.ts';
import { recordGroups } from '../codegen/aggregate-update.ts';
import { EngineError } from '../errors.ts';
import type { WindowAggregateSpec } from '../plan/exec-plan.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { constant, TablesSnapshot } from '../state/keyed-snapshot.ts';
import { restoreTables } from '../state/sections.ts';
import { Aggregation } from './aggregation.ts';
import {
  MAX_WATERMARK,
  MIN_WATERMARK,
  type Operator,
  type OperatorContext,
  type OperatorRestore,
  type OperatorSnapshot,
  type Output,
} from './operator.ts';
import { WindowAssigner } from './window-assigner.ts';

const NOTHING_RECORDED = recordGroups(new Int32Array(0));

export class WindowAggregate implements Operator {
  private readonly spec: WindowAggregateSpec;
  private readonly streaming: boolean;
  private readonly count: OperatorContext['count'];
  private readonly aggregation: Aggregation;
  private readonly assigner: WindowAssigner;
  private readonly stateSchema: StateSchema;
  /** Open windows by their end. */
  private readonly windows = new Map<number, GroupTable>();
  private watermark = MIN_WATERMARK;
  /** Table of a window that has fired: the next one will have about as many groups, and memory that is there costs less than new memory. */
  private spare: GroupTable | null = null;

  constructor(spec: WindowAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.streaming = context.mode === 'STREAMING';
    this.count = context.count;
    this.aggregation = new Aggregation(spec, context, 'all');
    this.assigner = new WindowAssigner(spec);
    this.stateSchema = this.aggregation.stateSchema('WINDOWS');
  }

  processBatch(batch: ColumnBatch): void {
    const evaluated = this.aggregation.evaluate(batch);
    const late = this.assigner.assign(batch, this.watermark, (windowEnd, selection, count) => {
      this.aggregation.update(this.tableOf(windowEnd), evaluated, selection, count, NOTHING_RECORDED);
    });
    if (late > 0) this.count('numLateRecordsDropped', late);
  }

  processWatermark(watermark: number, output: Output): void {
    // In batch mode rows come in any order, and only the end of input tells that a window is complete.
    if (this.streaming || watermark === MAX_WATERMARK) {
      this.watermark = Math.max(this.watermark, watermark);
      this.fire(watermark, output);
    }
    output.emitWatermark(watermark);
  }

  finish(output: Output): void {
    if (!this.streaming) this.fire(MAX_WATERMARK, output);
  }

  snapshot(): OperatorSnapshot {
    const open = [...this.windows].sort(([a], [b]) => a - b).map(([windowEnd, table]) => ({ table, windowEnd }));
    const union = new Uint8Array(new Float64Array([this.watermark]).buffer);
    return {
      operatorId: this.spec.id,
      stateSchema: this.stateSchema,
      keyed: new TablesSnapshot(this.stateSchema, open),
      union: [union],
    };
  }

  /** The watermark is the lowest that any subtask had: no row that one of them still waited for becomes late. */
  async restore(state: OperatorRestore): Promise<void> {
    await restoreTables(this.stateSchema, state, this.spec.uid, (windowEnd) => this.tableOf(windowEnd!));
    const watermarks = state.union.map((bytes) => readWatermark(bytes, this.spec.uid));
    this.watermark = watermarks.length === 0 ? MIN_WATERMARK : Math.min(...watermarks);
  }

  close(): void {
    this.windows.clear();
    this.spare = null;
  }

  private tableOf(windowEnd: number): GroupTable {
    let table = this.windows.get(windowEnd);
    if (table === undefined) {
      table = this.spare ?? this.aggregation.createTable();
      this.spare = null;
      this.windows.set(windowEnd, table);
    }
    return table;
  }

  /** Emits and frees the windows whose last millisecond the watermark has reached, earliest first. */
  private fire(watermark: number, output: Output): void {
    const due = [...this.windows.keys()].filter((windowEnd) => windowEnd - 1 <= watermark).sort((a, b) => a - b);
    for (const windowEnd of due) {
      const table = this.windows.get(windowEnd)!;
      this.windows.delete(windowEnd);
      for (let from = 0; from < table.size; from += BATCH_ROWS) {
        const rows = Math.min(BATCH_ROWS, table.size - from);
        output.emit(this.windowBatch(table, windowEnd, from, rows));
      }
      this.spare = table.clear() ? table : null;
    }
  }

  private windowBatch(table: GroupTable, windowEnd: number, from: number, rows: number): ColumnBatch {
    const times = [windowEnd - this.spec.window.size, windowEnd, windowEnd - 1];
    const columns = [...table.range(from, rows), ...times.map((time) => constant(time, rows))];
    return { schema: this.spec.outputSchema, rows, columns, kinds: null };
  }
}

function readWatermark(bytes: Uint8Array, operator: string): number {
  if (bytes.length !== 8)
    throw new EngineError(
      'STATE_INCOMPATIBLE',
      `state of ${operator} cannot be restored: its watermark has ${bytes.length} bytes`,
    );
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}
