// Names of operators and vertices as Flink's plans show them. For people only: nothing depends on them.
import { digestOf } from './digest.ts';
import type { AccumulatorSpec, ExecPlan, ExecVertex, Expr, OperatorSpec, SortKey, WindowSpec } from './exec-plan.ts';
import type { Schema } from './types.ts';

const MAX_LENGTH = 2_000;

const names = (schema: Schema): string[] => schema.map((field) => field.name);
const tablePath = (name: string): string => `[[default_catalog, default_database, ${name}]]`;

/** A very long name is cut: plans go over REST at every refresh. */
function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}...`;
}

export function scanName(table: string, output: Schema): string {
  return cut(`TableSourceScan(table=${tablePath(table)}, fields=[${names(output).join(', ')}])`);
}

export function sinkName(table: string, output: Schema): string {
  return cut(`Sink(table=${tablePath(table)}, fields=[${names(output).join(', ')}])`);
}

export function calcName(input: Schema, condition: Expr | null, projections: Expr[], output: Schema): string {
  const columns = names(input);
  const select = projections.map((expr, i) => {
    const text = digestOf(expr, columns);
    const name = output[i]!.name;
    return text === name ? text : `${text} AS ${name}`;
  });
  const where = condition === null ? '' : `, where=[${digestOf(condition, columns)}]`;
  return cut(`Calc(select=[${select.join(', ')}]${where})`);
}

export function watermarkName(input: Schema, rowtime: number, expr: Expr): string {
  return `WatermarkAssigner(rowtime=[${input[rowtime]!.name}], watermark=[${digestOf(expr, names(input))}])`;
}

export function aggregateName(input: Schema, keys: number[], accumulators: AccumulatorSpec[]): string {
  const groupBy = keys.map((key) => input[key]!.name).join(', ');
  const select = [...keys.map((key) => input[key]!.name), ...accumulators.map(({ name }) => name)].join(', ');
  return cut(`GroupAggregate(${keys.length === 0 ? '' : `groupBy=[${groupBy}], `}select=[${select}])`);
}

export function windowAggregateName(
  input: Schema,
  keys: number[],
  window: WindowSpec,
  accumulators: AccumulatorSpec[],
): string {
  const groupBy = keys.map((key) => input[key]!.name).join(', ');
  const offset = window.offset === 0 ? '' : `, offset=[${duration(window.offset)}]`;
  const text = `TUMBLE(time_col=[${input[window.rowtime]!.name}], size=[${duration(window.size)}]${offset})`;
  const select = [
    ...keys.map((key) => input[key]!.name),
    ...accumulators.map(({ name }) => name),
    'window_start',
    'window_end',
    'window_time',
  ].join(', ');
  return cut(
    `WindowAggregate(${keys.length === 0 ? '' : `groupBy=[${groupBy}], `}window=[${text}], select=[${select}])`,
  );
}

export function sortName(input: Schema, keys: SortKey[], limit: number | null, offset: number): string {
  const orderBy = keys
    .map(({ index, descending }) => `${input[index]!.name} ${descending ? 'DESC' : 'ASC'}`)
    .join(', ');
  const range = `offset=[${offset}], fetch=[${limit ?? 'unlimited'}]`;
  if (keys.length === 0) return `Limit(${range})`;
  return cut(
    limit === null && offset === 0 ? `Sort(orderBy=[${orderBy}])` : `SortLimit(orderBy=[${orderBy}], ${range})`,
  );
}

export function valuesName(rows: number, output: Schema): string {
  return cut(`Values(rows=[${rows}], values=[${names(output).join(', ')}])`);
}

const UNITS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** `10 s`, `1 d`, `1500 ms`. */
function duration(millis: number): string {
  const unit = UNITS.find(([size]) => millis % size === 0 && millis > 0);
  return unit === undefined ? `${millis} ms` : `${millis / unit[0]} ${unit[1]}`;
}

/** An operator in a vertex's name: `Source: flights[1]`, `Calc[2]`, `per_day[5]: Writer`. */
function shortName(operator: OperatorSpec, number: number): string {
  if (operator.type === 'Source') return `Source: ${operator.table.name}[${number}]`;
  if (operator.type === 'Sink') return `${operator.table.name}[${number}]: Writer`;
  return `${operator.name.slice(0, operator.name.indexOf('('))}[${number}]`;
}

/** An operator in a plan's description. */
export function describedName(operator: OperatorSpec, number: number): string {
  return operator.type === 'Sink' ? shortName(operator, number) : `[${number}]:${operator.name}`;
}

/** Longer ones are cut in metrics, as in Flink. */
const SCOPE_LENGTH = 80;

/** The operators of a plan as they are named in metrics, by operator id: Flink's names with `_` for what its queries cannot hold, `Source__bid[1]`. */
export function metricScopes(plan: Pick<ExecPlan, 'vertices' | 'edges'>): Map<string, string> {
  const numbers = numberOperators(plan.vertices, (i) => readsShuffled(plan, plan.vertices[i]!.id));
  return new Map(
    plan.vertices.flatMap(({ operators }) =>
      operators.map((operator): [string, string] => {
        const name = shortName(operator, numbers.get(operator.id)!).slice(0, SCOPE_LENGTH);
        return [operator.id, name.replace(/[ .:,]/g, '_')];
      }),
    ),
  );
}

/** The operators that read from `input`, or the head when it is null. */
export function readersOf({ operators }: Pick<ExecVertex, 'operators'>, input: string | null): OperatorSpec[] {
  return operators.filter((operator) => operator.input === input);
}

/** `a -> b -> (c, d -> e)`. */
export function vertexName(vertex: Pick<ExecVertex, 'operators'>, numbers: ReadonlyMap<string, number>): string {
  const from = (operator: OperatorSpec): string => {
    const own = shortName(operator, numbers.get(operator.id)!);
    const rest = readersOf(vertex, operator.id).map(from);
    if (rest.length === 0) return own;
    return rest.length === 1 ? `${own} -> ${rest[0]}` : `${own} -> (${rest.join(', ')})`;
  };
  return cut(readersOf(vertex, null).map(from).join(', '));
}

/** Whether rows come to the vertex over an exchange that counts as an operator. */
export function readsShuffled({ edges }: Pick<ExecPlan, 'edges'>, vertexId: string): boolean {
  return edges.some((edge) => edge.targetVertex === vertexId && edge.exchange.kind !== 'FORWARD');
}

/** Operators counted from 1 in the order of the plan; an exchange counts too, as in Flink. */
export function numberOperators(
  vertices: readonly Pick<ExecVertex, 'operators'>[],
  shuffled: (vertex: number) => boolean,
): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 1;
  vertices.forEach((vertex, i) => {
    if (shuffled(i)) next++;
    for (const operator of vertex.operators) numbers.set(operator.id, next++);
  });
  return numbers;
}
