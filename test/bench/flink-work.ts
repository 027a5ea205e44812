// The same streaming job on both engines, each as a JobManager and a TaskManager with two slots on this machine: rows per second, and CPU per million rows.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureFlink } from '../flink/distribution.ts';
import { FlinkCluster } from '../flink/session-cluster.ts';
import { generateBids } from './bids.ts';
import { cpuSeconds, runEmbedded } from './embedded.ts';
import { median } from './report.ts';

export interface Work {
  rowsPerSecond: number;
  cpuPerMillionRows: number;
}

const SLOTS = 2;

const script = (path: string): string => `SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, \`dateTime\` TIMESTAMP(3), extra STRING
) WITH ('connector' = 'filesystem', 'path' = '${path}', 'format' = 'csv');
CREATE TABLE sink (bidder BIGINT, bids BIGINT, total BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO sink SELECT bidder, COUNT(*), SUM(price) FROM bid GROUP BY bidder;
`;

/** Medians over the rounds, the engines in turn; a first round that warms the JVM does not count. CPU of the TaskManager alone. */
export async function workOfBoth(rows: number, rounds: number): Promise<Record<'flink' | 'embedded', Work>> {
  const home = await ensureFlink(console.log);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'flowjob');
  mkdirSync(cache, { recursive: true });
  const sql = script(resolve(generateBids(cache, rows, 42).csv));
  const work = mkdtempSync(join(tmpdir(), 'flowjob-flink-'));
  const seen = { flink: [] as [number, number][], embedded: [] as [number, number][] };
  try {
    const file = join(work, 'job.sql');
    writeFileSync(file, sql);
    const cluster = await FlinkCluster.start(home, join(work, 'flink'), SLOTS);
    try {
      for (let round = 0; round <= rounds; round++) {
        const before = cpuSeconds(cluster.taskManagers[0]!.pid!);
        const { state, duration } = await cluster.runSql(file, SLOTS);
        if (state !== 'FINISHED') throw new Error(`Flink ended the job as ${state}`);
        if (round > 0) seen.flink.push([duration, cpuSeconds(cluster.taskManagers[0]!.pid!) - before]);
        const folder = mkdtempSync(join(work, 'embedded-'));
        const config = { 'taskmanager.memory.process.size': '4g' };
        const own = await runEmbedded(folder, { sql, slots: SLOTS, mode: 'STREAMING', config });
        if (own.state !== 'FINISHED') throw new Error(`the embedded engine ended the job as ${own.state}`);
        if (round > 0) seen.embedded.push([own.duration, own.taskManagerCpu]);
      }
    } finally {
      await cluster.stop();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const of = (runs: [number, number][]): Work => ({
    rowsPerSecond: (rows / median(runs.map(([duration]) => duration))) * 1000,
    cpuPerMillionRows: (median(runs.map(([, cpu]) => cpu)) / rows) * 1e6,
  });
  return { flink: of(seen.flink), embedded: of(seen.embedded) };
}
