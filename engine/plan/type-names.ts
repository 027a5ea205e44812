// Types as written in SQL to the types of columns, with Flink's defaults; what the engine cannot hold is refused here.
import type { TypeName } from '../sql/ast.ts';
import { unsupported, type Fail } from './plan-error.ts';
import { MAX_DECIMAL_PRECISION, MAX_TIME_PRECISION } from './type-rules.ts';
import { sqlType, STRING_LENGTH, type SqlType, type TypeRoot } from './types.ts';

const PLAIN: Record<string, TypeRoot> = {
  BOOLEAN: 'BOOLEAN',
  TINYINT: 'TINYINT',
  SMALLINT: 'SMALLINT',
  INT: 'INT',
  INTEGER: 'INT',
  BIGINT: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  DATE: 'DATE',
};

/** @throws EngineError SQL_TYPE for numbers out of range, SQL_UNSUPPORTED for types that columns cannot have */
export function resolveType(type: TypeName, fail: Fail): SqlType {
  const { name, nullable, span } = type;
  const [first, second] = type.parameters;
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
  if (plain !== undefined) return { root: plain, nullable };
  switch (name) {
    case 'STRING':
      return sqlType.string(nullable);
    case 'CHAR':
    case 'VARCHAR': {
      const length = first ?? 1;
      if (length < 1 || length > STRING_LENGTH)
        throw fail('SQL_TYPE', span, `${name}(${length}): the length is not from 1 to ${STRING_LENGTH}`);
      return { root: name, length, nullable };
    }
    case 'DEC':
    case 'NUMERIC':
    case 'DECIMAL':
      return decimal(first ?? 10, second ?? 0, type, fail);
    case 'TIME':
      return { root: 'TIME', precision: fraction(first ?? 0, type, fail), nullable };
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return { root: name, precision: fraction(first ?? 6, type, fail), nullable };
    default:
      throw unsupported(
        fail,
        span,
        `the type ${name}`,
        'use BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, CHAR, VARCHAR, STRING, DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ',
      );
  }
}

function decimal(precision: number, scale: number, type: TypeName, fail: Fail): SqlType {
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
    throw fail(
      'SQL_TYPE',
      type.span,
      `DECIMAL(${precision}, ${scale}) does not exist`,
      'the precision is from 1 to 38, the scale from 0 to the precision',
    );
  if (precision > MAX_DECIMAL_PRECISION)
    throw unsupported(
      fail,
      type.span,
      `DECIMAL(${precision}, ${scale}), which has more than ${MAX_DECIMAL_PRECISION} digits,`,
      `use DECIMAL(${MAX_DECIMAL_PRECISION}, ${Math.min(scale, MAX_DECIMAL_PRECISION)}) or DOUBLE`,
    );
  return sqlType.decimal(precision, scale, type.nullable);
}

function fraction(digits: number, type: TypeName, fail: Fail): number {
  if (digits > 9)
    throw fail('SQL_TYPE', type.span, `${type.name}(${digits}) does not exist`, 'the precision is from 0 to 9');
  if (digits <= MAX_TIME_PRECISION) return digits;
  const written =
    type.parameters.length === 0 ? `${type.name}, which is ${type.name}(${digits}),` : `${type.name}(${digits})`;
  throw unsupported(
    fail,
    type.span,
    written,
    `times are held to the millisecond: write ${type.name}(${MAX_TIME_PRECISION})`,
  );
}
