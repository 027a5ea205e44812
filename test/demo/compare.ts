// Compares what a stream wrote with what a batch wrote for the same windows: every row, every column that both have.

export type Row = Record<string, string | number | null>;

export interface Comparison {
  /** Rows of the batch run: what must be there. */
  expected: number;
  /** Rows of the stream. */
  actual: number;
  equal: number;
  /** Keys that only the batch has, only the stream has, or the stream has twice; and rows that differ. Empty when all is well. */
  missing: string[];
  unexpected: string[];
  duplicated: string[];
  different: string[];
  /** Rows that lack a column which the batch has: written by the version before the upgrade. */
  withoutNewColumns: number;
}

/** `keys` identify a row. A column that the stream's row does not have (it was written before the upgrade) is not compared. */
export function compareRows(expected: Row[], actual: Row[], keys: string[]): Comparison {
  const keyOf = (row: Row): string => keys.map((key) => String(row[key])).join(' | ');
  const wanted = new Map(expected.map((row) => [keyOf(row), row]));
  const result: Comparison = {
    expected: expected.length,
    actual: actual.length,
    equal: 0,
    missing: [],
    unexpected: [],
    duplicated: [],
    different: [],
    withoutNewColumns: 0,
  };
  if (wanted.size !== expected.length) throw new Error('the batch run itself has two rows with one key');
  const seen = new Set<string>();
  for (const row of actual) {
    const key = keyOf(row);
    const want = wanted.get(key);
    if (seen.has(key)) result.duplicated.push(key);
    seen.add(key);
    if (want === undefined) {
      result.unexpected.push(key);
      continue;
    }
    const columns = Object.keys(want).filter((column) => column in row);
    if (columns.length < Object.keys(want).length) result.withoutNewColumns++;
    const wrong = columns.filter((column) => row[column] !== want[column]);
    if (wrong.length === 0) result.equal++;
    else
      result.different.push(
        `${key}: ${wrong.map((column) => `${column} ${row[column]} instead of ${want[column]}`).join(', ')}`,
      );
  }
  result.missing = [...wanted.keys()].filter((key) => !seen.has(key));
  return result;
}

/** True when the stream wrote exactly the batch's rows, each once. */
export function isEqual(comparison: Comparison): boolean {
  const { missing, unexpected, duplicated, different, expected, equal } = comparison;
  return (
    missing.length + unexpected.length + duplicated.length + different.length === 0 &&
    equal === expected &&
    expected > 0
  );
}
