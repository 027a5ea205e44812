// What GROUP BY and windows share: accumulators resolved to columns, filters and types, and the generated loop over them.
import type { CellValue, Column, ColumnBatch } from '../columnar/batch.ts';
import {
  compileAggregate,
  recordGroups,
  type AggregateFunction,
  type AggregateShape,
  type Recorded,
} from '../codegen/aggregate-update.ts';
import { compileProjection } from '../codegen/projection.ts';
import { EngineError } from '../errors.ts';
import type { Expr, GroupAggregateSpec, WindowAggregateSpec } from '../plan/exec-plan.ts';
import { physical, type SqlType } from '../plan/types.ts';
import { GroupTable } from '../state/group-table.ts';
import { stateSchemaOf, type StateSchema } from '../state/schema.ts';
import type { GroupMerging } from '../state/spill/merged-ranges.ts';
import { NewestWins } from '../state/spill/newest-wins.ts';
import { compileMask } from './expressions.ts';
import type { OperatorContext } from './operator.ts';
import { PartialResults } from './partial-results.ts';

type Spec = GroupAggregateSpec | WindowAggregateSpec;

/** The columns of a batch that an aggregation reads: keys, arguments, and one byte per row of each filter. */
export interface Evaluated {
  keys: Column[];
  args: Column[];
  filters: Uint8Array[];
}

export class Aggregation {
  private readonly spec: Spec;
  private readonly timeToLive: number | null;
  private readonly keyTypes: SqlType[];
  private readonly accumulatorTypes: SqlType[];
  private readonly args: (batch: ColumnBatch, selection: null, count: number) => Column[];
  private readonly filters: ((batch: ColumnBatch) => Uint8Array)[];
  private readonly shape: AggregateShape;
  private readonly loop: AggregateFunction;
  private lookup: AggregateFunction | null = null;
  private tables = 0;

  /** `mode` 'touched' when changes are asked for. `timeToLive` of groups in milliseconds, null when they stay. */
  constructor(spec: Spec, context: OperatorContext, mode: 'all' | 'touched', timeToLive: number | null = null) {
    this.spec = spec;
    this.timeToLive = timeToLive;
    this.keyTypes = spec.keys.map((index) => spec.inputSchema[index]!.type);
    this.accumulatorTypes = spec.accumulators.map(({ type }) => type);
    // Equal arguments and filters of several accumulators are computed once.
    const args = new Distinct();
    const filters = new Distinct();
    const accumulators = spec.accumulators.map(({ fn, type, argument, filter }) => ({
      fn,
      type,
      argument: args.indexOf(argument),
      filter: filters.indexOf(filter),
    }));
    this.args = compileProjection(args.all, spec.inputSchema, { now: context.now });
    this.filters = filters.all.map((expr) => compileMask(expr, spec.inputSchema, context.now));
    this.shape = {
      keys: this.keyTypes,
      args: args.all.map((expr) => physical(expr.type)),
      filters: this.filters.length,
      accumulators,
      names: spec.accumulators.map(({ name }) => `${name} (in ${spec.uid})`),
      mode,
      timed: timeToLive !== null,
    };
    this.loop = compileAggregate(this.shape);
  }

  get operatorId(): string {
    return this.spec.id;
  }

  /** `budget`: bytes that the table should stay within. */
  createTable(budget = Infinity): GroupTable {
    const timed = this.timeToLive !== null;
    return new GroupTable(this.keyTypes, this.accumulatorTypes, { timed, budget, id: this.tables++ });
  }

  /** How copies of a group become one: as a stream the newest has all, as a batch each has some of the rows. */
  merging(mode: OperatorContext['mode']): GroupMerging {
    const { keys, accumulators } = this.stateSchema('GROUPS');
    return mode === 'STREAMING'
      ? new NewestWins({ keys, accumulators, timed: this.timeToLive !== null })
      : new PartialResults(this.keyTypes, this.spec.accumulators, this.shape.names, () => this.createTable());
  }

  /** Finds the group of each row, or makes it: with the accumulators of a group over no rows. Writes them to `groups`. */
  locate(
    table: GroupTable,
    evaluated: Evaluated,
    selection: Int32Array | null,
    count: number,
    groups: Int32Array,
  ): void {
    this.lookup ??= compileAggregate({ ...this.shape, mode: 'lookup' });
    this.lookup(table, { ...evaluated, selection, count }, recordGroups(groups));
  }

  /** Makes the accumulators of a group those of a group over no rows. */
  reset(table: GroupTable, group: number): void {
    const { records, layout, strings } = table;
    const record = group * layout.width;
    this.spec.accumulators.forEach(({ fn }, i) => {
      const field = layout.accumulators[i]!;
      if (field === null) {
        strings[i]!.setNull(group);
        return;
      }
      const bit = 1 << field.validBit;
      records[record + field.at] = 0;
      if (field.physical === 'i64' || field.physical === 'f64') records[record + field.at + 1] = 0;
      if (fn === 'COUNT') records[record + field.validAt]! |= bit;
      else records[record + field.validAt]! &= ~bit;
    });
  }

  stateSchema(kind: StateSchema['kind']): StateSchema {
    const schema = stateSchemaOf(this.spec, kind);
    return this.timeToLive === null ? schema : { ...schema, timeToLive: this.timeToLive };
  }

  /** Computes what the loop reads. Throws CHANGELOG_INPUT when rows are retracted. */
  evaluate(batch: ColumnBatch): Evaluated {
    if (batch.kinds !== null) this.checkInserts(batch.kinds, batch.rows);
    return {
      keys: this.spec.keys.map((index) => batch.columns[index]!),
      args: this.args(batch, null, batch.rows),
      filters: this.filters.map((compute) => compute(batch)),
    };
  }

  /** Adds rows to a table: those of `selection`, or the first `count`. */
  update(
    table: GroupTable,
    evaluated: Evaluated,
    selection: Int32Array | null,
    count: number,
    recorded: Recorded,
  ): void {
    this.loop(table, { ...evaluated, selection, count }, recorded);
  }

  /** The one row of an aggregation without keys over no rows: counts are 0, the rest NULL. */
  emptyRow(): CellValue[] {
    return this.spec.accumulators.map(({ fn }) => (fn === 'COUNT' ? 0n : null));
  }

  private checkInserts(kinds: Uint8Array, rows: number): void {
    for (let row = 0; row < rows; row++)
      if (kinds[row] !== 0)
        throw new EngineError('CHANGELOG_INPUT', `${this.spec.uid} cannot aggregate rows that are updated or deleted`, {
          hint: 'aggregate the source itself, or a window over it, instead of the result of another GROUP BY',
        });
  }
}

/** Expressions numbered so that equal ones have one number. */
class Distinct {
  readonly all: Expr[] = [];
  private readonly texts: string[] = [];

  indexOf(expr: Expr | null): number | null {
    if (expr === null) return null;
    const text = JSON.stringify(expr);
    const known = this.texts.indexOf(text);
    if (known >= 0) return known;
    this.texts.push(text);
    return this.all.push(expr) - 1;
  }
}
