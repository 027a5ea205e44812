// State: what checkpoints cost, and how long a job stands still when it fails, is rescaled or stopped, with 100 MiB of state. On Flink too where it can run.
//
// STATE_MIB, PAIRS and SECONDS make it shorter or longer; FLINK=0 leaves Flink out.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFlink } from '../flink/distribution.ts';
import { missingTools } from '../flink/tools.ts';
import { report } from './report.ts';
import type { StateCluster } from './state/cluster.ts';
import { diskSpeed } from './state/disk.ts';
import { EmbeddedStateCluster } from './state/embedded-cluster.ts';
import {
  diskFigures,
  engineFigures,
  spillFigures,
  type DiskSpeed,
  type Measured,
  type Spilling,
} from './state/figures.ts';
import { FlinkStateCluster } from './state/flink-cluster.ts';
import type { RunningJob } from './state/job.ts';
import {
  barrierPause,
  fill,
  overhead,
  recovery,
  rescale,
  steadyScript,
  throughput,
  type Plan,
} from './state/scenarios.ts';
import { keysFor } from './state/workload.ts';

const MIB = Number(process.env['STATE_MIB'] ?? 100);
const WANTED: Plan = {
  keys: keysFor(MIB),
  steadyRate: 200_000,
  pairs: Number(process.env['PAIRS'] ?? 3),
  seconds: Number(process.env['SECONDS'] ?? 4),
  kills: 3,
  rescales: 4,
};

export async function stateBench(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'flowjob-state-'));
  try {
    const disk: DiskSpeed = { write: [], read: [] };
    const measureDisk = (): void => {
      const { write, read } = diskSpeed(work, MIB * 2 ** 20);
      disk.write.push(write);
      disk.read.push(read);
    };
    measureDisk();
    const embedded = await measureEmbedded(join(work, 'embedded'), measureDisk);
    const spilling = await measureSpilling(work);
    const figures = [
      ...engineFigures('embedded', '', embedded, true),
      ...diskFigures(disk, embedded),
      ...spillFigures(spilling),
    ];
    const missing = process.env['FLINK'] === '0' ? ['(FLINK=0)'] : await missingTools();
    if (missing.length > 0) console.log(`without Flink: ${missing.join(', ')} is not there`);
    else
      for (const [backend, measured] of await measureFlink(join(work, 'flink')))
        figures.push(
          ...engineFigures(
            `Flink, ${backend}`,
            `flink${backend[0]!.toUpperCase()}${backend.slice(1)}`,
            measured,
            false,
          ),
        );
    report('state', figures);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function measureEmbedded(work: string, measureDisk: () => void): Promise<Measured> {
  mkdirSync(work);
  const cluster = new EmbeddedStateCluster(work);
  try {
    const filled = await say('embedded: filling the state', async () => fill(cluster, WANTED, {}));
    measureDisk();
    const from = filled.savepoint;
    const uniform = await say('embedded: overhead, uniform keys', async () =>
      overhead(cluster, WANTED, from, false, {}),
    );
    const skewed = await say('embedded: overhead, skewed keys', async () => overhead(cluster, WANTED, from, true, {}));
    measureDisk();
    const steady = await measureSteady('embedded', cluster, WANTED, from, {});
    const stopLoaded = [filled.stopSeconds, uniform.stopSeconds, skewed.stopSeconds];
    return { uniform, skewed, ...steady, stopLoaded };
  } finally {
    await cluster.stop();
  }
}

/** With the default memory, and with a fourth of what the state is in a savepoint; in memory it is larger still. */
async function measureSpilling(work: string): Promise<Spilling> {
  const budgets = { 'spill-off': '4g', 'spill-on': `${Math.max(1, Math.round(MIB / 4))}m` };
  const rates: number[] = [];
  for (const [name, managed] of Object.entries(budgets)) {
    mkdirSync(join(work, name));
    const cluster = new EmbeddedStateCluster(join(work, name), { 'taskmanager.memory.managed.size': managed });
    try {
      const what = `embedded: throughput with ${managed} for state`;
      rates.push(
        await say(what, async () => {
          const { savepoint } = await fill(cluster, WANTED, {});
          return throughput(cluster, WANTED, savepoint);
        }),
      );
    } finally {
      await cluster.stop();
    }
  }
  return { inMemory: rates[0]!, spilled: rates[1]! };
}

/** Flink with its state on the heap, and in RocksDB with incremental checkpoints; fewer repetitions. */
async function measureFlink(work: string): Promise<[string, Measured][]> {
  const home = await ensureFlink(console.log);
  const plan: Plan = { ...WANTED, pairs: Math.min(2, WANTED.pairs), kills: 2, rescales: 2 };
  const cluster = await say('Flink: starting', async () => FlinkStateCluster.start(home, work));
  try {
    const filled = await say('Flink: filling the state', async () => fill(cluster, plan, {}));
    const results: [string, Measured][] = [];
    for (const [backend, name] of [
      ['hashmap', 'heap'],
      ['rocksdb', 'rocksdb'],
    ] as const) {
      const settings = { 'state.backend.type': backend };
      const from = filled.savepoint;
      const uniform = await say(`Flink, ${name}: overhead, uniform keys`, async () =>
        overhead(cluster, plan, from, false, settings),
      );
      const steady = await measureSteady(`Flink, ${name}`, cluster, plan, from, settings);
      results.push([name, { uniform, ...steady, stopLoaded: [uniform.stopSeconds] }]);
    }
    return results;
  } finally {
    await cluster.stop();
  }
}

/** At a steady rate: pauses, savepoints, kills, rescales, stops. */
async function measureSteady(
  engine: string,
  cluster: StateCluster,
  plan: Plan,
  savepoint: string,
  settings: Record<string, string>,
): Promise<Omit<Measured, 'uniform' | 'skewed' | 'stopLoaded'>> {
  const restores: { bytes: number; seconds: number }[] = [];
  const stopSteady: number[] = [];
  const stop = async (job: RunningJob): Promise<void> => {
    stopSteady.push((await job.stopWithSavepoint()).seconds);
    await cluster.endJob();
  };

  const calm = await cluster.startJob(steadyScript(plan, '1h', settings), savepoint);
  const { initializing, running } = await calm.phases();
  const pause = await say(`${engine}: pause at a barrier`, async () => barrierPause(cluster, calm, 3));
  const savepoints = [await calm.savepoint(), await calm.savepoint()];
  restores.push({ bytes: savepoints[0]!.stateBytes, seconds: (running - initializing) / 1000 });
  await stop(calm);

  const job = await cluster.startJob(steadyScript(plan, '1s', settings), savepoint);
  const standby = await say(`${engine}: kills, with a standby`, async () =>
    repeat(plan.kills, async () => recovery(cluster, job, true)),
  );
  const replaced = await say(`${engine}: kills, TaskManager started anew`, async () =>
    repeat(plan.kills - 1, async () => recovery(cluster, job, false)),
  );
  const rescales: Measured['rescales'] = [];
  await say(`${engine}: rescales`, async () => {
    for (let i = 0; i < plan.rescales; i++) {
      const measured = await rescale(cluster, job, i % 2 === 0 ? 1 : 2);
      if (measured === null) return;
      rescales.push(measured);
    }
  });
  const bytes = savepoints[0]!.stateBytes;
  restores.push(...[...standby, ...replaced].map(({ restore }) => ({ bytes, seconds: restore })));
  await stop(job);
  return { pause, savepoints, restores, standby, replaced, rescales, stopSteady };
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < times; i++) results.push(await work());
  return results;
}

async function say<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}
