// SQL types and schemas, and how each type is held in memory.

export type TypeRoot =
  | 'NULL'
  | 'BOOLEAN'
  | 'TINYINT'
  | 'SMALLINT'
  | 'INT'
  | 'BIGINT'
  | 'FLOAT'
  | 'DOUBLE'
  | 'DECIMAL'
  | 'CHAR'
  | 'VARCHAR'
  | 'DATE'
  | 'TIME'
  | 'TIMESTAMP'
  | 'TIMESTAMP_LTZ'
  | 'INTERVAL_DAY_TIME'
  | 'INTERVAL_YEAR_MONTH';

/** A logical type as in Flink SQL. STRING is VARCHAR(2147483647). */
export interface SqlType {
  root: TypeRoot;
  nullable: boolean;
  /** CHAR, VARCHAR: length in characters. */
  length?: number;
  /** DECIMAL: digits in all; TIME, TIMESTAMP*: fractional digits of the second. */
  precision?: number;
  /** DECIMAL: digits after the point. */
  scale?: number;
}

export interface Field {
  name: string;
  type: SqlType;
}

/** Columns in order. */
export type Schema = Field[];

/**
 * How a column's values are stored:
 * - `u8`: BOOLEAN as 0 or 1
 * - `i32`: TINYINT, SMALLINT, INT; DATE as days since the epoch; TIME as milliseconds of the day; INTERVAL_YEAR_MONTH as months
 * - `i64`: BIGINT; DECIMAL(p <= 18) as the unscaled value; INTERVAL_DAY_TIME as milliseconds
 * - `f32`: FLOAT, `f64`: DOUBLE; TIMESTAMP(p <= 3) and TIMESTAMP_LTZ(p <= 3) as whole milliseconds since the epoch
 * - `str`: CHAR and VARCHAR as dictionary entries in UTF-8
 */
export type Physical = 'u8' | 'i32' | 'i64' | 'f32' | 'f64' | 'str';

const physicalOf: Record<TypeRoot, Physical> = {
  NULL: 'u8',
  BOOLEAN: 'u8',
  TINYINT: 'i32',
  SMALLINT: 'i32',
  INT: 'i32',
  BIGINT: 'i64',
  FLOAT: 'f32',
  DOUBLE: 'f64',
  DECIMAL: 'i64',
  CHAR: 'str',
  VARCHAR: 'str',
  DATE: 'i32',
  TIME: 'i32',
  TIMESTAMP: 'f64',
  TIMESTAMP_LTZ: 'f64',
  INTERVAL_DAY_TIME: 'i64',
  INTERVAL_YEAR_MONTH: 'i32',
};

/** The storage form of a type. */
export function physical(type: SqlType): Physical {
  return physicalOf[type.root];
}

export const STRING_LENGTH = 2147483647;

export const sqlType = {
  boolean: (nullable = true): SqlType => ({ root: 'BOOLEAN', nullable }),
  int: (nullable = true): SqlType => ({ root: 'INT', nullable }),
  bigint: (nullable = true): SqlType => ({ root: 'BIGINT', nullable }),
  double: (nullable = true): SqlType => ({ root: 'DOUBLE', nullable }),
  string: (nullable = true): SqlType => ({ root: 'VARCHAR', length: STRING_LENGTH, nullable }),
  decimal: (precision: number, scale: number, nullable = true): SqlType => ({
    root: 'DECIMAL',
    precision,
    scale,
    nullable,
  }),
  timestamp: (precision = 3, nullable = true): SqlType => ({ root: 'TIMESTAMP', precision, nullable }),
  date: (nullable = true): SqlType => ({ root: 'DATE', nullable }),
};

/** The type as SQL text, as Flink prints it: `BIGINT`, `STRING`, `TIMESTAMP(3) NOT NULL`. */
export function typeToString(type: SqlType): string {
  const suffix = type.nullable ? '' : ' NOT NULL';
  switch (type.root) {
    case 'VARCHAR':
      return (type.length === STRING_LENGTH ? 'STRING' : `VARCHAR(${type.length ?? 1})`) + suffix;
    case 'CHAR':
      return `CHAR(${type.length ?? 1})` + suffix;
    case 'DECIMAL':
      return `DECIMAL(${type.precision ?? 10}, ${type.scale ?? 0})` + suffix;
    case 'TIME':
      return `TIME(${type.precision ?? 0})` + suffix;
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return `${type.root}(${type.precision ?? 6})` + suffix;
    case 'INTERVAL_DAY_TIME':
      return 'INTERVAL DAY TO SECOND(3)' + suffix;
    case 'INTERVAL_YEAR_MONTH':
      return 'INTERVAL YEAR TO MONTH' + suffix;
    default:
      return type.root + suffix;
  }
}
