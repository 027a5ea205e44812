// The scalar functions that SQL text may call: their operands and results. Names of the right column are those of functions.ts.
import type { FunctionName } from './functions.ts';
import {
  isApproximate,
  isInteger,
  isNumeric,
  isTemporal,
  isText,
  isTimestamp,
  nullable,
  partOf,
  roundType,
} from './type-rules.ts';
import { sqlType, type SqlType } from './types.ts';

/** What an operand may be. `to` is the type to which it is cast when it has not got it; null leaves it as it is. */
export interface Parameter {
  name: string;
  accepts: (type: SqlType) => boolean;
  to: SqlType | null;
}

export interface Signature {
  fn: FunctionName;
  parameters: Parameter[];
  /** Operands that must be given; the others are optional. */
  required: number;
  /** The last parameter may be repeated. */
  variadic?: boolean;
  /** All operands are brought to their common type. */
  common?: boolean;
  /** Type of the result from those of the operands; `literals` are their values where they are constants. */
  result: (types: SqlType[], literals: (string | number | null)[]) => SqlType;
  /** False: the result's own nullability stands. Else it is nullable as soon as an operand is. */
  strict?: boolean;
}

const parameter = (name: string, accepts: (type: SqlType) => boolean, to: SqlType | null = null): Parameter => ({
  name,
  accepts,
  to,
});
const any = parameter('value', () => true);
const text = parameter('string', isText);
const number = parameter('number', isNumeric);
const double = parameter('number', isNumeric, sqlType.double());
const integer = parameter('integer', isInteger, sqlType.int());
const long = parameter('integer', isInteger, sqlType.bigint());
const temporal = parameter('time', isTemporal);
/** A unit of time, which the parser hands over as a string literal. */
const unit = parameter('unit', (type) => type.root === 'CHAR');

const first = (types: SqlType[]): SqlType => types[0]!;
const string = (): SqlType => sqlType.string(false);
const nullableString = (): SqlType => sqlType.string(true);
const toDouble = (): SqlType => sqlType.double(false);
const toInt = (): SqlType => sqlType.int(false);
const toBigint = (): SqlType => sqlType.bigint(false);

function of(
  fn: FunctionName,
  parameters: Parameter[],
  result: Signature['result'],
  more: Partial<Omit<Signature, 'fn' | 'parameters' | 'result'>> = {},
): Signature {
  return { fn, parameters, result, required: parameters.length, ...more };
}

const math = (fn: FunctionName): Signature => of(fn, [double], toDouble);
const rounding = (fn: FunctionName): Signature =>
  of(
    fn,
    [number, integer],
    (types, [, digits]) =>
      roundType(first(types), types.length === 1 ? 0 : digits === null || digits === undefined ? null : Number(digits)),
    {
      required: 1,
    },
  );
const whole = (fn: FunctionName): Signature =>
  of(fn, [number], ([type]) => (type!.root === 'DECIMAL' ? sqlType.decimal(type!.precision!, 0, false) : type!));
const extreme = (fn: FunctionName): Signature => of(fn, [any], first, { variadic: true, common: true });
const trimming = (fn: FunctionName): Signature => of(fn, [text, text], ([type]) => partOf(type!), { required: 1 });
/** A piece of a text that may be asked for in vain. */
const piece = ([type]: SqlType[]): SqlType => nullable(partOf(type!), true);
const padding = (fn: FunctionName): Signature => of(fn, [text, integer, text], nullableString);
const niladic = (fn: FunctionName, type: SqlType): Signature => of(fn, [], () => type);

/** A DATE that hours are added to is a TIMESTAMP. Flink gives it six digits of the second, of which we hold three. */
const addedType: Signature['result'] = ([, , type], [unitName]) =>
  type!.root === 'DATE' && ['HOUR', 'MINUTE', 'SECOND'].includes(String(unitName))
    ? sqlType.timestamp(3, false)
    : type!;

const timestampOrText = parameter('time', (type) => isTimestamp(type) || isText(type));
const numberOrText = parameter('epoch or string', (type) => isInteger(type) || isApproximate(type) || isText(type));

