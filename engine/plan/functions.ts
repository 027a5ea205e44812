// The catalogue of scalar functions: names that bound expressions may call. codegen/ has an emitter for each (a test compares the lists);
// the binder knows each one's operand and result types.

/** Operators. Operands of a comparison or of arithmetic have one common type, by explicit casts of the binder, except as noted. */
export const OPERATORS = [
  // Numbers. DECIMAL operands may differ in scale. Integer division truncates; division by zero of integers and DECIMALs fails with a message.
  '+',
  '-',
  '*',
  '/',
  '%',
  'NEGATE',
  // TIMESTAMP, DATE or TIME first, then an INTERVAL; result as the first.
  'TEMPORAL_PLUS',
  'TEMPORAL_MINUS',
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  'IS DISTINCT FROM',
  'IS NOT DISTINCT FROM',
  // Three-valued logic.
  'AND',
  'OR',
  'NOT',
  'IS NULL',
  'IS NOT NULL',
  'IS TRUE',
  'IS NOT TRUE',
  'IS FALSE',
  'IS NOT FALSE',
  // operand, then literals of the operand's type.
  'IN',
  // operand, pattern [, escape].
  'LIKE',
  '||',
  // when1, then1, when2, then2, ..., else.
  'CASE',
  // One operand; the call's type is the target. CAST fails on what cannot be converted, TRY_CAST gives NULL.
  'CAST',
  'TRY_CAST',
] as const;

export const FUNCTIONS = [
  'COALESCE',
  'NULLIF',
  'IF',
  'GREATEST',
  'LEAST',
  'ABS',
  'FLOOR',
  'CEIL',
  'ROUND',
  'TRUNCATE',
  'MOD',
  'POWER',
  'SQRT',
  'EXP',
  'LN',
  'LOG10',
  'SIGN',
  'UPPER',
  'LOWER',
  'TRIM',
  'LTRIM',
  'RTRIM',
  'CHAR_LENGTH',
  'SUBSTRING',
  'POSITION',
  'REPLACE',
  'CONCAT',
  'CONCAT_WS',
  'LPAD',
  'RPAD',
  'REVERSE',
  'LEFT',
  'RIGHT',
  'SPLIT_INDEX',
  'REGEXP_REPLACE',
  'REGEXP_EXTRACT',
  // First operand the unit as a string literal: YEAR QUARTER MONTH WEEK DAY DOY DOW HOUR MINUTE SECOND EPOCH.
  'EXTRACT',
  // Temporal operand, then the unit as a string literal: FLOOR(ts TO HOUR), CEIL(ts TO DAY).
  'FLOOR_TIME',
  'CEIL_TIME',
  'DATE_FORMAT',
  'TO_TIMESTAMP',
  'TO_TIMESTAMP_LTZ',
  'TO_DATE',
  'UNIX_TIMESTAMP',
  'FROM_UNIXTIME',
  // Unit literal, amount or the two ends.
  'TIMESTAMPADD',
  'TIMESTAMPDIFF',
  'CURRENT_TIMESTAMP',
  'LOCALTIMESTAMP',
  'CURRENT_DATE',
] as const;

export type FunctionName = (typeof OPERATORS)[number] | (typeof FUNCTIONS)[number];
