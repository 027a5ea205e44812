// Where our answers to SQL expressions differ from Flink's on purpose, and why.
import type { RecordedExpression } from './expression-table.ts';

export type Answer = RecordedExpression & { code?: string };

/** `refusal`: Flink answers, we refuse. `leniency`: we answer, Flink refuses or fails. `type`, `value`: both answer. */
export type Aspect = 'refusal' | 'leniency' | 'type' | 'value';

export interface Exception {
  reason: string;
  aspect: Aspect;
  matches: (flink: RecordedExpression, ours: Answer) => boolean;
  /** Values: only these rows differ (numbered from 0). */
  rows?: number[];
}

const sql =
  (pattern: RegExp) =>
  (flink: RecordedExpression): boolean =>
    pattern.test(flink.sql);

export const EXCEPTIONS: Exception[] = [
  {
    reason: 'a TIME is not brought to days or more, where Flink takes its milliseconds for days',
    aspect: 'refusal',
    matches: (_flink, ours) => /a TIME has no/.test(ours.refused ?? ''),
  },
  {
    reason: 'DECIMALs of more than 18 digits are refused',
    aspect: 'refusal',
    matches: (_flink, ours) => /more than 18 digits/.test(ours.refused ?? ''),
  },
  {
    reason: 'functions outside of the catalogue are refused',
    aspect: 'refusal',
    matches: (_flink, ours) => ours.code === 'SQL_UNKNOWN_FUNCTION' || /SIMILAR|SPLIT_INDEX\('a,b', 44/.test(ours.sql),
  },
  {
    reason: 'units and pattern letters outside of the reference are refused',
    aspect: 'refusal',
    matches: (_flink, ours) =>
      ours.code === 'DATE_PATTERN' || /the unit \w+ of \w+ is not supported/.test(ours.refused ?? ''),
  },
  {
    reason: 'a wrong regular expression is refused when it is planned; with Flink it gives NULL',
    aspect: 'refusal',
    matches: (_flink, ours) => ours.code === 'REGEX_UNSUPPORTED',
  },
  {
    reason: 'CASTs between floating numbers and BOOLEAN, and from TIME to TIMESTAMP, are refused',
    aspect: 'refusal',
    matches: sql(/^(TRY_)?CAST\(([fdn] AS BOOLEAN|(tm|TIME .*) AS TIMESTAMP)/),
  },
  {
    reason: 'TIMESTAMP beside TIMESTAMP_LTZ, and a time beside a string column, want a CAST',
    aspect: 'refusal',
    matches: sql(/^(ts <?= lz|lz > TIMESTAMP.*|dt = s|ts = s|CASE WHEN b THEN ts ELSE lz END)$/),
  },
  {
    reason: 'numbers and BOOLEANs beside strings want a CAST: with most types Flink plans them and then fails',
    aspect: 'refusal',
    matches: sql(/^(b = 'true'|i > '5'|i IN \('42', '0'\))$/),
  },
  {
    reason:
      'rare syntax is refused: months added to a TIME, products of INTERVALs, a bare UNKNOWN, an epoch as DECIMAL or in microseconds',
    aspect: 'refusal',
    matches: sql(
      /^(tm \+ INTERVAL .*|.*INTERVAL '1' DAY \* 2|UNKNOWN|TO_TIMESTAMP_LTZ\((1\.5, 0|100, 6)\)|.*ESCAPE '!!')$/,
    ),
  },
  {
    reason: 'an untyped NULL takes the type that fits',
    aspect: 'leniency',
    matches: (flink) =>
      /NULL/.test(flink.sql) &&
      /Illegal use of 'NULL'|casting from NULL|'LIKE'/.test(flink.refused ?? flink.fails ?? ''),
  },
  {
    reason: 'the Java code that Flink makes of these does not compile, or throws on great numbers',
    aspect: 'leniency',
    matches: ({ fails = '' }) =>
      /Assignment conversion|No applicable constructor|DecimalData\.scale|Underflow/.test(fails),
  },
  {
    reason: 'midnight as 24:00 cannot be written by Flink',
    aspect: 'leniency',
    matches: sql(/^CEIL\(tm TO (HOUR|MINUTE)\)$/),
  },
  {
    reason: 'divisions of constants fail in the planner of Flink: of columns they give Infinity',
    aspect: 'leniency',
    matches: sql(/^(1E0 \/ 0|CAST\(1E0 \/ 0 AS STRING\))$/),
  },
  {
    reason: 'a constant that overflows its DECIMAL is NULL; Flink calls it NOT NULL and fails to write it',
    aspect: 'type',
    matches: sql(/^CAST\(1000 AS DECIMAL\(3, 0\)\)$/),
  },
  {
    reason: 'a constant that overflows its DECIMAL is NULL; Flink calls it NOT NULL and fails to write it',
    aspect: 'leniency',
    matches: sql(/^CAST\(1000 AS DECIMAL\(3, 0\)\)$/),
  },
  {
    reason: 'an integer literal counts its own digits where the result would have more than 18',
    aspect: 'type',
    matches: sql(/^n \* [23]$/),
  },
  {
    reason: 'sums and means of DECIMALs have 18 digits instead of 38',
    aspect: 'type',
    matches: ({ section, type }) => section === 'aggregates' && type!.startsWith('DECIMAL(38'),
  },
  {
    reason: 'an aggregate of a group is nullable in its schema, even over what is not',
    aspect: 'type',
    matches: ({ type, groupedType }, ours) =>
      groupedType === `${type} NOT NULL` && ours.type === type && ours.groupedType === type,
  },
  {
    reason: 'TIMESTAMP holds three digits of the second',
    aspect: 'type',
    matches: ({ type }) => type === 'TIMESTAMP(6)',
  },
  {
    reason: 'LPAD and RPAD give NULL for a negative length, and say so in their type',
    aspect: 'type',
    matches: sql(/^[LR]PAD\(/),
  },
  {
    reason:
      'before 1970 Flink cuts times to the day and to the second toward zero: a millisecond before 1970 is 1 January 1970',
    aspect: 'value',
    matches: sql(/\b(ts|lz)\b/),
    rows: [1],
  },
  {
    reason:
      'a DATE has no seconds and is its own day; Flink takes the seconds from the number of the day, and rounds up to the next one',
    aspect: 'value',
    matches: sql(/^(EXTRACT\(SECOND FROM dt\)|SECOND\(dt\)|CEIL\(dt TO DAY\))$/),
  },
  {
    reason:
      'AVG of integers adds up in 64 bits; Flink in batch mode adds up in the type of the column, which overflows',
    aspect: 'value',
    matches: sql(/^AVG\((ti|si|i)\)$/),
    rows: [4],
  },
  {
    reason:
      'constants as the planner of Flink folds them: without the rounding of FLOAT, NaN equal to itself, CHAR cut to the length of its literal',
    aspect: 'value',
    matches: sql(
      /^(CAST\(CAST\(0\.1 AS FLOAT\) AS DOUBLE\)|CAST\('NaN' .* = .*|UPPER\('straße'\)|LOWER\('İ'\)|'😀' > .*)$/,
    ),
  },
  {
    reason:
      'rounded to digits that a column gives, a DECIMAL keeps its place; Flink forgets the scale and gives 12 for 1200',
    aspect: 'value',
    matches: sql(/^(ROUND|TRUNCATE)\(n, id - 3\)$/),
    rows: [0, 1, 3],
  },
  {
    reason: 'Flink casts 0.5 to INT and finds 0 IN (0.5)',
    aspect: 'value',
    matches: sql(/^i IN \(42\.0, 0\.5\)$/),
  },
  {
    reason: 'shortest digits of a DOUBLE, as Java prints them since version 19',
    aspect: 'value',
    matches: sql(/^CAST\(1E23 AS STRING\)$/),
  },
  {
    reason: 'text that TO_DATE cannot read is NULL; Flink makes a date of the least BIGINT',
    aspect: 'value',
    matches: sql(/^TO_DATE\('x', 'yyyy'\)$/),
  },
];
