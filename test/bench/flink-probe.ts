// The early test of the engine's bet: three queries over the same bids, on Apache Flink and on the embedded engine in turn.
//
// Both run as one JobManager and one TaskManager with two slots, in streaming mode with checkpoints every second, from two files of each format into a
// blackhole. Rows per second are rows / the job's duration as each engine's REST API reports it; medians over the rounds.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generateBids } from './bids.ts';
import { runEmbedded } from './embedded.ts';
import { ensureFlink } from '../flink/distribution.ts';
import { FlinkCluster } from '../flink/session-cluster.ts';
import { median, report, type Figure } from './report.ts';

const ROWS = Number(process.env['BIDS'] ?? 5_000_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const PARALLELISM = 2;

interface Query {
  sink: string;
  select: string;
  /** For Flink alone. */
  flinkSettings?: string;
  /** Shown without a target. */
  informative?: boolean;
}

const groupBy: Query = {
  sink: 'bidder BIGINT, bids BIGINT, total BIGINT',
  select: 'SELECT bidder, COUNT(*), SUM(price) FROM bid GROUP BY bidder',
};

const queries: Record<string, Query> = {
  filter: {
    sink: 'auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3)',
    select: 'SELECT auction, bidder, price * 908 / 1000, `dateTime` FROM bid WHERE MOD(auction, 3) = 0',
  },
  groupBy,
  // The engine holds changes of a busy GROUP BY back for up to 200 ms. Flink can do the same; by default it does not.
  groupByMiniBatch: {
    ...groupBy,
    flinkSettings: `SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '200 ms';
SET 'table.exec.mini-batch.size' = '100000';
`,
    informative: true,
  },
  window: {
    sink: 'window_start TIMESTAMP(3), bidder BIGINT, bids BIGINT',
    select:
      "SELECT window_start, bidder, COUNT(*) FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))\n" +
      '  GROUP BY window_start, window_end, bidder',
  },
};

function script(query: Query, format: string, path: string, settings = ''): string {
  return `${settings}SET 'execution.checkpointing.interval' = '1s';
CREATE TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, \`dateTime\` TIMESTAMP(3), extra STRING,
  WATERMARK FOR \`dateTime\` AS \`dateTime\` - INTERVAL '4' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${path}', 'format' = '${format}');
CREATE TABLE sink (${query.sink}) WITH ('connector' = 'blackhole');
INSERT INTO sink ${query.select};
`;
}

export async function flinkProbe(): Promise<void> {
  const home = await ensureFlink(console.log);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'flowjob');
  mkdirSync(cache, { recursive: true });
  console.log(`generating ${ROWS.toLocaleString('en-US')} bids as CSV and JSON ...`);
  const files = generateBids(cache, ROWS, 42);
  const work = mkdtempSync(join(tmpdir(), 'flowjob-probe-'));
  const rates = new Map<string, { flink: number[]; embedded: number[]; memory: number[] }>();
  try {
    const cluster = await FlinkCluster.start(home, join(work, 'flink'), PARALLELISM);
    try {
      // One short job first: a JVM that has run nothing yet is not what anybody measures.
      await runFlink(cluster, work, 'filter', 'csv', generateBids(cache, 200_000, 42).csv);
      for (let round = 1; round <= ROUNDS; round++) {
        for (const format of ['json', 'csv'] as const) {
          for (const name of Object.keys(queries)) {
            const flink = await runFlink(cluster, work, name, format, files[format]);
            const folder = mkdtempSync(join(work, 'embedded-'));
            const sql = script(queries[name]!, format, resolve(files[format]));
            const config = { 'taskmanager.memory.process.size': '4g' };
            const own = await runEmbedded(folder, { sql, slots: PARALLELISM, mode: 'STREAMING', config });
            if (own.state !== 'FINISHED')
              throw new Error(`${name} on ${format} ended ${own.state}; logs are in ${folder}`);
            rmSync(folder, { recursive: true, force: true });
            const entry = rates.get(`${name} ${format}`) ?? { flink: [], embedded: [], memory: [] };
            entry.flink.push((ROWS / flink.duration) * 1000);
            entry.embedded.push((ROWS / own.duration) * 1000);
            entry.memory.push(own.taskManagerMiB);
            rates.set(`${name} ${format}`, entry);
            console.log(
              `round ${round} ${name.padEnd(8)} ${format.padEnd(5)} flink ${flink.duration} ms (${flink.checkpoints} checkpoints)` +
                `   embedded ${own.duration} ms (${own.checkpoints} checkpoints, ${Math.round(own.taskManagerMiB)} MiB, ${own.taskManagerCpu} CPU s)`,
            );
          }
        }
      }
    } finally {
      await cluster.stop();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  report('flink-probe', figures(rates));
}

async function runFlink(cluster: FlinkCluster, work: string, name: string, format: string, path: string) {
  const file = join(work, 'flink', `${name}-${format}.sql`);
  writeFileSync(file, script(queries[name]!, format, resolve(path), queries[name]!.flinkSettings));
  const result = await cluster.runSql(file, PARALLELISM);
  if (result.state !== 'FINISHED') throw new Error(`Flink ended ${name} on ${format} as ${result.state}`);
  return result;
}

function figures(rates: Map<string, { flink: number[]; embedded: number[]; memory: number[] }>): Figure[] {
  const result: Figure[] = [];
  for (const [key, entry] of rates) {
    const camel = key.replace(/ (.)/, (_, first: string) => first.toUpperCase());
    const [flink, own] = [median(entry.flink), median(entry.embedded)];
    result.push({ name: `${camel}FlinkRowsPerSecond`, label: `${key}: Flink, rows/s`, value: flink });
    result.push({ name: `${camel}RowsPerSecond`, label: `${key}: embedded, rows/s`, value: own });
    const informative = queries[key.split(' ')[0]!]?.informative === true;
    result.push({
      name: `${camel}Ratio`,
      label: `${key}: times Flink`,
      value: own / flink,
      ...(informative ? {} : { target: '>= 6' }),
    });
  }
  result.push({
    name: 'taskManagerPeakMiB',
    label: 'embedded TaskManager, peak MiB',
    value: Math.max(...[...rates.values()].flatMap((entry) => entry.memory)),
  });
  return result;
}
