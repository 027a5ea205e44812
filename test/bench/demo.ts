// The demo's jobs, measured: rows per second as batch and as stream, latency of apply and of an upgrade, memory, and the batch query in DuckDB.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { atRate, asBatch, loadExample, toYaml, withMeanDelay, type DemoManifest } from '../demo/manifests.ts';
import { readCsvRows, readJsonRows } from '../demo/results.ts';
import { Cli, condition, engineProcesses, eventually } from '../harness/cli.ts';
import { jobMetrics } from '../harness/engine-rest.ts';
import { duckdbFlights } from './duckdb.ts';
import { peakMemory } from './embedded.ts';
import { median, report } from './report.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const FLIGHTS = 3_000_000;
const PARQUET = resolve('node_modules/vega-datasets/data/flights-3m.parquet');

class Bench {
  private readonly work: string;
  private readonly cli: Cli;
  readonly jobManagerMiB: number[] = [];
  readonly taskManagerMiB: number[] = [];

  constructor(work: string, cli: Cli) {
    this.work = work;
    this.cli = cli;
  }

  private async apply(manifest: DemoManifest): Promise<void> {
    const file = join(this.work, `${manifest.metadata.name}.yaml`);
    writeFileSync(file, toYaml(manifest));
    await this.cli.must('apply', '-f', file);
  }

  private async until(name: string, type: string): Promise<FlowJob> {
    return eventually(`${name} to be ${type}`, 120, async () => {
      this.sampleMemory();
      const job = await this.cli.get(name);
      if (condition(job, 'Stalled') === 'True')
        throw new Error(`${name} stalled: ${JSON.stringify(job.status?.conditions)}`);
      return condition(job, type) === 'True' && job;
    });
  }

  private sampleMemory(): void {
    for (const { pid, role } of engineProcesses(join(this.work, 'home'))) {
      const peak = peakMemory(pid);
      if (Number.isNaN(peak)) continue;
      if (role === 'jobmanager') this.jobManagerMiB.push(peak);
      if (role === 'taskmanager') this.taskManagerMiB.push(peak);
    }
  }

  private async remove(name: string): Promise<void> {
    await this.cli.must('delete', name);
    rmSync(join(this.work, 'out'), { recursive: true, force: true });
  }

  /** Seconds in the engine for a job that ends by itself. */
  async toTheEnd(manifest: DemoManifest, check?: () => void): Promise<number> {
    await this.apply(manifest);
    const job = await this.until(manifest.metadata.name, 'Complete');
    check?.();
    await this.remove(manifest.metadata.name);
    return (job.status?.batch?.durationMs ?? NaN) / 1000;
  }

  /** Seconds from `apply` to the first visible row, and from `apply` of the new version to the first row with its column. */
  async latencies(stream: DemoManifest, folder: string): Promise<{ start: number; upgrade: number }> {
    const { name } = stream.metadata;
    const seconds = async (manifest: DemoManifest, visible: () => boolean): Promise<number> => {
      const file = join(this.work, `${name}.yaml`);
      writeFileSync(file, toYaml(manifest));
      const begin = performance.now();
      const applied = this.cli.must('apply', '-f', file);
      await eventually('output', 60, visible);
      const end = performance.now();
      await applied;
      return (end - begin) / 1000;
    };
    const start = await seconds(stream, () => readJsonRows(folder).length > 0);
    await this.until(name, 'Ready');
    await eventually(
      'a running job',
      20,
      async () => (await jobMetrics(join(this.work, 'home'), name))?.state === 'RUNNING',
    );
    const upgrade = await seconds(withMeanDelay(stream), () => readJsonRows(folder).some((row) => 'mean_delay' in row));
    this.sampleMemory();
    await this.remove(name);
    return { start, upgrade };
  }
}

