// GROUP BY: the aggregate node of a SELECT, and its expressions brought from the input's columns to the aggregate's.
import type { Expression, Span } from '../sql/ast.ts';
import { Accumulators, AUXILIARY, finalValue, type AggregateCollector } from './aggregate-calls.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { checkRowtime, intervalMillis, tumble } from './bind-from.ts';
import { columnDigest } from './digest.ts';
import type { Expr } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import { column, ExprList, literal, rewrite } from './expressions.ts';
import type { AggregateNode, LogicalField, LogicalNode, TumbleWindow } from './logical-plan.ts';
import { unsupported } from './plan-error.ts';
import type { Scope } from './scope.ts';
import { nullable } from './type-rules.ts';
import { sqlType, type Field } from './types.ts';

/** What stands in GROUP BY. */
export interface Grouping {
  /** Keys, over the scope; those that are columns of a window are not among them. */
  keys: Expr[];
  /**
   * The window, its event time and the column of the scope that holds it. `legacy`: of GROUP BY TUMBLE(...), whose operands TUMBLE_START and
   * its like repeat.
   */
  window: { of: TumbleWindow; rowtime: number; time: Field; legacy: boolean } | null;
  /** Columns of the scope that are columns of the window. */
  windowColumns: Map<number, 'start' | 'end' | 'time'>;
}

export function bindGrouping(
  items: Expression[],
  scope: Scope,
  mode: 'STREAMING' | 'BATCH',
  make: ExprFactory,
): Grouping {
  const grouping: Grouping = { keys: [], window: null, windowColumns: new Map() };
  const binder = new ExpressionBinder(scope, make, 'GROUP BY');
  for (const item of items) {
    if (item.kind === 'literal' && item.type === 'number')
      throw unsupported(
        make.fail,
        item.span,
        'GROUP BY with the number of a column',
        'repeat the expression of the column',
      );
    if (item.kind === 'call' && ['TUMBLE', 'HOP', 'SESSION', 'CUMULATE'].includes(item.name))
      bindGroupWindow(item, grouping, scope, mode, make);
    else if (item.kind === 'call' && ['ROLLUP', 'CUBE', 'GROUPING SETS', 'GROUPING_SETS'].includes(item.name))
      throw unsupported(make.fail, item.span, item.name, 'write one INSERT for each grouping');
    else addKey(item, binder, grouping, scope, make);
  }
  const columns = new Set(grouping.windowColumns.values());
  const first = items[0];
  if (first !== undefined && columns.size > 0 && !(columns.has('start') && columns.has('end')))
    throw make.fail(
      'SQL_WINDOW',
      first.span,
      'a window is grouped by both its window_start and its window_end',
      'write GROUP BY window_start, window_end, ...',
    );
  return grouping;
}

function addKey(item: Expression, binder: ExpressionBinder, grouping: Grouping, scope: Scope, make: ExprFactory): void {
  const key = binder.bind(item);
  const field = key.kind === 'column' ? scope.columns[key.index]?.field : undefined;
  if (key.kind !== 'column' || field === undefined || field.window === null) {
    binder.refuseWindowColumns(key, item);
    if (key.type.root === 'NULL') throw make.fail('SQL_TYPE', item.span, 'GROUP BY NULL has no type', 'remove it');
    if (!grouping.keys.some((known) => JSON.stringify(known) === JSON.stringify(key))) grouping.keys.push(key);
    return;
  }
  const { window } = field;
  if (grouping.window !== null && grouping.window.of !== window.of)
    throw make.fail('SQL_WINDOW', item.span, 'GROUP BY names the columns of two windows', 'group by one window');
  // Every column of the window holds the event time.
  grouping.window = { of: window.of, rowtime: key.index, time: window.time, legacy: false };
  grouping.windowColumns.set(key.index, window.column);
}

/** GROUP BY TUMBLE(time, size [, offset]). */
function bindGroupWindow(
  item: Extract<Expression, { kind: 'call' }>,
  grouping: Grouping,
  scope: Scope,
  mode: 'STREAMING' | 'BATCH',
  make: ExprFactory,
): void {
  const { fail } = make;
  const { span } = item;
  if (item.name !== 'TUMBLE') throw unsupported(fail, span, `the window ${item.name}`, 'use TUMBLE');
  if (grouping.window !== null) throw fail('SQL_WINDOW', span, 'GROUP BY has two windows', 'group by one window');
  grouping.window = { ...groupWindow(item.args, scope, mode, make, span), legacy: true };
}

