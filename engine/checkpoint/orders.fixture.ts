// What the recorded savepoints must hold, reckoned from their input by plain loops that know nothing of the engine but the names of columns.
import { readFileSync } from 'node:fs';

export type Value = string | number | bigint | boolean | null;
type Row = Record<string, Value>;

const DAY = 86_400_000;
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / DAY;
const time = (text: string): number => Date.parse(`1970-01-01T${text}Z`);
const instant = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);
const cents = (text: string): bigint => BigInt(text.replace('.', ''));

/** Columns of orders.csv in order, and how each is read. */
const COLUMNS: [string, (text: string) => Value][] = [
  ['id', BigInt],
  ['customer', String],
  ['code', String],
  ['amount', cents],
  ['qty', Number],
  ['small', Number],
  ['rate', Number],
  ['ratio', Number],
  ['paid', (text) => text === 'true'],
  ['placed', day],
  ['at_time', time],
  ['shift', instant],
  ['ts', instant],
];
/** Accumulated as BIGINT. */
const WIDENED = new Set(['qty', 'small']);

/** The first `bytes` bytes of orders.csv, which end with a row. */
export function orders(file: string, bytes = Infinity): Row[] {
  const text = readFileSync(file).subarray(0, bytes).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const fields = line.match(/"[^"]*"|[^,]+/g)!;
      return Object.fromEntries(
        COLUMNS.map(([name, parse], i) => {
          const field = fields[i]!;
          return [name, field === 'NULL' ? null : parse(field.replaceAll('"', ''))];
        }),
      );
    });
}

/** Rows of the table of numbers from `from` up to `to`. */
export function ticks(from: number, to: number): Row[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => ({
    n: BigInt(from + i),
    $f0: (from + i) % 5,
  }));
}

/** One aggregate by its name in state: `sum(qty) filter (paid)`. */
function aggregate(name: string, rows: Row[]): Value {
  const [, fn, column, filter] = /^(\w+)\(([\w*]+)\)(?: filter \((\w+)\))?$/.exec(name)!;
  const kept = filter === undefined ? rows : rows.filter((row) => row[filter] === true);
  if (column === '*') return BigInt(kept.length);
  const values = kept.map((row) => row[column!]!).filter((value) => value !== null);
  if (fn === 'count') return BigInt(values.length);
  if (values.length === 0) return null;
  if (fn === 'sum') {
    const exact = WIDENED.has(column!) || typeof values[0] === 'bigint';
    return exact
      ? values.reduce((sum: bigint, value) => sum + BigInt(value), 0n)
      : values.reduce((sum: number, value) => sum + Number(value), 0);
  }
  const smaller = (a: Value, b: Value): boolean =>
    typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) < 0 : a! < b!;
  return values.reduce((best, value) => (smaller(value, best) === (fn === 'min') ? value : best));
}

/** A row of state as text. */
export const rowText = (cells: readonly Value[]): string =>
  JSON.stringify(cells.map((value) => (typeof value === 'bigint' ? `${value}n` : value)));

/** State of GROUP BY: keys and accumulators by their names, one text per group, sorted. `window`: tumbling, those that end after `after`. */
export function stateOf(
  rows: Row[],
  keys: string[],
  accumulators: string[],
  window: { size: number; after: number } | null,
): string[] {
  const groups = new Map<string, { key: Value[]; end: number; rows: Row[] }>();
  for (const row of rows) {
    const end = window === null ? 0 : Math.floor(Number(row['ts']) / window.size) * window.size + window.size;
    if (window !== null && end - 1 <= window.after) continue;
    const key = keys.map((name) => row[name]!);
    const text = rowText([...key, end]);
    const group = groups.get(text) ?? { key, end, rows: [] };
    group.rows.push(row);
    groups.set(text, group);
  }
  return [...groups.values()]
    .map(({ key, end, rows: of }) =>
      rowText([...key, ...accumulators.map((name) => aggregate(name, of)), ...(window === null ? [] : [end])]),
    )
    .sort();
}
