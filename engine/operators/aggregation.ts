// What GROUP BY and windows share: accumulators resolved to columns, filters and types, and the generated loop over them.
import type { CellValue, Column, ColumnBatch } from '../columnar/batch.ts';
import { compileAggregate, type AggregateFunction, type Recorded } from '../codegen/aggregate-update.ts';
import { compileProjection } from '../codegen/projection.ts';
import { EngineError } from '../errors.ts';
import type { Expr, GroupAggregateSpec, WindowAggregateSpec } from '../plan/exec-plan.ts';
import { physical, type SqlType } from '../plan/types.ts';
import { GroupTable } from '../state/group-table.ts';
import type { StateSchema } from '../state/schema.ts';
import { compileMask } from './expressions.ts';
import type { OperatorContext } from './operator.ts';

type Spec = GroupAggregateSpec | WindowAggregateSpec;

/** The columns of a batch that an aggregation reads: keys, arguments, and one byte per row of each filter. */
export interface Evaluated {
  keys: Column[];
  args: Column[];
  filters: Uint8Array[];
}

export class Aggregation {
  private readonly spec: Spec;
  private readonly keyTypes: SqlType[];
  private readonly accumulatorTypes: SqlType[];
  private readonly args: (batch: ColumnBatch, selection: null, count: number) => Column[];
  private readonly filters: ((batch: ColumnBatch) => Uint8Array)[];
  private readonly loop: AggregateFunction;

  /** `mode` 'touched' when changes are asked for. */
  constructor(spec: Spec, context: OperatorContext, mode: 'all' | 'touched') {
    this.spec = spec;
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
    this.loop = compileAggregate({
      keys: this.keyTypes,
      args: args.all.map((expr) => physical(expr.type)),
      filters: this.filters.length,
      accumulators,
      names: spec.accumulators.map(({ name }) => `${name} (in ${spec.uid})`),
      mode,
    });
  }

  createTable(): GroupTable {
    return new GroupTable(this.keyTypes, this.accumulatorTypes);
  }

  stateSchema(kind: StateSchema['kind']): StateSchema {
    const { inputSchema, keys, accumulators } = this.spec;
    return {
      formatVersion: 1,
      kind,
      keys: keys.map((index) => inputSchema[index]!),
      accumulators: accumulators.map(({ name, type }) => ({ name, type })),
    };
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