function groupWindow(
  args: Expression[],
  scope: Scope,
  mode: 'STREAMING' | 'BATCH',
  make: ExprFactory,
  span: Span,
): { of: TumbleWindow; rowtime: number; time: Field } {
  const binder = new ExpressionBinder(scope, make, 'TUMBLE');
  return windowOf(
    args.map((arg) => binder.bind(arg)),
    scope,
    mode,
    make,
    span,
  );
}

function windowOf(
  args: Expr[],
  scope: Scope,
  mode: 'STREAMING' | 'BATCH',
  make: ExprFactory,
  span: Span,
): { of: TumbleWindow; rowtime: number; time: Field } {
  const [time, size, offset] = args;
  if (time === undefined || size === undefined || args.length > 3)
    throw make.fail(
      'SQL_ARGUMENTS',
      span,
      `TUMBLE in GROUP BY takes an event time and a size, not ${args.length} operand${args.length === 1 ? '' : 's'}`,
      "write TUMBLE(time, INTERVAL '1' MINUTE)",
    );
  const field = time.kind === 'column' ? scope.columns[time.index]?.field : undefined;
  if (time.kind !== 'column' || field === undefined)
    throw make.fail(
      'SQL_TIME_ATTRIBUTE',
      make.spanOf(time, span),
      'the time of a window is a column',
      'name the column with the watermark',
    );
  checkRowtime(field, make.spanOf(time, span), mode, make.fail);
  const of = tumble(
    intervalMillis(size, 'size', make, make.spanOf(size, span)),
    offset === undefined ? 0 : intervalMillis(offset, 'offset', make, make.spanOf(offset, span)),
    span,
    make.fail,
  );
  return { of, rowtime: time.index, time: { name: field.name, type: field.type } };
}

export interface AggregateInput {
  node: LogicalNode;
  scope: Scope;
  condition: Expr | null;
  grouping: Grouping;
  /** Whether there is a GROUP BY: then there are no groups without rows. */
  grouped: boolean;
  calls: AggregateCollector['calls'];
  mode: 'STREAMING' | 'BATCH';
  make: ExprFactory;
}

export interface Aggregated {
  node: AggregateNode;
  /** An expression over the scope and the collected calls as one over `node`. @throws EngineError SQL_AGGREGATE */
  rewrite: (expr: Expr, span: Span) => Expr;
}

/** The aggregation behind a Calc that computes its keys, arguments and filters. */
export function aggregate(input: AggregateInput): Aggregated {
  const { node, scope, condition, grouping, calls, make } = input;
  const { keys, window } = grouping;
  const digests = scope.fields.map((field) => field.digest);
  const computed = new ExprList();
  const keyPlaces = keys.map((key) => computed.add(key));
  const rowtime = window === null ? -1 : computed.add(column(window.rowtime, window.time.type));
  const accumulators = new Accumulators(digests, (expr) => column(computed.add(expr), expr.type));
  const first = keys.length;
  const finals = calls.map((call) =>
    call.kind === 'aggregate' ? finalValue(call, accumulators, first, input.grouped, make) : null,
  );
  const afterAccumulators = first + accumulators.all.length;
  const windowColumn = (at: 'start' | 'end' | 'time'): Expr => {
    const offset = { start: 0, end: 1, time: 2 }[at];
    return column(afterAccumulators + offset, windowFields(window!, scope)[offset]!.type);
  };

  const aggregateNode: AggregateNode = {
    kind: 'aggregate',
    input: prepare(node, condition, computed, digests, scope),
    keys: keyPlaces,
    window: window === null ? null : { ...window.of, rowtime },
    accumulators: accumulators.all,
    fields: [
      ...keys.map((key, i) => keyField(key, i, digests, scope)),
      ...accumulators.all.map(({ name, type }) => ({ name, type, digest: name, rowtime: false, window: null })),
      ...(window === null ? [] : windowFields(window, scope)),
    ],
  };

  const keyTexts = keys.map((key) => JSON.stringify(key));
  const toOutput = (expr: Expr, span: Span): Expr =>
    rewrite(expr, (part) => {
      if (part.kind === 'literal') return part;
      const key = keyTexts.indexOf(JSON.stringify(part));
      if (key >= 0) return column(key, part.type);
      if (part.kind === 'call') return null;
      const call = calls[part.index - scope.columns.length];
      if (call?.kind === 'auxiliary') {
        checkAuxiliary(call, input);
        return windowColumn(AUXILIARY[call.name]!);
      }
      if (call !== undefined) return finals[part.index - scope.columns.length]!;
      const column_ = grouping.windowColumns.get(part.index);
      if (column_ !== undefined) return windowColumn(column_);
      throw ungrouped(scope.columns[part.index]!.field.name, make.spanOf(part, make.spanOf(expr, span)), input);
    });
  return { node: aggregateNode, rewrite: toOutput };
}