/** By the name in the text. Several names may mean one function. */
export const SIGNATURES: Record<string, Signature> = {
  COALESCE: of(
    'COALESCE',
    [any],
    (types) =>
      nullable(
        first(types),
        types.every((type) => type.nullable),
      ),
    {
      variadic: true,
      common: true,
      strict: false,
    },
  ),
  IFNULL: of(
    'COALESCE',
    [any, any],
    (types) =>
      nullable(
        first(types),
        types.every((type) => type.nullable),
      ),
    {
      common: true,
      strict: false,
    },
  ),
  GREATEST: extreme('GREATEST'),
  LEAST: extreme('LEAST'),
  ABS: of('ABS', [number], first),
  FLOOR: whole('FLOOR'),
  CEIL: whole('CEIL'),
  ROUND: rounding('ROUND'),
  TRUNCATE: rounding('TRUNCATE'),
  POWER: of('POWER', [double, double], toDouble),
  SQRT: math('SQRT'),
  EXP: math('EXP'),
  LN: math('LN'),
  LOG10: math('LOG10'),
  SIGN: of('SIGN', [number], first),
  UPPER: of('UPPER', [text], first),
  LOWER: of('LOWER', [text], first),
  TRIM: trimming('TRIM'),
  LTRIM: trimming('LTRIM'),
  BTRIM: of('TRIM', [text, text], string, { required: 1 }),
  RTRIM: trimming('RTRIM'),
  CHAR_LENGTH: of('CHAR_LENGTH', [text], toInt),
  CHARACTER_LENGTH: of('CHAR_LENGTH', [text], toInt),
  SUBSTRING: of('SUBSTRING', [text, integer, integer], piece, { required: 2 }),
  SUBSTR: of('SUBSTRING', [text, integer, integer], piece, { required: 2 }),
  POSITION: of('POSITION', [text, text], toInt),
  REPLACE: of('REPLACE', [text, text, text], string),
  CONCAT: of('CONCAT', [text], string, { variadic: true }),
  CONCAT_WS: of('CONCAT_WS', [text, text], (types) => sqlType.string(types.some((type) => type.nullable)), {
    variadic: true,
    strict: false,
  }),
  LPAD: padding('LPAD'),
  RPAD: padding('RPAD'),
  REVERSE: of('REVERSE', [text], nullableString),
  LEFT: of('LEFT', [text, integer], piece),
  RIGHT: of('RIGHT', [text, integer], piece),
  SPLIT_INDEX: of('SPLIT_INDEX', [text, text, integer], nullableString),
  REGEXP_REPLACE: of('REGEXP_REPLACE', [text, text, text], string),
  REGEXP_EXTRACT: of('REGEXP_EXTRACT', [text, text, integer], nullableString, { required: 2 }),
  DATE_FORMAT: of('DATE_FORMAT', [timestampOrText, text], nullableString),
  TO_TIMESTAMP: of('TO_TIMESTAMP', [text, text], () => sqlType.timestamp(3), { required: 1 }),
  TO_TIMESTAMP_LTZ: of(
    'TO_TIMESTAMP_LTZ',
    [numberOrText, any],
    () => ({ root: 'TIMESTAMP_LTZ', precision: 3, nullable: true }),
    { required: 1 },
  ),
  TO_DATE: of('TO_DATE', [text, text], () => sqlType.date(), { required: 1 }),
  UNIX_TIMESTAMP: of('UNIX_TIMESTAMP', [text, text], toBigint, { required: 0 }),
  FROM_UNIXTIME: of('FROM_UNIXTIME', [long, text], nullableString, { required: 1 }),
  TIMESTAMPADD: of('TIMESTAMPADD', [unit, integer, temporal], addedType),
  TIMESTAMPDIFF: of('TIMESTAMPDIFF', [unit, temporal, temporal], toInt),
  EXTRACT: of('EXTRACT', [unit, temporal], toBigint),
  FLOOR_TIME: of('FLOOR_TIME', [temporal, unit], first),
  CEIL_TIME: of('CEIL_TIME', [temporal, unit], first),
  CURRENT_TIMESTAMP: niladic('CURRENT_TIMESTAMP', { root: 'TIMESTAMP_LTZ', precision: 3, nullable: false }),
  NOW: niladic('CURRENT_TIMESTAMP', { root: 'TIMESTAMP_LTZ', precision: 3, nullable: false }),
  LOCALTIMESTAMP: niladic('LOCALTIMESTAMP', sqlType.timestamp(3, false)),
  CURRENT_DATE: niladic('CURRENT_DATE', sqlType.date(false)),
};
