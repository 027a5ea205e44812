// Flink's rules for types: families, the common type of several, results of arithmetic, and which casts are legal.
//
// Sources: LogicalTypeCasts and LogicalTypeMerging of flink-table-common; Calcite's ReturnTypes where those leave off. DECIMALs come out with the
// precision that Flink gives them: whoever uses one checks that it is no more than MAX_DECIMAL_PRECISION.
import { STRING_LENGTH, sqlType, type SqlType, type TypeRoot } from './types.ts';

/** A DECIMAL is held in 64 bits. Flink's limit is 38. */
export const MAX_DECIMAL_PRECISION = 18;

/** Fractional digits of a second that are held. Flink's limit is 9. */
export const MAX_TIME_PRECISION = 3;

const INTEGERS: Partial<Record<TypeRoot, number>> = { TINYINT: 3, SMALLINT: 5, INT: 10, BIGINT: 19 };
const INTEGER_ORDER: TypeRoot[] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT'];

export const isInteger = (type: SqlType): boolean => INTEGERS[type.root] !== undefined;
export const isApproximate = (type: SqlType): boolean => type.root === 'FLOAT' || type.root === 'DOUBLE';
export const isNumeric = (type: SqlType): boolean => isInteger(type) || isApproximate(type) || type.root === 'DECIMAL';
export const isText = (type: SqlType): boolean => type.root === 'CHAR' || type.root === 'VARCHAR';
export const isTimestamp = (type: SqlType): boolean => type.root === 'TIMESTAMP' || type.root === 'TIMESTAMP_LTZ';
export const isTemporal = (type: SqlType): boolean => isTimestamp(type) || type.root === 'DATE' || type.root === 'TIME';
export const isInterval = (type: SqlType): boolean =>
  type.root === 'INTERVAL_DAY_TIME' || type.root === 'INTERVAL_YEAR_MONTH';

/** Whether a column of this type can be an event time. */
export function isTimeAttribute(type: SqlType): boolean {
  return isTimestamp(type) && (type.precision ?? 6) <= MAX_TIME_PRECISION;
}

export function nullable(type: SqlType, isNullable: boolean): SqlType {
  return type.nullable === isNullable ? type : { ...type, nullable: isNullable };
}

/** Equal but for nullability. */
export function sameType(a: SqlType, b: SqlType): boolean {
  return (
    a.root === b.root &&
    (a.length ?? 1) === (b.length ?? 1) &&
    (a.precision ?? -1) === (b.precision ?? -1) &&
    (a.scale ?? 0) === (b.scale ?? 0)
  );
}

/** A number's type as DECIMAL: exact for integers. */
function asDecimal(type: SqlType): { precision: number; scale: number } {
  const digits = INTEGERS[type.root];
  return digits === undefined
    ? { precision: type.precision ?? 10, scale: type.scale ?? 0 }
    : { precision: digits, scale: 0 };
}

function decimalOf(precision: number, scale: number, isNullable: boolean): SqlType {
  return { root: 'DECIMAL', precision, scale, nullable: isNullable };
}

/**
 * The type that values of all `types` can have (Flink's LogicalTypeMerging.findCommonType), nullable when any is; null when there is none. NULL
 * literals go with everything.
 */
export function commonType(types: readonly SqlType[]): SqlType | null {
  const anyNull = types.some((type) => type.nullable);
  const known = types.filter((type) => type.root !== 'NULL');
  const [first] = known;
  if (first === undefined) return types[0] ?? null;
  if (known.every((type) => sameType(type, first))) return nullable(first, anyNull);
  if (known.every(isNumeric)) return commonNumber(known, anyNull);
  if (known.every(isText))
    return { root: 'VARCHAR', length: Math.max(...known.map((type) => type.length ?? 1)), nullable: anyNull };
  if (known.every((type) => type.root === first.root))
    return { ...first, precision: Math.max(...known.map((type) => type.precision ?? 0)), nullable: anyNull };
  return null;
}

function commonNumber(types: SqlType[], anyNull: boolean): SqlType {
  if (types.some((type) => type.root === 'DOUBLE')) return sqlType.double(anyNull);
  if (types.some((type) => type.root === 'FLOAT'))
    return { root: types.some((type) => type.root === 'DECIMAL') ? 'DOUBLE' : 'FLOAT', nullable: anyNull };
  if (types.every(isInteger)) {
    const widest = Math.max(...types.map((type) => INTEGER_ORDER.indexOf(type.root)));
    return { root: INTEGER_ORDER[widest]!, nullable: anyNull };
  }
  const decimals = types.map(asDecimal);
  const scale = Math.max(...decimals.map((type) => type.scale));
  return decimalOf(Math.max(...decimals.map((type) => type.precision - type.scale)) + scale, scale, anyNull);
}

