// The job of the state benchmark: a GROUP BY whose state is of a wanted size, the same text for the embedded engine and for Flink.
//
// Each key is a row of five BIGINTs in the state, about 48 bytes as the embedded engine writes it. Rows come from datagen. With `skew` the keys follow a
// power law: key = keys * u^16 for u uniform in [0, 1), so that the first hundredth of the keys takes three quarters of the rows. Only the options of the
// tables differ between jobs, so that each can go on from the savepoint of any other.

/** Bytes of state per key, as the embedded engine reports it. */
const BYTES_PER_KEY = 48;

export interface Workload {
  keys: number;
  skew: boolean;
  rowsPerSecond: number;
  /** `print`: about one changed row of a hundred becomes a line of the TaskManager's output. */
  sink: 'blackhole' | 'print';
  /** Settings of the job. */
  settings: Record<string, string>;
}

/** Faster than either engine: the source sets no pace. */
export const UNTHROTTLED = 1_000_000_000;

export function keysFor(mebibytes: number): number {
  return Math.round((mebibytes * 2 ** 20) / BYTES_PER_KEY);
}

export function script({ keys, skew, rowsPerSecond, sink, settings }: Workload): string {
  // Flink's datagen wants min < max.
  const exponent = skew ? 16 : 1;
  return `${Object.entries(settings)
    .map(([key, value]) => `SET '${key}' = '${value}';\n`)
    .join('')}CREATE TABLE events (u DOUBLE, e DOUBLE, v BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '${rowsPerSecond}',
  'fields.u.min' = '0', 'fields.u.max' = '1', 'fields.e.min' = '${exponent}', 'fields.e.max' = '${exponent}.000001',
  'fields.v.min' = '0', 'fields.v.max' = '999999');
CREATE TABLE changes (k BIGINT, n BIGINT, total BIGINT, least BIGINT, greatest BIGINT) WITH ('connector' = '${sink}');
INSERT INTO changes SELECT k, n, total, least, greatest FROM (
  SELECT k, COUNT(*) AS n, SUM(v) AS total, MIN(v) AS least, MAX(v) AS greatest
  FROM (SELECT CAST(${keys} * POWER(u, e) AS BIGINT) AS k, v FROM events) GROUP BY k
) WHERE MOD(total, 101) = 0;
`;
}
