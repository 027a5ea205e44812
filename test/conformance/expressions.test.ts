// Our planner and generated code against what Apache Flink answered to the same expressions: the type of each, and its value for every row.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate, sameValue } from './evaluate-expression.ts';
import { EXCEPTIONS, type Answer, type Aspect, type Exception } from './expression-exceptions.ts';
import type { RecordedExpression } from './expression-table.ts';

const FIXTURE = join(__dirname, '../fixtures/flink-2.3/expressions.json');
const { expressions } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { expressions: RecordedExpression[] };
const sections = [...new Set(expressions.map(({ section }) => section))];

interface Difference {
  aspect: Aspect;
  flink: RecordedExpression;
  ours: Answer;
  /** Rows that differ. */
  rows: number[];
  text: string;
}

/** How our answers differ from Flink's. */
function compare(flink: RecordedExpression): Difference[] {
  const ours = evaluate(flink.section, flink.sql);
  const differs = (aspect: Aspect, text: string, rows: number[] = []): Difference => {
    return { aspect, flink, ours, rows, text: `${flink.sql}: ${text}` };
  };
  const found: Difference[] = [];
  const [types, ownTypes] = [flink, ours].map(({ type, groupedType }) => [type, groupedType].join(' '));
  if (flink.type !== undefined && ours.type !== undefined && types !== ownTypes)
    found.push(differs('type', `${types}, ours ${ownTypes}`));
  const [no, ownNo] = [flink.refused ?? flink.fails, ours.refused ?? ours.fails];
  if (no !== undefined && ownNo !== undefined) return found;
  if (no !== undefined)
    return [...found, differs('leniency', `Flink refuses: ${no}, ours ${JSON.stringify(ours.values)}`)];
  if (ownNo !== undefined) return [...found, differs('refusal', `we refuse: ${ownNo}`)];
  const rows = flink.values!.flatMap((value, i) => (sameValue(value, ours.values![i] ?? null, flink.type!) ? [] : [i]));
  if (rows.length > 0 || flink.values!.length !== ours.values!.length)
    found.push(differs('value', `${JSON.stringify(flink.values)}, ours ${JSON.stringify(ours.values)}`, rows));
  return found;
}

const isExcepted = ({ aspect, flink, ours, rows }: Difference, exception: Exception): boolean =>
  exception.aspect === aspect &&
  exception.matches(flink, ours) &&
  (exception.rows === undefined || rows.every((row) => exception.rows!.includes(row)));

const differences = expressions.flatMap(compare);

test.each(sections)('%s: types and values are those of Flink', (section) => {
  const unexplained = differences
    .filter(({ flink }) => flink.section === section)
    .filter((difference) => !EXCEPTIONS.some((exception) => isExcepted(difference, exception)));
  expect(unexplained.map(({ aspect, text }) => `${aspect} ${text}`)).toEqual([]);
});

test('every exception is needed', () => {
  const idle = EXCEPTIONS.filter((exception) => !differences.some((difference) => isExcepted(difference, exception)));
  expect(idle.map(({ reason }) => reason)).toEqual([]);
});