function ungrouped(name: string, span: Span, { make, grouped }: AggregateInput): Error {
  return make.fail(
    'SQL_AGGREGATE',
    span,
    `column ${name} is neither in GROUP BY nor in an aggregate`,
    grouped ? `add ${name} to GROUP BY, or write MIN(${name})` : `write GROUP BY ${name}, or MIN(${name})`,
  );
}

/** TUMBLE_START(time, size) means the window of GROUP BY TUMBLE(time, size). */
function checkAuxiliary(
  call: Extract<AggregateCollector['calls'][number], { kind: 'auxiliary' }>,
  input: AggregateInput,
): void {
  const { grouping, scope, mode, make } = input;
  const { window } = grouping;
  if (window !== null && window.legacy) {
    const { of, rowtime } = windowOf(call.args, scope, mode, make, call.span);
    if (rowtime === window.rowtime && of.size === window.of.size && of.offset === window.of.offset) return;
  }
  throw make.fail(
    'SQL_WINDOW',
    call.span,
    `${call.name} belongs to no window of GROUP BY`,
    window === null || window.legacy
      ? 'GROUP BY TUMBLE(...) with the same operands'
      : 'with TABLE(TUMBLE(...)) the columns are window_start, window_end and window_time',
  );
}

/** The Calc in front of the aggregation; `computed` may not be added to afterwards. */
function prepare(
  input: LogicalNode,
  condition: Expr | null,
  computed: ExprList,
  digests: string[],
  scope: Scope,
): LogicalNode {
  // A batch without columns would lose its rows in connectors that count values.
  if (computed.all.length === 0) computed.add(literal(0, sqlType.int(false)));
  const fields = computed.all.map((expr, i): LogicalField => {
    const digest = columnDigest(expr, digests);
    const field = expr.kind === 'column' ? scope.columns[expr.index]!.field : null;
    const name = field?.window?.time.name ?? field?.name ?? `$f${i}`;
    return { name, type: expr.type, digest, rowtime: field?.rowtime ?? false, window: null };
  });
  return { kind: 'calc', input, condition, projections: computed.all, fields };
}

function keyField(key: Expr, index: number, digests: string[], scope: Scope): LogicalField {
  const name = key.kind === 'column' ? scope.columns[key.index]!.field.name : `$f${index}`;
  return { name, type: key.type, digest: columnDigest(key, digests), rowtime: false, window: null };
}

function windowFields({ of, rowtime, time }: NonNullable<Grouping['window']>, scope: Scope): LogicalField[] {
  const { digest } = scope.columns[rowtime]!.field;
  const timeType = nullable(time.type, false);
  const at = `${digest}, ${of.size}${of.offset === 0 ? '' : `, ${of.offset}`}`;
  const start = sqlType.timestamp(3, false);
  return [
    { name: 'window_start', type: start, digest: `window_start(${at})`, rowtime: false, window: null },
    { name: 'window_end', type: start, digest: `window_end(${at})`, rowtime: false, window: null },
    { name: 'window_time', type: timeType, digest: `window_time(${at})`, rowtime: true, window: null },
  ];
}