/** The batch's rows against DuckDB's: a speed without the right answer is none. */
async function checkAgainstDuckdb(out: string): Promise<() => void> {
  const { rows } = await duckdbFlights(PARQUET, availableParallelism());
  const wanted = new Map(rows.map((row) => [`${row.origin} ${row.destination ?? ''}`, row]));
  return () => {
    const origins = readCsvRows(join(out, 'by-origin'), ['origin', 'flights', 'meanDelay', 'distance']);
    const routes = readCsvRows(join(out, 'by-route'), ['origin', 'destination', 'flights', 'meanDelay', 'distance']);
    const wrong = [...origins, ...routes].filter((row) => {
      const want = wanted.get(`${row['origin']} ${row['destination'] ?? ''}`);
      const close = Math.abs(Number(row['meanDelay']) - (want?.meanDelay ?? NaN)) < 1e-9;
      return want === undefined || row['flights'] !== want.flights || row['distance'] !== want.distance || !close;
    });
    if (wrong.length > 0 || origins.length + routes.length !== rows.length)
      throw new Error(
        `the batch differs from DuckDB in ${wrong.length} rows, ${origins.length + routes.length} of ${rows.length} there`,
      );
  };
}

export async function demoBench(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'flowjob-bench-'));
  const home = join(work, 'home');
  const out = join(work, 'out');
  mkdirSync(home);
  const cli = new Cli(home);
  const bench = new Bench(work, cli);
  const figures = {
    batch: [] as number[],
    stream: [] as number[],
    duckdb: [] as number[],
    start: [] as number[],
    upgrade: [] as number[],
  };
  try {
    await cli.must('local', 'up');
    const check = await checkAgainstDuckdb(out);
    const stream = atRate(loadExample('flights-per-day.yaml', out), 150_000);
    // As fast as it goes: the same file as a bounded source, in streaming mode with checkpoints every second.
    const bounded = asBatch(stream, 'flights-stream', { from: join(out, 'per-day'), to: join(out, 'stream') });
    const unthrottled = {
      ...bounded,
      spec: { ...bounded.spec, mode: 'Streaming', state: stream.spec['state'], taskManager: { replicas: 1, slots: 2 } },
    };
    const latency = {
      ...stream,
      metadata: { name: 'flights-quick' },
      spec: { ...stream.spec, state: { checkpoint: { interval: '200ms' } } },
    };
    for (let round = 1; round <= ROUNDS; round++) {
      figures.batch.push(await bench.toTheEnd(loadExample('flights-by-origin.yaml', out), check));
      figures.stream.push(await bench.toTheEnd(unthrottled));
      figures.duckdb.push((await duckdbFlights(PARQUET, availableParallelism())).seconds);
      const { start, upgrade } = await bench.latencies(latency, join(out, 'per-day'));
      figures.start.push(start);
      figures.upgrade.push(upgrade);
      console.log(
        `round ${round} of ${ROUNDS}: ${Object.entries(figures)
          .map(([name, values]) => `${name} ${values.at(-1)!.toFixed(2)} s`)
          .join(', ')}`,
      );
    }
  } finally {
    await cli.run('local', 'down');
    rmSync(work, { recursive: true, force: true });
  }
  const [batch, own] = [median(figures.batch), median(figures.duckdb)];
  report('demo', [
    { name: 'batchRowsPerSecond', label: 'batch, two aggregations, rows/s', value: FLIGHTS / batch },
    {
      name: 'streamRowsPerSecond',
      label: 'stream, windows per day, checkpoints each second, rows/s',
      value: FLIGHTS / median(figures.stream),
    },
    { name: 'duckdbRowsPerSecond', label: 'DuckDB, the same batch query, rows/s', value: FLIGHTS / own },
    { name: 'batchTimesDuckdb', label: 'batch, in times DuckDB', value: own / batch },
    {
      name: 'applyToFirstOutputSeconds',
      label: 'apply to first output (checkpoints each 200 ms), s',
      value: median(figures.start),
      target: '<= 1',
    },
    {
      name: 'upgradeToFirstOutputSeconds',
      label: 'apply of an upgrade to its first output, s',
      value: median(figures.upgrade),
      target: '<= 1',
    },
    {
      name: 'jobManagerPeakMiB',
      label: 'JobManager, peak resident MiB',
      value: Math.max(...bench.jobManagerMiB),
      target: '<= 100',
    },
    {
      name: 'taskManagerPeakMiB',
      label: 'TaskManager, peak resident MiB',
      value: Math.max(...bench.taskManagerMiB),
      target: '<= 512',
    },
  ]);
}
