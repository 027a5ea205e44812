// GROUP BY without windows. As a stream it emits changes, as a batch the final values once; both over the same state.
import { recordGroups } from '../codegen/aggregate-update.ts';
import { BATCH_ROWS, fromRows, type ColumnBatch } from '../columnar/batch.ts';
import type { GroupAggregateSpec } from '../plan/exec-plan.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { restoreTables } from '../state/sections.ts';
import { snapshotGroups } from '../state/spill/spilled-snapshot.ts';
import { Aggregation } from './aggregation.ts';
import { Changelog } from './changelog.ts';
import { GroupState } from './group-state.ts';
import type { Operator, OperatorContext, OperatorRestore, OperatorSnapshot, Output } from './operator.ts';

/** Touched groups that are held back at the most, which bounds the memory for their old values. In time they are bounded by the task. */
export const HELD_GROUPS = 1 << 17;

const NOTHING_RECORDED = recordGroups(new Int32Array(0));

export class GroupAggregate implements Operator {
  private readonly spec: GroupAggregateSpec;
  private readonly firstSubtask: boolean;
  private readonly aggregation: Aggregation;
  private readonly stateSchema: StateSchema;
  private readonly state: GroupState;
  private readonly now: OperatorContext['now'];
  /** Null in batch mode. */
  private readonly changelog: Changelog | null;
  /** Comes after the changes that are held back; null when there is none. */
  private heldWatermark: number | null = null;

  constructor(spec: GroupAggregateSpec, context: OperatorContext) {
    this.spec = spec;
    this.firstSubtask = context.subtask === 0;
    this.now = context.now;
    const streaming = context.mode === 'STREAMING';
    const timeToLive = streaming ? context.stateTimeToLive : null;
    this.aggregation = new Aggregation(spec, context, streaming ? 'touched' : 'all', timeToLive);
    this.stateSchema = this.aggregation.stateSchema('GROUPS');
    this.state = new GroupState(this.aggregation, context, this.stateSchema, timeToLive);
    const types = spec.accumulators.map(({ type }) => type);
    this.changelog = streaming ? new Changelog(this.state.table, types, spec.outputSchema) : null;
  }

  get pending(): boolean {
    return this.changelog !== null && this.changelog.count > 0;
  }

  processBatch(batch: ColumnBatch, output: Output): void {
    const evaluated = this.aggregation.evaluate(batch);
    const { changelog, state } = this;
    if (changelog === null) this.aggregation.update(state.table, evaluated, null, batch.rows, NOTHING_RECORDED);
    else {
      if (state.overdue(changelog)) this.flush(output);
      changelog.makeRoom(batch.rows);
      state.prepare(evaluated, batch.rows, changelog);
      this.aggregation.update(state.table, evaluated, null, batch.rows, changelog.recorded);
      if (changelog.count >= HELD_GROUPS) this.flush(output);
    }
    this.keepSmall(output);
  }

  /** Spills what is more than fits, merges what was spilled, leaves behind what is out of date: one piece of it after each batch. */
  private keepSmall(output: Output): void {
    const { state } = this;
    state.spilled.maintain();
    const full = state.full;
    if (!full && !state.sweep()) return;
    this.flush(output);
    if (full) state.spill();
    else state.compact();
    this.changelog?.use(state.table);
  }

  /** What was put into the table so far may be spilled first. */
  private tableForRestore(): GroupTable {
    const { state } = this;
    state.spilled.maintain();
    if (state.full) {
      state.spill();
      this.changelog?.use(state.table);
    }
    return state.table;
  }

  /** Does not force changes out: one comes with nearly every batch, and only has to stay behind them. */
  processWatermark(watermark: number, output: Output): void {
    if (this.pending) this.heldWatermark = watermark;
    else output.emitWatermark(watermark);
  }

  flush(output: Output): void {
    this.changelog?.emit((batch) => output.emit(batch));
    if (this.heldWatermark === null) return;
    output.emitWatermark(this.heldWatermark);
    this.heldWatermark = null;
  }

  finish(output: Output): void {
    if (this.changelog !== null) {
      this.flush(output);
      return;
    }
    const { keys, outputSchema } = this.spec;
    let groups = 0;
    for (const table of this.state.all()) {
      groups += table.size;
      for (let from = 0; from < table.size; from += BATCH_ROWS) {
        const rows = Math.min(BATCH_ROWS, table.size - from);
        output.emit({ schema: outputSchema, rows, columns: table.range(from, rows), kinds: null });
      }
    }
    // Without GROUP BY there is one row even when there was no input, and only in batch mode: a stream has then nothing to tell.
    if (keys.length === 0 && groups === 0 && this.firstSubtask)
      output.emit(fromRows(outputSchema, [this.aggregation.emptyRow()]));
  }

  /** The task has flushed: a change that is held back is in the state already, and would never be told after a restore. */
  snapshot(): OperatorSnapshot {
    if (this.pending) throw new Error(`a snapshot of ${this.spec.uid} was asked for while changes are held back`);
    const keyed = snapshotGroups(this.stateSchema, [{ table: this.state.table, windowEnd: null }], this.state.spilled);
    return { operatorId: this.spec.id, stateSchema: this.stateSchema, keyed, union: [] };
  }

  async restore(state: OperatorRestore): Promise<void> {
    await restoreTables(this.stateSchema, state, this.spec.uid, () => this.tableForRestore(), this.now());
  }

  get stateBytes(): number {
    return this.state.allocatedBytes;
  }

  close(): void {
    this.changelog?.close();
    this.state.close();
  }
}
