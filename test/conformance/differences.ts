// What each engine makes of the jobs in which they differ, worked out by hand from the SQL and its inputs: the reason in words stands with the job, behind
// `-- differs:`. One that gets to differ in another way is told.
import { contentOf } from './job-inputs.ts';

/** The lines of its one sink, in any order; or the first line of why there are none. */
export type Outcome = { rows: string[] } | { failure: string };

export interface Difference {
  embedded: Outcome;
  flink: Outcome;
}

const inputs = <Row>(file: string): Row[] =>
  contentOf(file)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
const rows = (values: readonly object[]): Outcome => ({ rows: values.map((value) => JSON.stringify(value)) });

const customers = Array.from({ length: 10 }, (_, i) => ({
  customer: `c${i}`,
  name: `Name, ${i}`,
  city: ['Köln', 'Paris', 'Zürich'][i % 3],
}));

/** Of the texts in facts.json two are numbers; `ofLetter`: what is made of 'a'. */
const fromText = (ofLetter: number | null): Outcome =>
  rows(
    inputs<{ id: number; s: string | null }>('facts.json').map(({ id, s }) => ({
      id,
      n: s === '42' ? 42 : s === '-7.5' ? -7.5 : s === 'a' ? ofLetter : null,
    })),
  );

/** By name of the job. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'decimals-from-text': { embedded: fromText(null), flink: fromText(0) },
  'csv-quoted-null-literal': { embedded: rows([{ id: 8, s: 'n/a' }]), flink: rows([{ id: 8, s: null }]) },
  'csv-empty-fields': {
    embedded: rows([
      { id: 1, n: 10, s: 'one', d: 1.5 },
      { id: 2, n: null, s: 'two', d: null },
      { id: 3, n: 30, s: '', d: 0.25 },
    ]),
    flink: { failure: 'For input string: ""' },
  },
  'csv-header': {
    embedded: rows(customers),
    flink: rows([{ customer: 'customer', name: 'name', city: 'city' }, ...customers]),
  },
  'json-missing-field': {
    embedded: { failure: "JSON_BAD_ROW: table bad: edges.json, line 5: field n: 'null': the field is missing" },
    flink: rows([
      { id: 1, s: 'plain', n: 1.5 },
      { id: 2, s: '42', n: 2.25 },
      { id: 3, s: 'ü 😀 "quoted" \\ \n', n: null },
      { id: 4, s: '{"a":[1,2]}', n: 100 },
      { id: 6, s: null, n: null },
      { id: 8, s: '', n: 0 },
    ]),
  },
  replay: {
    embedded: rows(
      inputs<{ order_id: number | null; amount: number | null }>('payments.json').map(({ order_id, amount }) => ({
        order_id,
        amount,
      })),
    ),
    flink: { failure: "Unsupported options found for 'filesystem'." },
  },
  'datagen-of-one-value': {
    embedded: rows(Array.from({ length: 50 }, () => ({ n: 7 }))),
    flink: { failure: 'lower bound (7) must be strictly less than upper bound (7)' },
  },
  'datagen-ended-by-a-sequence': {
    embedded: { rows: ['50, 1275'] },
    flink: {
      failure:
        "Querying an unbounded table 'default_catalog.default_database.made' in batch mode is not allowed. The table source is unbounded.",
    },
  },
};
