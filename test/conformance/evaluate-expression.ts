// One SQL expression over the table of expression-table.ts by our own planner and operators, in the form in which Flink's answers are recorded.
import { parseDate, parseTime, parseTimestamp } from '../../engine/codegen/runtime/time.ts';
import type { CellValue } from '../../engine/columnar/batch.ts';
import { EngineError } from '../../engine/errors.ts';
import { planScript } from '../../engine/plan/plan-script.ts';
import { operator, operators, run } from '../../engine/plan/plans.fixture.ts';
import { typeToString, type SqlType } from '../../engine/plan/types.ts';
import { AGGREGATE_QUERIES, COLUMNS, ROWS, SCALAR_QUERY, type RecordedExpression } from './expression-table.ts';

const TABLE = `CREATE TABLE t (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')}) WITH ('connector' = 'filesystem');`;
const CELLS = ROWS.map((row) => row.map((text, i) => (text === null ? null : cellOf(text, COLUMNS[i]![1]))));

function cellOf(text: string, type: string): CellValue {
  if (type === 'BOOLEAN') return text === 'true';
  if (type === 'BIGINT') return BigInt(text);
  if (type.startsWith('DECIMAL')) return BigInt(text.replace('.', ''));
  if (type === 'DATE') return parseDate(text);
  if (type === 'TIME') return parseTime(text);
  if (type.startsWith('TIMESTAMP')) return parseTimestamp(text);
  return /INT|FLOAT|DOUBLE/.test(type) ? Number(text) : text;
}

/** Our answer to what Flink was asked in `section`. */
export function evaluate(section: string, sql: string): RecordedExpression & { code?: string } {
  const answer: RecordedExpression = { section, sql };
  const queries = section === 'aggregates' ? AGGREGATE_QUERIES : [SCALAR_QUERY];
  try {
    for (const [i, query] of queries.entries()) {
      const planned = planScript(`${TABLE}\n${query([sql])}`, {
        mode: 'BATCH',
        parallelism: 1,
        jobName: 'expressions',
        describeSource: () => ({ boundedness: 'BOUNDED', maxParallelism: 1 }),
        describeSink: () => undefined,
      });
      const sink = operator(planned, 'Sink');
      const schema = operators(planned).find(({ id }) => id === sink.input)?.outputSchema ?? sink.outputSchema;
      const type = schema[1]!.type;
      if (i === 0) answer.type = typeToString(type);
      if (i === 2) answer.groupedType = typeToString(type);
      answer.values ??= [];
      try {
        const rows = run(planned, { t: CELLS })['query_result'] ?? [];
        rows.sort((a, b) => order(a[0]!) - order(b[0]!));
        answer.values.push(...rows.map((row) => textOf(row[1]!, type)));
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        answer.fails = error.message;
      }
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { section, sql, refused: error.message, code: error.code };
  }
  if (answer.fails !== undefined) delete answer.values;
  return answer;
}

function order(key: CellValue): number {
  return key === null ? -1 : Number(key);
}

/** A value as text: numbers and strings as they are, times as milliseconds. */
function textOf(value: CellValue, type: SqlType): string | null {
  if (value === null) return null;
  if (type.root !== 'DECIMAL') return String(value);
  const scale = type.scale ?? 0;
  const digits = String(BigInt(value) < 0n ? -BigInt(value) : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${BigInt(value) < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
}

/** Whether our `actual` is the value that Flink wrote as `recorded`. Functions of DOUBLE may differ in the last bits, as Java's own do. */
export function sameValue(recorded: string | null, actual: string | null, type: string): boolean {
  if (recorded === null || actual === null) return recorded === actual;
  const [root] = /^\w+/.exec(type)!;
  if (root === 'DATE') return Date.parse(`${recorded}T00:00:00Z`) === Number(actual) * 86_400_000;
  if (root === 'TIME') return Date.parse(`1970-01-01T${recorded}Z`) === Number(actual);
  if (root.startsWith('TIMESTAMP')) return Date.parse(`${recorded.replace(/Z$/, '')}Z`) === Number(actual);
  if (root === 'DECIMAL') return plain(recorded) === plain(actual);
  if (root !== 'DOUBLE' && root !== 'FLOAT') return recorded === actual;
  const [a, b] = [recorded, actual].map((text) => (root === 'FLOAT' ? Math.fround(Number(text)) : Number(text))) as [
    number,
    number,
  ];
  return Object.is(a, b) || a === b || Math.abs(a - b) <= Math.abs(a) * 4e-16;
}

/** A decimal number without an exponent and without zeros that say nothing. */
export function plain(decimal: string): string {
  const [mantissa = '', exponent = '0'] = decimal.split('E');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = Number(exponent);
  const digits = shift >= 0 ? whole + fraction.padEnd(shift, '0') : whole + fraction;
  const places = shift >= 0 ? Math.max(0, fraction.length - shift) : fraction.length - shift;
  const negative = digits.startsWith('-');
  const padded = digits.replace('-', '').padStart(places + 1, '0');
  const text = `${padded.slice(0, padded.length - places)}.${padded.slice(padded.length - places)}`;
  const short = text.replace(/^0+(?=\d)/, '').replace(/\.?0*$/, '');
  return negative && short !== '0' ? `-${short}` : short;
}
