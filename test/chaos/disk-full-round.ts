// One round with a disk that is full again and again: state and output lie on it. Checkpoints fail and tasks fail, nothing is lost or doubled,
// and the job goes on when there is room again.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '../bench/bids.ts';
import { eventually } from '../harness/cli.ts';
import { Auditor } from './auditor.ts';
import type { RoundReport } from './engine-round.ts';
import { killed, wait, type FaultTally } from './faults.ts';
import { BUNDLE, Fleet } from './fleet.ts';
import { SmallDisk } from './small-disk.ts';
import { Workload } from './workload.ts';

const SECONDS = 5;
const MEBIBYTES = 24;

/** Fills the disk `times` times. Throws only when the round could not be carried out. */
export async function diskFullRound(seed: number, times: number, tally: FaultTally): Promise<RoundReport> {
  const random = mulberry32(seed);
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-chaos-'));
  const workload = new Workload(folder, { source: 'generator', rows: 6_000 * SECONDS, rowsPerSecond: 6_000 });
  const disk = await SmallDisk.mount(MEBIBYTES);
  mkdirSync(disk.seen('state'));
  const fleet = new Fleet({
    taskManagers: 2,
    slots: 1,
    random,
    config: { 'parallelism.default': 2 },
    state: { path: join(disk.path, 'state'), seen: disk.seen('state') },
    program: [...disk.enter, ...BUNDLE],
  });
  const auditor = new Auditor({
    tables: [
      { folder: disk.seen('out', 'windows'), key: ['k', 'first_id'] },
      { folder: disk.seen('out', 'single'), key: ['id'] },
    ],
    state: fleet.stateFolder,
  });
  const log = [`seed ${seed}: disk full`];
  const violations: string[] = [];
  try {
    await fleet.run({ jobId: 'd15c'.padStart(32, '0'), sql: workload.sql(join(disk.path, 'out')) });
    await fleet.checkpoints(1);
    for (let count = 0; count < times && !fleet.ended && !tally.enough; count++) {
      await wait(random() * 300);
      const before = await complaints(fleet);
      let noticed = false;
      await disk.full(async () => {
        noticed = await eventually(
          'the full disk to be noticed',
          5,
          async () => (await complaints(fleet)) > before,
        ).catch(() => false);
        if (noticed && random() < 0.5 && (await killed(fleet.pickTaskManager()))) {
          tally.hit('SIGKILL TaskManager');
          log.push('TaskManager killed while it is full');
        }
        await wait(random() * 500);
      });
      if (noticed) tally.hit('disk full');
      log.push(noticed ? 'full' : 'full (not noticed)');
      await fleet.checkpoints(1);
    }
    await fleet.finished(60);
    violations.push(...workload.problems(disk.seen('out')), ...workload.totalsProblems(fleet.cluster.root));
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  } finally {
    violations.push(...auditor.stop());
    await fleet.stop();
    await disk.remove();
    rmSync(folder, { recursive: true, force: true });
  }
  return { log: log.join(', '), violations: violations.map((violation) => `${log.join(', ')}: ${violation}`) };
}

/** How often the engine has said that its disk is full, in its logs and over REST. */
async function complaints(fleet: Fleet): Promise<number> {
  const logs = readdirSync(fleet.cluster.root)
    .filter((name) => name.endsWith('.log'))
    .map((name) => readFileSync(fleet.cluster.path(name), 'utf8'));
  const rest = [await fleet.exceptions(), await fleet.checkpointHistory()].map((answer) => JSON.stringify(answer));
  return [...logs, ...rest].reduce((sum, text) => sum + text.split('ENOSPC').length - 1, 0);
}
