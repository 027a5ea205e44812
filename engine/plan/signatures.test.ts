// The catalogue of functions and the signatures agree, and every function can be called from SQL and computed.
import { CALLABLE } from './bind-functions.ts';
import { FUNCTIONS } from './functions.ts';
import { batch, run } from './plans.fixture.ts';
import { SIGNATURES } from './signatures.ts';

/** Functions that the binder makes from other syntax. */
const SPECIAL = ['IF', 'MOD', 'NULLIF'];

test('every function of the catalogue has a signature, and every signature a function', () => {
  const named = new Set([...Object.values(SIGNATURES).map(({ fn }) => fn as string), ...SPECIAL]);
  expect([...named].sort()).toEqual([...FUNCTIONS].sort());
});

const AT = "TIMESTAMP '2024-02-29 10:20:30'";

/** A call of each function, and its result as text. */
const CALLS: Record<string, [string, string]> = {
  COALESCE: ['COALESCE(CAST(NULL AS INT), 2)', '2'],
  IFNULL: ['IFNULL(CAST(NULL AS INT), 2)', '2'],
  NULLIF: ['NULLIF(1, 2)', '1'],
  IF: ["IF(TRUE, 'a', 'b')", 'a'],
  GREATEST: ['GREATEST(1, 3, 2)', '3'],
  LEAST: ["LEAST('b', 'a')", 'a'],
  ABS: ['ABS(-2)', '2'],
  FLOOR: ['FLOOR(1.5)', '1'],
  CEIL: ['CEIL(1.5)', '2'],
  ROUND: ['CAST(ROUND(1.255, 2) AS STRING)', '1.26'],
  TRUNCATE: ['CAST(TRUNCATE(1.259, 2) AS STRING)', '1.25'],
  MOD: ['MOD(7, 4)', '3'],
  POWER: ['POWER(2, 10)', '1024'],
  SQRT: ['SQRT(16)', '4'],
  EXP: ['EXP(0)', '1'],
  LN: ['LN(1)', '0'],
  LOG10: ['LOG10(1000)', '3'],
  SIGN: ['SIGN(-5)', '-1'],
  UPPER: ["UPPER('aB')", 'AB'],
  LOWER: ["LOWER('aB')", 'ab'],
  TRIM: ["TRIM(BOTH 'x' FROM 'xax')", 'a'],
  BTRIM: ["BTRIM(' a ')", 'a'],
  LTRIM: ["LTRIM(' a')", 'a'],
  RTRIM: ["RTRIM('a ')", 'a'],
  CHAR_LENGTH: ["CHAR_LENGTH('abc')", '3'],
  CHARACTER_LENGTH: ["CHARACTER_LENGTH('abc')", '3'],
  SUBSTRING: ["SUBSTRING('abcd' FROM 2 FOR 2)", 'bc'],
  SUBSTR: ["SUBSTR('abcd', 2)", 'bcd'],
  POSITION: ["POSITION('c' IN 'abcd')", '3'],
  REPLACE: ["REPLACE('aba', 'a', 'x')", 'xbx'],
  CONCAT: ["CONCAT('a', 'b', 'c')", 'abc'],
  CONCAT_WS: ["CONCAT_WS('-', 'a', CAST(NULL AS STRING), 'c')", 'a-c'],
  LPAD: ["LPAD('a', 3, 'x')", 'xxa'],
  RPAD: ["RPAD('a', 3, 'x')", 'axx'],
  REVERSE: ["REVERSE('abc')", 'cba'],
  LEFT: ["LEFT('abc', 2)", 'ab'],
  RIGHT: ["RIGHT('abc', 2)", 'bc'],
  SPLIT_INDEX: ["SPLIT_INDEX('a,b,c', ',', 1)", 'b'],
  REGEXP_REPLACE: ["REGEXP_REPLACE('a1b2', '[0-9]', '')", 'ab'],
  REGEXP_EXTRACT: ["REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", 'bar'],
  EXTRACT: [`EXTRACT(YEAR FROM ${AT})`, '2024'],
  FLOOR_TIME: [`CAST(FLOOR(${AT} TO DAY) AS STRING)`, '2024-02-29 00:00:00'],
  CEIL_TIME: [`CAST(CEIL(${AT} TO DAY) AS STRING)`, '2024-03-01 00:00:00'],
  DATE_FORMAT: [`DATE_FORMAT(${AT}, 'HH:mm')`, '10:20'],
  TO_TIMESTAMP: ["CAST(TO_TIMESTAMP('2024-02-29 10:20:30') AS STRING)", '2024-02-29 10:20:30.000'],
  TO_TIMESTAMP_LTZ: ['CAST(TO_TIMESTAMP_LTZ(60, 0) AS STRING)', '1970-01-01 00:01:00.000'],
  TO_DATE: ["CAST(TO_DATE('2024-02-29') AS STRING)", '2024-02-29'],
  UNIX_TIMESTAMP: ["UNIX_TIMESTAMP('1970-01-01 00:01:00')", '60'],
  FROM_UNIXTIME: ['FROM_UNIXTIME(60)', '1970-01-01 00:01:00'],
  TIMESTAMPADD: [`CAST(TIMESTAMPADD(DAY, 1, ${AT}) AS STRING)`, '2024-03-01 10:20:30'],
  TIMESTAMPDIFF: [`TIMESTAMPDIFF(MINUTE, ${AT}, ${AT} + INTERVAL '1' HOUR)`, '60'],
  CURRENT_TIMESTAMP: ['CURRENT_TIMESTAMP IS NOT NULL', 'true'],
  NOW: ['NOW() IS NOT NULL', 'true'],
  LOCALTIMESTAMP: ['LOCALTIMESTAMP IS NOT NULL', 'true'],
  CURRENT_DATE: ['CURRENT_DATE IS NOT NULL', 'true'],
  YEAR: [`YEAR(${AT})`, '2024'],
  QUARTER: [`QUARTER(${AT})`, '1'],
  MONTH: [`MONTH(${AT})`, '2'],
  WEEK: [`WEEK(${AT})`, '9'],
  DAYOFYEAR: [`DAYOFYEAR(${AT})`, '60'],
  DAYOFMONTH: [`DAYOFMONTH(${AT})`, '29'],
  DAYOFWEEK: [`DAYOFWEEK(${AT})`, '5'],
  HOUR: [`HOUR(${AT})`, '10'],
  MINUTE: [`MINUTE(${AT})`, '20'],
  SECOND: [`SECOND(${AT})`, '30'],
};

test('every callable function has an example here', () => {
  expect(Object.keys(CALLS).sort()).toEqual([...CALLABLE]);
});

test.each(Object.values(CALLS))('%s is %s', (text, expected) => {
  const rows = run(batch(`SELECT ${text}`))['query_result']!;
  expect(String(rows[0]![0])).toBe(expected);
});
