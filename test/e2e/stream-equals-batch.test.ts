// The same SQL over the same generated data, as a stream with checkpoints and as a batch, in real processes: the same rows come out.
//
// Data, window size, parallelism and checkpoint interval are drawn from a seed that is printed; `SEED=N` repeats one run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '../bench/bids.ts';
import { runEmbedded } from '../bench/embedded.ts';
import { compareRows, isEqual } from '../demo/compare.ts';
import { readJsonRows } from '../demo/results.ts';

const base = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const seeds = process.env['SEED'] === undefined ? [0, 1, 2, 3].map((offset) => base + offset) : [base];
const work = mkdtempSync(join(tmpdir(), 'flowjob-equal-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Drawn {
  rows: string[];
  windowSeconds: number;
  disorderMs: number;
  slots: number;
  interval: string;
}

/** Rows that are out of order by at most `disorderMs`: the watermark allows for as much, so none is late. NULLs and empty strings are among them. */
function draw(seed: number): Drawn {
  const random = mulberry32(seed);
  const windowSeconds = 1 + Math.floor(random() * 120);
  const disorderMs = Math.floor(random() * 5000);
  const count = 2_000 + Math.floor(random() * 60_000);
  const keys = 1 + Math.floor(random() * 300);
  const start = Date.UTC(2026, 5, 1);
  const rows = Array.from({ length: count }, (_, row) => {
    const ts = new Date(start + row * 50 - Math.floor(random() * (disorderMs + 1))).toISOString().slice(0, 23);
    const k = random() < 0.02 ? null : `key ${Math.floor(random() * random() * keys)}`;
    const v = random() < 0.1 ? null : Math.floor((random() - 0.5) * 1e6);
    return JSON.stringify({ k, v, d: random() * 100, ts: ts.replace('T', ' ') });
  });
  return {
    rows,
    windowSeconds,
    disorderMs,
    slots: 1 + Math.floor(random() * 3),
    interval: random() < 0.5 ? '50ms' : '1s',
  };
}

const script = (drawn: Drawn, input: string, out: string): string => `
CREATE TABLE events (
  k STRING, v BIGINT, d DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '${(drawn.disorderMs / 1000).toFixed(3)}' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${input}', 'format' = 'json');
CREATE TABLE windows (w STRING, k STRING, n BIGINT, c BIGINT, s BIGINT, lo BIGINT, hi BIGINT, big BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${join(out, 'windows')}', 'format' = 'json');
CREATE TABLE positive (k STRING, v BIGINT, upper_k STRING)
  WITH ('connector' = 'filesystem', 'path' = '${join(out, 'positive')}', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO windows
    SELECT CAST(window_start AS STRING), k, COUNT(*), COUNT(v), SUM(v), MIN(v), MAX(v), COUNT(*) FILTER (WHERE d > 50)
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '${drawn.windowSeconds}' SECOND(3)))
    GROUP BY window_start, window_end, k;
  INSERT INTO positive SELECT k, v, UPPER(k) FROM events WHERE v > 0 AND k IS NOT NULL;
END;
`;

test.each(seeds)(
  'seed %i: stream and batch write the same rows',
  async (seed) => {
    const drawn = draw(seed);
    const folder = join(work, String(seed));
    mkdirSync(folder);
    writeFileSync(join(folder, 'events.json'), drawn.rows.join('\n') + '\n');
    for (const mode of ['BATCH', 'STREAMING'] as const) {
      const out = join(folder, mode);
      const sql = script(drawn, join(folder, 'events.json'), out);
      const config = { 'execution.checkpointing.interval': drawn.interval };
      const result = await runEmbedded(mkdtempSync(join(folder, 'run-')), { sql, slots: drawn.slots, mode, config });
      expect(result.state).toBe('FINISHED');
    }
    const rows = (mode: string, table: string) => readJsonRows(join(folder, mode, table));
    expect(isEqual(compareRows(rows('BATCH', 'windows'), rows('STREAMING', 'windows'), ['w', 'k']))).toBe(true);
    const sorted = (mode: string) =>
      rows(mode, 'positive')
        .map((row) => JSON.stringify(row))
        .sort();
    expect(sorted('BATCH').length).toBeGreaterThan(0);
    expect(sorted('STREAMING')).toEqual(sorted('BATCH'));
  },
  120_000,
);
