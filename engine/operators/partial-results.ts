// Merging of groups that were aggregated apart, each over some of the rows: what a batch job spills is not fetched back when its key comes again.
import { compileAggregate, recordGroups, type AggregateFunction } from '../codegen/aggregate-update.ts';
import type { ColumnBatch } from '../columnar/batch.ts';
import type { AccumulatorSpec } from '../plan/exec-plan.ts';
import { physical, type SqlType } from '../plan/types.ts';
import type { GroupTable } from '../state/group-table.ts';
import type { GroupMerging } from '../state/spill/merged-ranges.ts';
import { sequence } from '../state/validity.ts';

const NOTHING_RECORDED = recordGroups(new Int32Array(0));

export class PartialResults implements GroupMerging {
  readonly createTable: () => GroupTable;
  private readonly keys: number;
  private readonly accumulators: number;
  private readonly combine: AggregateFunction;

  /** `names` of the accumulators, for errors. */
  constructor(
    keys: readonly SqlType[],
    accumulators: readonly AccumulatorSpec[],
    names: string[],
    createTable: () => GroupTable,
  ) {
    this.createTable = createTable;
    this.keys = keys.length;
    this.accumulators = accumulators.length;
    this.combine = compileAggregate({
      keys: [...keys],
      args: accumulators.map(({ type }) => physical(type)),
      filters: 0,
      // Counts are added up; sums, minima and maxima are taken of themselves.
      accumulators: accumulators.map(({ fn, type }, argument) => ({
        fn: fn === 'COUNT' ? 'SUM' : fn,
        type,
        argument,
        filter: null,
      })),
      names,
      mode: 'all',
    });
  }

  absorb(table: GroupTable, batch: ColumnBatch, from: number, end: number): void {
    const keys = batch.columns.slice(0, this.keys);
    const args = batch.columns.slice(this.keys, this.keys + this.accumulators);
    const count = end - from;
    this.combine(table, { selection: sequence(from, count), count, keys, args, filters: [] }, NOTHING_RECORDED);
  }
}
