// Merging of groups whose newest copy holds all that came before: the state of a stream.
import { compileAggregate, lookupShape, recordGroups, type AggregateFunction } from '../../codegen/aggregate-update.ts';
import type { ColumnBatch, FixedColumn } from '../../columnar/batch.ts';
import type { Field } from '../../plan/types.ts';
import { GroupTable } from '../group-table.ts';
import { sequence } from '../validity.ts';
import { writeAccumulators, writeTimes } from './group-rows.ts';
import type { GroupMerging } from './merged-ranges.ts';

export class NewestWins implements GroupMerging {
  private readonly keys: Field[];
  private readonly accumulators: Field[];
  private readonly timed: boolean;
  private readonly lookup: AggregateFunction;
  private groups = new Int32Array(0);

  constructor(columns: { keys: Field[]; accumulators: Field[]; timed: boolean }) {
    this.keys = columns.keys;
    this.accumulators = columns.accumulators;
    this.timed = columns.timed;
    this.lookup = compileAggregate(lookupShape(columns, columns));
  }

  createTable(): GroupTable {
    const types = (fields: Field[]): Field['type'][] => fields.map(({ type }) => type);
    return new GroupTable(types(this.keys), types(this.accumulators), { timed: this.timed });
  }

  absorb(table: GroupTable, batch: ColumnBatch, from: number, end: number): void {
    const count = end - from;
    const selection = sequence(from, count);
    if (this.groups.length < count) this.groups = new Int32Array(count);
    const { groups } = this;
    const keys = batch.columns.slice(0, this.keys.length);
    this.lookup(table, { selection, count, keys, args: [], filters: [] }, recordGroups(groups));
    const behind = this.keys.length + this.accumulators.length;
    writeAccumulators(table, groups, batch.columns.slice(this.keys.length, behind), selection, count);
    if (this.timed)
      writeTimes(table, groups, (batch.columns[behind] as FixedColumn).values as Float64Array, selection, count);
  }
}
