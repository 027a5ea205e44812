// One round of faults against the engine's processes: a job on known input, seeded faults while it runs, every row looked at from outside.
import { join } from 'node:path';
import { Auditor } from './auditor.ts';
import { killed, pause, wait, type FaultTally } from './faults.ts';
import { Fleet } from './fleet.ts';
import { carryOut, type RoundReport } from './round.ts';
import { tablesIn, Workload } from './workload.ts';

/** A fault against a running fleet. Resolves to false when it hit nothing. */
type EngineFault = (fleet: Fleet, random: () => number, tally: FaultTally) => Promise<boolean>;

const faults: Record<string, { weight: number; inject: EngineFault }> = {
  'JobManager killed': {
    weight: 4,
    inject: async (fleet, _random, tally) => {
      const hit = await killed(fleet.jobManager);
      if (hit) tally.hit('SIGKILL JobManager');
      return hit;
    },
  },
  'TaskManager killed': {
    weight: 4,
    inject: async (fleet, _random, tally) => {
      const hit = await killed(fleet.pickTaskManager());
      if (hit) tally.hit('SIGKILL TaskManager');
      return hit;
    },
  },
  'all killed': {
    weight: 2,
    inject: async (fleet, _random, tally) => {
      const hit = await fleet.killAll();
      if (hit) tally.hit('SIGKILL everything');
      return hit;
    },
  },
  'TaskManager paused': {
    weight: 2,
    // Longer than a heartbeat may take: its tasks are given up, and wake up beside those that took their place.
    inject: async (fleet, random, tally) => {
      const hit = await pause(fleet.pickTaskManager()?.pid, () => wait(1800 + random() * 1200));
      if (hit) tally.hit('SIGSTOP TaskManager');
      return hit;
    },
  },
  'JobManager paused, successor started': {
    weight: 2,
    inject: async (fleet, _random, tally) => {
      const hit = await fleet.splitBrain();
      if (hit) tally.hit('SIGSTOP JobManager');
      return hit;
    },
  },
};

const JOB = (seed: number): string => seed.toString(16).padStart(32, '0');
/** Seconds of input; faults make the job take longer. */
const SECONDS = 5;
const MOST_FAULTS = 10;
const MOST_PARALLEL = 3;

export async function engineRound(seed: number, tally: FaultTally): Promise<RoundReport> {
  return carryOut(seed, 'engine', async ({ random, folder, note, violated, defer }) => {
    const rowsPerSecond = 6_000 + Math.floor(random() * 6_000);
    const source = random() < 0.4 ? 'files' : 'generator';
    const workload = new Workload(folder, { source, rows: rowsPerSecond * SECONDS, rowsPerSecond });
    const parallelism = 1 + Math.floor(random() * MOST_PARALLEL);
    const slots = 1 + Math.floor(random() * 2);
    const spare = random() < 0.5 ? 1 : 0;
    const interval = random() < 0.5 ? '80ms' : '300ms';
    const out = join(folder, 'out');
    const fleet = new Fleet({
      taskManagers: Math.ceil(parallelism / slots) + spare,
      slots,
      random,
      config: { 'parallelism.default': parallelism, 'execution.checkpointing.interval': interval },
    });
    defer(() => fleet.stop());
    const auditor = new Auditor({ tables: tablesIn(out), state: fleet.stateFolder });
    defer(() => violated(auditor.stop()));
    note(`${source}, parallelism ${parallelism} on TaskManagers of ${slots}`);
    await fleet.run({ jobId: JOB(seed), sql: workload.sql(out) });
    await fleet.checkpoints(1);
    for (let count = 0; count < MOST_FAULTS && !fleet.ended && !tally.enough; count++) {
      await wait(random() * 500);
      if (fleet.ended) break;
      if (random() < 0.3) {
        const wanted = 1 + Math.floor(random() * MOST_PARALLEL);
        note(`rescaled to ${wanted}${(await fleet.rescale(wanted)) ? '' : ' (not taken)'}`);
      }
      note(await injectFault(fleet, random, tally));
      // Some faults come while the job still recovers from the one before.
      if (random() < 0.7) await fleet.checkpoints(1);
    }
    await fleet.finished(60);
    violated([...workload.problems(out), ...workload.totalsProblems(fleet.cluster.root)]);
  });
}

/** A fault drawn by weight, against a job that runs; resolves to what it was. */
export async function injectFault(fleet: Fleet, random: () => number, tally: FaultTally): Promise<string> {
  const name = draw(random);
  const hit = await faults[name]!.inject(fleet, random, tally);
  return hit ? name : `${name} (hit nothing)`;
}

function draw(random: () => number): string {
  const total = Object.values(faults).reduce((sum, { weight }) => sum + weight, 0);
  let at = random() * total;
  for (const [name, { weight }] of Object.entries(faults)) {
    at -= weight;
    if (at < 0) return name;
  }
  return Object.keys(faults)[0]!;
}
