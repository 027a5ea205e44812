// One round with a disk that is full again and again: state and output lie on it. Checkpoints fail and tasks fail, nothing is lost or doubled,
// and the job goes on when there is room again.
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness/cli.ts';
import { Auditor } from './auditor.ts';
import { killed, wait, type FaultTally } from './faults.ts';
import { BUNDLE, Fleet } from './fleet.ts';
import { carryOut, type RoundReport } from './round.ts';
import { SmallDisk } from './small-disk.ts';
import { tablesIn, Workload } from './workload.ts';

const SECONDS = 5;
const MEBIBYTES = 24;
const JOB = 'd15c'.padStart(32, '0');

/** Fills the disk so often while the job runs. */
export async function diskFullRound(seed: number, times: number, tally: FaultTally): Promise<RoundReport> {
  return carryOut(seed, 'disk full', async ({ random, folder, note, violated, defer }) => {
    const workload = new Workload(folder, { source: 'generator', rows: 6_000 * SECONDS, rowsPerSecond: 6_000 });
    const disk = await SmallDisk.mount(MEBIBYTES);
    defer(() => disk.remove());
    mkdirSync(disk.seen('state'));
    const fleet = new Fleet({
      taskManagers: 2,
      slots: 1,
      random,
      config: { 'parallelism.default': 2 },
      state: { path: join(disk.path, 'state'), seen: disk.seen('state') },
      program: [...disk.enter, ...BUNDLE],
    });
    defer(() => fleet.stop());
    const auditor = new Auditor({ tables: tablesIn(disk.seen('out')), state: fleet.stateFolder });
    defer(() => violated(auditor.stop()));
    await fleet.run({ jobId: JOB, sql: workload.sql(join(disk.path, 'out')) });
    await fleet.checkpoints(1);
    for (let count = 0; count < times && !fleet.ended && !tally.enough; count++) {
      await wait(random() * 300);
      const before = await complaints(fleet);
      let noticed = false;
      await disk.full(async () => {
        const more = async (): Promise<boolean> => (await complaints(fleet)) > before;
        noticed = await eventually('the full disk to be noticed', 5, more).catch(() => false);
        if (noticed && random() < 0.5 && (await killed(fleet.pickTaskManager()))) {
          tally.hit('SIGKILL TaskManager');
          note('TaskManager killed while it is full');
        }
        await wait(random() * 500);
      });
      if (noticed) tally.hit('disk full');
      note(noticed ? 'full' : 'full (not noticed)');
      await fleet.checkpoints(1);
    }
    await fleet.finished(60);
    violated([...workload.problems(disk.seen('out')), ...workload.totalsProblems(fleet.cluster.root)]);
  });
}

/** How often the engine has said that its disk is full, in its logs and over REST. */
async function complaints(fleet: Fleet): Promise<number> {
  const logs = readdirSync(fleet.cluster.root)
    .filter((name) => name.endsWith('.log'))
    .map((name) => readFileSync(fleet.cluster.path(name), 'utf8'));
  const rest = [await fleet.exceptions(), await fleet.checkpointHistory()].map((answer) => JSON.stringify(answer));
  return [...logs, ...rest].reduce((sum, text) => sum + text.split('ENOSPC').length - 1, 0);
}
