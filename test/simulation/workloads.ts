// The jobs that are simulated, and what each must have written in the end: reckoned here by other means than the engine's operators.
import type { CellValue } from '../../engine/columnar/batch.ts';
import { datagenSource } from '../../engine/connectors/datagen.ts';
import { readAll, readerContext } from '../../engine/connectors/testing.ts';
import type { TableSpec } from '../../engine/plan/exec-plan.ts';
import { sqlType } from '../../engine/plan/types.ts';

export const OUTPUT = '/out';
export const SENSORS = 5;
/** Event time per row and per window, milliseconds. */
const STEP = 100;
const WINDOW = 1_000;

export interface Workload {
  name: string;
  /** The script for a job that writes to `output`. */
  sql: (rows: number, rate: number, output: string) => string;
  /** True: lines are changes, which begin with the kind of row. */
  changes: boolean;
  /** The lines in the end, sorted; for changes: of the table that they amount to, without kinds. */
  expected: (rows: Reading[]) => string[];
}

interface Reading {
  n: number;
  sensor: number;
  amount: number;
}

const source = (rows: number, rate: number): string => `
CREATE TABLE readings (
  n BIGINT, sensor INT, amount BIGINT,
  seen AS TO_TIMESTAMP_LTZ(n * ${STEP}, 3), WATERMARK FOR seen AS seen
) WITH (
  'connector' = 'datagen', 'rows-per-second' = '${rate}', 'seed' = '7',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${rows - 1}',
  'fields.sensor.min' = '0', 'fields.sensor.max' = '${SENSORS - 1}',
  'fields.amount.min' = '1', 'fields.amount.max' = '1000'
);`;

const sink = (connector: string, columns: string, output: string): string =>
  `CREATE TABLE results (${columns}) WITH ('connector' = '${connector}', 'path' = '${output}', 'format' = 'csv');`;

const windowed = `TABLE(TUMBLE(TABLE readings, DESCRIPTOR(seen), INTERVAL '1' SECOND))`;

const windows: Workload = {
  name: 'windows',
  sql: (rows, rate, output) => `${source(rows, rate)}
${sink('filesystem', 'sensor INT, first_n BIGINT, readings BIGINT, total BIGINT', output)}
INSERT INTO results SELECT sensor, MIN(n), COUNT(*), SUM(amount) FROM ${windowed} GROUP BY window_start, window_end, sensor;`,
  changes: false,
  expected: (rows) =>
    [...windowTotals(rows)].map((one) => [one.sensor, one.first, one.count, one.total].join(',')).sort(),
};

const groups: Workload = {
  name: 'groups',
  sql: (rows, rate, output) => `${source(rows, rate)}
${sink('ledger', 'sensor INT, readings BIGINT, total BIGINT, greatest BIGINT', output)}
INSERT INTO results SELECT sensor, COUNT(*), SUM(amount), MAX(n) FROM readings GROUP BY sensor;`,
  changes: true,
  expected: (rows) => {
    const totals = new Map<number, { count: number; total: number; greatest: number }>();
    for (const { n, sensor, amount } of rows) {
      const group = totals.get(sensor) ?? { count: 0, total: 0, greatest: 0 };
      group.count++;
      group.total += amount;
      group.greatest = Math.max(group.greatest, n);
      totals.set(sensor, group);
    }
    return [...totals].map(([sensor, { count, total, greatest }]) => [sensor, count, total, greatest].join(',')).sort();
  },
};

/** Two exchanges: windows by one key, and groups of their results by another. */
const chain: Workload = {
  name: 'chain',
  sql: (rows, rate, output) => `${source(rows, rate)}
${sink('ledger', 'parity INT, windows BIGINT, readings BIGINT, greatest BIGINT', output)}
INSERT INTO results SELECT parity, COUNT(*), SUM(readings), MAX(total) FROM (
  SELECT MOD(sensor, 2) AS parity, COUNT(*) AS readings, SUM(amount) AS total FROM ${windowed} GROUP BY window_start, window_end, sensor
) GROUP BY parity;`,
  changes: true,
  expected: (rows) => {
    const totals = new Map<number, { windows: number; readings: number; greatest: number }>();
    for (const { sensor, count, total } of windowTotals(rows)) {
      const group = totals.get(sensor % 2) ?? { windows: 0, readings: 0, greatest: 0 };
      group.windows++;
      group.readings += count;
      group.greatest = Math.max(group.greatest, total);
      totals.set(sensor % 2, group);
    }
    return [...totals]
      .map(([parity, group]) => [parity, group.windows, group.readings, group.greatest].join(','))
      .sort();
  },
};

/** Rows of two streams of different width: they go round robin to those that write them, so that who reads a row depends on more than the row. */
const union: Workload = {
  name: 'union',
  sql: (rows, rate, output) => `${source(rows, rate)}
${sink('filesystem', 'sensor INT, number BIGINT', output)}
INSERT INTO results SELECT sensor, n FROM readings WHERE amount > 300 UNION ALL SELECT CAST(-1 AS INT), COUNT(*) FROM readings;`,
  changes: false,
  expected: (rows) =>
    [`-1,${rows.length}`, ...rows.filter(({ amount }) => amount > 300).map(({ sensor, n }) => `${sensor},${n}`)].sort(),
};

/** Those in front can also run as streams. */
export const WORKLOADS: readonly Workload[] = [windows, groups, chain, union];
export const STREAMS = 3;

function windowTotals(rows: Reading[]): Iterable<{ sensor: number; first: number; count: number; total: number }> {
  const totals = new Map<string, { sensor: number; first: number; count: number; total: number }>();
  for (const { n, sensor, amount } of rows) {
    const key = `${Math.floor((n * STEP) / WINDOW)}/${sensor}`;
    const window = totals.get(key) ?? { sensor, first: n, count: 0, total: 0 };
    window.count++;
    window.total += amount;
    totals.set(key, window);
  }
  return totals.values();
}

const expectations = new Map<string, string[]>();

/** What `workload` over so many rows comes to. Reads the rows from the source itself. */
export async function expectedLines(workload: Workload, rows: number): Promise<string[]> {
  const key = `${workload.name}/${rows}`;
  let lines = expectations.get(key);
  if (lines === undefined) expectations.set(key, (lines = workload.expected(await readings(rows))));
  return lines;
}

async function readings(rows: number): Promise<Reading[]> {
  const options = Object.fromEntries(
    [...source(rows, 1_000_000).matchAll(/'([^']+)' = '([^']+)'/g)].map((match) => [match[1]!, match[2]!]),
  );
  const table: TableSpec = {
    name: 'readings',
    connector: 'datagen',
    options,
    schema: [
      { name: 'n', type: sqlType.bigint() },
      { name: 'sensor', type: sqlType.int() },
      { name: 'amount', type: sqlType.bigint() },
    ],
  };
  let time = 0;
  const reader = datagenSource.createReader(readerContext(table, { monotonic: () => (time += 1_000) }));
  const found = readAll(reader, await datagenSource.discoverSplits(table));
  reader.close();
  return found.map(([n, sensor, amount]: CellValue[]) => ({
    n: Number(n),
    sensor: Number(sensor),
    amount: Number(amount),
  }));
}
