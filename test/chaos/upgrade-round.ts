// One round of upgrades amid faults: stopped with a savepoint, the savepoint moved to another place, started from there as a new version at
// another parallelism, twice; and processes are killed and paused all the while.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { Auditor } from './auditor.ts';
import { injectFault } from './engine-round.ts';
import { wait, type FaultTally } from './faults.ts';
import { Fleet } from './fleet.ts';
import { carryOut, type RoundReport } from './round.ts';
import { tablesIn, Workload } from './workload.ts';

const SECONDS = 6;
const VERSIONS = 3;
const SLOTS = 2;

export async function upgradeRound(seed: number, tally: FaultTally): Promise<RoundReport> {
  return carryOut(seed, 'upgrades', async ({ random, folder, note, violated, defer }) => {
    const out = join(folder, 'out');
    const source = random() < 0.5 ? 'files' : 'generator';
    const workload = new Workload(folder, { source, rows: 7_000 * SECONDS, rowsPerSecond: 7_000 });
    const fleet = new Fleet({ taskManagers: 2, slots: SLOTS, random });
    defer(() => fleet.stop());
    const auditor = new Auditor({ tables: tablesIn(out), state: fleet.stateFolder });
    defer(() => violated(auditor.stop()));
    note(source);
    let savepoint: string | null = null;
    for (let version = 1; version <= VERSIONS; version++) {
      const parallelism = 1 + Math.floor(random() * 2 * SLOTS);
      note(`version ${version} at parallelism ${parallelism}`);
      const sql = `SET 'parallelism.default' = '${parallelism}';\n${workload.sql(out, version)}`;
      const args = savepoint === null ? [] : ['--from-savepoint', savepoint];
      await fleet.run({ jobId: String(version).padStart(32, '0'), sql, args });
      await fleet.checkpoints(1);
      await wait(random() * 400);
      if (!fleet.ended) note(await injectFault(fleet, random, tally));
      if (version === VERSIONS || fleet.ended) break;
      const stopped = fleet.stopWithSavepoint(`${version}`.repeat(32), 60);
      // Looked at below; a failure until then is not an unhandled one.
      stopped.catch(() => undefined);
      await wait(random() * 150);
      if (!fleet.ended) note(`while it stops: ${await injectFault(fleet, random, tally)}`);
      savepoint = await stopped;
      if (savepoint === null) break;
      const moved = join(folder, `moved-${version}`);
      renameSync(savepoint, moved);
      savepoint = moved;
    }
    await fleet.finished(60);
    violated([...workload.problems(out), ...workload.totalsProblems(fleet.cluster.root)]);
  });
}
