// TUMBLE windows over event time: the groups of each open window, emitted and freed when the watermark reaches the window's end.
import { BATCH_ROWS, type ColumnBatch } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { WindowAggregateSpec } from '../plan/exec-plan.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { constant } from '../state/keyed-snapshot.ts';
import { restoreTables } from '../state/sections.ts';
import { snapshotGroups } from '../state/spill/spilled-snapshot.ts';
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
import { WindowState } from './window-state.ts';

export class WindowAggregate implements Operator {
  private readonly spec: WindowAggregateSpec;
  private readonly streaming: boolean;
  private readonly count: OperatorContext['count'];
  private readonly aggregation: Aggregation;
  private readonly assigner: WindowAssigner;
  private readonly stateSchema: StateSchema;
  private readonly state: WindowState;
  private watermark = MIN_WATERMARK;

  constructor(spec: WindowAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.streaming = context.mode === 'STREAMING';
    this.count = context.count;
    this.aggregation = new Aggregation(spec, context, 'all');
    this.assigner = new WindowAssigner(spec);
    this.stateSchema = this.aggregation.stateSchema('WINDOWS');
    this.state = new WindowState(this.aggregation, context, this.stateSchema);
  }

  processBatch(batch: ColumnBatch): void {
    const evaluated = this.aggregation.evaluate(batch);
    const late = this.assigner.assign(batch, this.watermark, (windowEnd, selection, count) => {
      this.state.add(windowEnd, evaluated, selection, count);
    });
    this.state.keepSmall();
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
    const union = new Uint8Array(new Float64Array([this.watermark]).buffer);
    return {
      operatorId: this.spec.id,
      stateSchema: this.stateSchema,
      keyed: snapshotGroups(this.stateSchema, this.state.open(), this.state.spilled),
      union: [union],
    };
  }

  /** The watermark is the lowest that any subtask had: no row that one of them still waited for becomes late. */
  async restore(state: OperatorRestore): Promise<void> {
    await restoreTables(this.stateSchema, state, this.spec.uid, (windowEnd) => this.state.tableForRestore(windowEnd!));
    const watermarks = state.union.map((bytes) => readWatermark(bytes, this.spec.uid));
    this.watermark = watermarks.length === 0 ? MIN_WATERMARK : Math.min(...watermarks);
  }

  get stateBytes(): number {
    return this.state.allocatedBytes;
  }

  close(): void {
    this.state.close();
  }

  /** Emits and frees the windows whose last millisecond the watermark has reached, earliest first. */
  private fire(watermark: number, output: Output): void {
    for (const windowEnd of this.state.due(watermark))
      this.state.take(windowEnd, (table) => {
        for (let from = 0; from < table.size; from += BATCH_ROWS) {
          const rows = Math.min(BATCH_ROWS, table.size - from);
          output.emit(this.windowBatch(table, windowEnd, from, rows));
        }
      });
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