/** Result of `a op b` for two numbers, Flink's LogicalTypeMerging.find*DecimalType for DECIMAL. `%` has the type of its second operand. */
export function arithmeticType(op: '+' | '-' | '*' | '/' | '%', a: SqlType, b: SqlType): SqlType {
  const anyNull = a.nullable || b.nullable;
  const decimal = !isApproximate(a) && !isApproximate(b) && (a.root === 'DECIMAL' || b.root === 'DECIMAL');
  if (!decimal) {
    if (op === '%' && isInteger(a) && isInteger(b)) return nullable(b, anyNull);
    // Between FLOAT and DOUBLE the left operand decides.
    if (isApproximate(a) && isApproximate(b)) return { root: a.root, nullable: anyNull };
    return commonNumber([a, b], anyNull);
  }
  const [{ precision: p1, scale: s1 }, { precision: p2, scale: s2 }] = [asDecimal(a), asDecimal(b)];
  switch (op) {
    case '+':
    case '-': {
      const scale = Math.max(s1, s2);
      return decimalOf(Math.max(p1 - s1, p2 - s2) + scale + 1, scale, anyNull);
    }
    case '*':
      // Flink's has a digit to spare, which is given up where it alone would be too many.
      return decimalOf(p1 + p2 === MAX_DECIMAL_PRECISION ? p1 + p2 : p1 + p2 + 1, s1 + s2, anyNull);
    case '/': {
      const scale = Math.max(6, s1 + p2 + 1);
      return decimalOf(p1 - s1 + s2 + scale, scale, anyNull);
    }
    case '%': {
      const scale = Math.max(s1, s2);
      return decimalOf(Math.min(p1 - s1, p2 - s2) + scale, scale, anyNull);
    }
  }
}

/** ROUND and TRUNCATE of a DECIMAL to `digits` places: LogicalTypeMerging.findRoundDecimalType. `digits` null: not known before the row is. */
export function roundType(type: SqlType, digits: number | null): SqlType {
  if (type.root !== 'DECIMAL' || digits === null) return type;
  const { precision, scale } = asDecimal(type);
  if (digits >= scale) return type;
  if (digits < 0) return decimalOf(precision - scale + 1, 0, type.nullable);
  return decimalOf(1 + precision - scale + digits, digits, type.nullable);
}

/** A text that is no longer than one of `type`. */
export function partOf(type: SqlType): SqlType {
  return { root: 'VARCHAR', length: type.length ?? 1, nullable: type.nullable };
}

/** Two texts one after the other. */
export function concatType(types: readonly SqlType[]): SqlType {
  const length = types.reduce((sum, type) => sum + (type.length ?? 1), 0);
  const anyNull = types.some((type) => type.nullable);
  return length >= STRING_LENGTH || types.some((type) => type.length === STRING_LENGTH)
    ? sqlType.string(anyNull)
    : { root: types.every((type) => type.root === 'CHAR') ? 'CHAR' : 'VARCHAR', length, nullable: anyNull };
}

/** Whether INSERT and UNION may convert without a CAST being written: LogicalTypeCasts.supportsImplicitCast. Nullability aside. */
export function canAssign(from: SqlType, to: SqlType): boolean {
  if (from.root === 'NULL' || from.root === to.root) return true;
  switch (to.root) {
    case 'VARCHAR':
      return from.root === 'CHAR';
    case 'DECIMAL':
    case 'DOUBLE':
      return isNumeric(from);
    case 'FLOAT':
      return isInteger(from) || from.root === 'DECIMAL';
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      return isInteger(from) && INTEGER_ORDER.indexOf(from.root) < INTEGER_ORDER.indexOf(to.root);
    case 'DATE':
    case 'TIME':
      return from.root === 'TIMESTAMP';
    case 'TIMESTAMP':
      return from.root === 'TIMESTAMP_LTZ';
    case 'TIMESTAMP_LTZ':
      return from.root === 'TIMESTAMP';
    default:
      return false;
  }
}

/** Whether CAST(from AS to) is legal: LogicalTypeCasts.supportsExplicitCast, without what cannot be done exactly (numbers as times). */
export function canCast(from: SqlType, to: SqlType): boolean {
  if (from.root === 'NULL' || from.root === to.root || isText(to)) return true;
  if (isText(from)) return !isInterval(to);
  if (isNumeric(from) || from.root === 'BOOLEAN') return isNumeric(to) || (to.root === 'BOOLEAN' && isInteger(from));
  if (isTimestamp(from)) return isTemporal(to);
  if (from.root === 'DATE') return isTimestamp(to);
  return false;
}

/** Whether values of the two types may be compared, and by < and > too. */
export function comparable(a: SqlType, b: SqlType): boolean {
  if (a.root === 'NULL' || b.root === 'NULL') return true;
  return commonType([a, b]) !== null;
}

/** SUM(x): LogicalTypeMerging.findSumAggType, with 38 digits cut to what is held. */
export function sumType(type: SqlType): SqlType {
  return type.root === 'DECIMAL' ? decimalOf(MAX_DECIMAL_PRECISION, type.scale ?? 0, type.nullable) : type;
}

/** AVG(x): LogicalTypeMerging.findAvgAggType, with 38 digits cut to what is held. */
export function avgType(type: SqlType): SqlType {
  return type.root === 'DECIMAL' ? decimalOf(MAX_DECIMAL_PRECISION, Math.max(6, type.scale ?? 0), type.nullable) : type;
}

/** The type in which SUM and AVG add up: wide enough that AVG of small integers is right, as in Flink's IntAvgAggFunction. */
export function accumulationType(type: SqlType): SqlType {
  if (isInteger(type)) return sqlType.bigint(type.nullable);
  if (isApproximate(type)) return sqlType.double(type.nullable);
  return sumType(type);
}
