// The table over which SQL expressions are compared with Flink's: one column of each type, rows of ordinary values, limits, NULLs and zeros.

export const COLUMNS: readonly [name: string, type: string][] = [
  ['id', 'INT NOT NULL'],
  ['b', 'BOOLEAN'],
  ['ti', 'TINYINT'],
  ['si', 'SMALLINT'],
  ['i', 'INT'],
  ['l', 'BIGINT'],
  ['f', 'FLOAT'],
  ['d', 'DOUBLE'],
  ['n', 'DECIMAL(8, 2)'],
  ['m', 'DECIMAL(4, 3)'],
  ['s', 'STRING'],
  ['v', 'VARCHAR(10)'],
  ['dt', 'DATE'],
  ['tm', 'TIME'],
  ['ts', 'TIMESTAMP(3)'],
  ['lz', 'TIMESTAMP_LTZ(3)'],
];

/** Values as CSV would have them: null is NULL. BIGINT as text, as JavaScript's numbers do not hold it. */
export const ROWS: readonly (string | null)[][] = [
  [
    '1',
    'true',
    '7',
    '300',
    '42',
    '5000000000',
    '1.5',
    '2.25',
    '1234.56',
    '1.250',
    'Hello, World',
    'abc',
    '2024-02-29',
    '10:20:30',
    '2024-02-29 10:20:30.456',
    '2024-02-29 10:20:30.456',
  ],
  [
    '2',
    'false',
    '-128',
    '-32768',
    '-2147483648',
    '-9223372036854775808',
    '-0.1',
    '-1.0E10',
    '-999999.99',
    '-9.999',
    'ünï 😀x',
    '  pad ',
    '1969-12-31',
    '23:59:59',
    '1969-12-31 23:59:59.999',
    '1969-12-31 23:59:59.999',
  ],
  ['3', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null],
  [
    '4',
    'true',
    '127',
    '32767',
    '2147483647',
    '9223372036854775807',
    '3.0E38',
    '1.0E300',
    '999999.99',
    '9.999',
    '',
    '',
    '2023-12-31',
    '00:00:00',
    '2023-12-31 23:00:00.000',
    '2023-12-31 23:00:00.000',
  ],
  [
    '5',
    'false',
    '0',
    '0',
    '0',
    '0',
    '0.0',
    '0.0',
    '0.00',
    '0.000',
    '42',
    '12.5',
    '2024-01-01',
    '12:00:00',
    '2024-01-01 00:00:00.000',
    '2024-01-01 00:00:00.000',
  ],
  [
    '6',
    'true',
    '-3',
    '12',
    '-7',
    '10',
    '0.125',
    '-2.5',
    '-0.50',
    '0.001',
    'a%b_c',
    '2024-05-31',
    '2024-05-31',
    '06:07:08',
    '2024-05-31 06:07:08.090',
    '2024-05-31 06:07:08.090',
  ],
];

const select = (expressions: readonly string[]): string => expressions.map((sql, i) => `${sql} AS x${i}`).join(', ');

/** A row for each row of the table, by its id. */
export const SCALAR_QUERY = (expressions: readonly string[]): string => `SELECT id AS k, ${select(expressions)} FROM t`;

/** How aggregates are asked for: over all rows, over none, and by groups, which are NULL, FALSE and TRUE. */
export const AGGREGATE_QUERIES = [
  (expressions: readonly string[]): string => `SELECT 0 AS k, ${select(expressions)} FROM t`,
  (expressions: readonly string[]): string => `SELECT 0 AS k, ${select(expressions)} FROM t WHERE id < 0`,
  (expressions: readonly string[]): string => `SELECT b AS k, ${select(expressions)} FROM t GROUP BY b`,
] as const;

/** What Flink answered to one expression. */
export interface RecordedExpression {
  section: string;
  sql: string;
  /** As DESCRIBE prints it, for example `DECIMAL(11, 2) NOT NULL`; absent when Flink refuses the expression. */
  type?: string;
  /** Aggregates only: the type in a query with GROUP BY. */
  groupedType?: string;
  /** For each row of the table, or for an aggregate: over all, over none, over each group. Numbers are text, times in ISO form. */
  values?: (string | null)[];
  /** Flink plans the expression, and some row makes the job fail: its message. */
  fails?: string;
  /** Flink does not plan the expression: its message. */
  refused?: string;
}
