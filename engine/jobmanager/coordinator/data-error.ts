// Failures that the data causes: trying again meets the same rows. Flink's ThrowableType.NonRecoverableError.
import type { ErrorCode } from '../../error-codes.ts';

const DATA_ERRORS: ReadonlySet<string> = new Set<ErrorCode>([
  'CSV_BAD_ROW',
  'CSV_UNWRITABLE',
  'JSON_BAD_ROW',
  'ROW_TOO_LONG',
  'PARQUET_CORRUPT',
  'PARQUET_SCHEMA',
  'SINK_INSERT_ONLY',
  'CAST_FAILED',
  'DIVISION_BY_ZERO',
  'DECIMAL_OVERFLOW',
  'DATE_PATTERN',
  'TIME_UNIT',
  'LIKE_ESCAPE',
  'REGEX_UNSUPPORTED',
  'ROWTIME_NULL',
]);

/**
 * True for the code of a TaskError that running the same task on the same input brings again. A batch fails at once with it. A stream follows its restart
 * strategy all the same, as in Flink: between its tries the file may be mended.
 */
export function isDataError(code: string): boolean {
  return DATA_ERRORS.has(code);
}
