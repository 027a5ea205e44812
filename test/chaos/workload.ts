// A job whose every output row is known beforehand: windows, single rows and totals over generated input, at any parallelism.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareRows, isEqual, type Comparison, type Row } from '../demo/compare.ts';
import { readJsonRows } from '../demo/results.ts';

const KEYS = 20;
/** Event time between two rows, and of a window, milliseconds. */
const STEP = 100;
const WINDOW = 60_000;

/** `files`: CSV replayed in time order by one reader. `generator`: several readers at once, so that barriers meet in several channels. */
export type WorkloadSource = 'files' | 'generator';

export interface WorkloadOptions {
  source: WorkloadSource;
  rows: number;
  rowsPerSecond: number;
}

export class Workload {
  readonly options: WorkloadOptions;
  private readonly folder: string;

  /** `folder` is made, and gets the input when it comes from files. */
  constructor(folder: string, options: WorkloadOptions) {
    this.folder = folder;
    this.options = options;
    if (options.source === 'files') this.writeInput();
  }

  /** `out` is where `windows` and `single` are written; `version` stands in every single row, so that an upgrade shows. */
  sql(out: string, version = 1): string {
    const table = (name: string): string =>
      `WITH ('connector' = 'filesystem', 'path' = '${join(out, name)}', 'format' = 'json')`;
    return `${this.sourceSql()}
CREATE TABLE windows (k STRING, first_id BIGINT, last_id BIGINT, n BIGINT, total BIGINT) ${table('windows')};
CREATE TABLE single (id BIGINT, v BIGINT, version INT) ${table('single')};
CREATE TABLE totals (k STRING, n BIGINT, total BIGINT) WITH ('connector' = 'print', 'print-identifier' = 'totals');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO windows SELECT k, MIN(id), MAX(id), COUNT(*), SUM(v)
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
  INSERT INTO single SELECT id, v, ${version} FROM events WHERE v < 500;
  INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;
END;
`;
  }

  /** What is wrong with the files that a reader sees, when the job has ended. Empty: every row is there once. */
  problems(out: string): string[] {
    return [
      ...problem('windows', compareRows(this.windows(), readJsonRows(join(out, 'windows')), ['k', 'first_id'])),
      ...problem('single', compareRows(this.single(), readJsonRows(join(out, 'single')), ['id'])),
    ];
  }

  /**
   * What is wrong with the totals that TaskManagers printed to their logs. A print sink repeats after a failure what it had printed, but the
   * state behind it is exact: the last count of each key is its number of rows, and no count ever goes beyond it.
   */
  totalsProblems(logFolder: string): string[] {
    const printed = new Map<string, { n: number; total: number }>();
    for (const name of readdirSync(logFolder).filter((file) => file.endsWith('.log')))
      for (const match of readFileSync(join(logFolder, name), 'utf8').matchAll(
        /^totals[^>]*> \+[IU]\[(k\d+), (\d+), (\d+)\]$/gm,
      )) {
        const [k, n, total] = [match[1]!, Number(match[2]), Number(match[3])];
        if (n > (printed.get(k)?.n ?? 0)) printed.set(k, { n, total });
      }
    const wanted = new Map<string, { n: number; total: number }>();
    for (const { k, v } of this.events()) {
      const entry = wanted.get(k) ?? { n: 0, total: 0 };
      wanted.set(k, { n: entry.n + 1, total: entry.total + v });
    }
    return [...wanted].flatMap(([k, want]) => {
      const found = printed.get(k);
      return found?.n === want.n && found.total === want.total
        ? []
        : [`totals: ${k} is ${JSON.stringify(found ?? null)} instead of ${JSON.stringify(want)}`];
    });
  }

  private windows(): Row[] {
    const groups = new Map<string, { k: string; first_id: number; last_id: number; n: number; total: number }>();
    for (const { id, k, v } of this.events()) {
      const key = `${Math.floor((id * STEP) / WINDOW)} ${k}`;
      const group = groups.get(key) ?? { k, first_id: id, last_id: id, n: 0, total: 0 };
      groups.set(key, { ...group, last_id: id, n: group.n + 1, total: group.total + v });
    }
    return [...groups.values()];
  }

  private single(): Row[] {
    return [...this.events()].filter(({ v }) => v < 500).map(({ id, v }) => ({ id, v }));
  }

  private *events(): Generator<{ id: number; k: string; v: number }> {
    for (let id = 0; id < this.options.rows; id++) yield { id, k: `k${(id * 7) % KEYS}`, v: (id * 31) % 1000 };
  }

  private writeInput(): void {
    const lines = [...this.events()].map(
      ({ id, k, v }) => `${id},${k},${v},${new Date(id * STEP).toISOString().replace('T', ' ').slice(0, 23)}`,
    );
    mkdirSync(this.input, { recursive: true });
    if (existsSync(join(this.input, 'part-0.csv'))) return;
    const third = Math.ceil(lines.length / 3);
    for (let file = 0; file < 3; file++)
      writeFileSync(
        join(this.input, `part-${file}.csv`),
        `${lines.slice(file * third, (file + 1) * third).join('\n')}\n`,
      );
  }

  private get input(): string {
    return join(this.folder, `input-${this.options.rows}`);
  }

  private sourceSql(): string {
    const { source, rows, rowsPerSecond } = this.options;
    if (source === 'files')
      return `CREATE TABLE events (id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = '${this.input}', 'format' = 'csv', 'replay.rate' = '${rowsPerSecond}');`;
    return `CREATE TABLE events (id BIGINT, k AS CONCAT('k', CAST(MOD(id * 7, ${KEYS}) AS STRING)), v AS MOD(id * 31, 1000),
  ts AS TO_TIMESTAMP_LTZ(id * ${STEP}, 3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'datagen', 'rows-per-second' = '${rowsPerSecond}', 'fields.id.kind' = 'sequence',
    'fields.id.start' = '0', 'fields.id.end' = '${rows - 1}');`;
  }
}

/** The tables that readers see below `out`, for the auditor. */
export const tablesIn = (out: string): { folder: string; key: string[] }[] => [
  { folder: join(out, 'windows'), key: ['k', 'first_id'] },
  { folder: join(out, 'single'), key: ['id'] },
];

function problem(table: string, comparison: Comparison): string[] {
  if (isEqual(comparison)) return [];
  const { expected, actual, equal, missing, duplicated, different, unexpected } = comparison;
  const first = [...missing, ...duplicated, ...unexpected, ...different].slice(0, 3).join('; ');
  return [
    `${table}: ${equal} of ${expected} rows equal, ${actual} written; ${missing.length} missing, ${duplicated.length} doubled, ` +
      `${unexpected.length} unexpected, ${different.length} different (${first})`,
  ];
}
