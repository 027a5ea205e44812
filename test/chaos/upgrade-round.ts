// One round of upgrades amid faults: stopped with a savepoint, the savepoint moved to another place, started from there as a new version at
// another parallelism, twice; and processes are killed and paused all the while.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '../bench/bids.ts';
import { Auditor } from './auditor.ts';
import { injectFault, type RoundReport } from './engine-round.ts';
import { wait, type FaultTally } from './faults.ts';
import { Fleet } from './fleet.ts';
import { Workload } from './workload.ts';

const SECONDS = 6;
const VERSIONS = 3;
const SLOTS = 2;

/** Throws only when the round itself could not be carried out; what the engine did wrong stands in the report. */
export async function upgradeRound(seed: number, tally: FaultTally): Promise<RoundReport> {
  const random = mulberry32(seed);
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-chaos-'));
  const out = join(folder, 'out');
  const workload = new Workload(folder, {
    source: random() < 0.5 ? 'files' : 'generator',
    rows: 7_000 * SECONDS,
    rowsPerSecond: 7_000,
  });
  const fleet = new Fleet({ taskManagers: 2, slots: SLOTS, random });
  const auditor = new Auditor({
    tables: [
      { folder: join(out, 'windows'), key: ['k', 'first_id'] },
      { folder: join(out, 'single'), key: ['id'] },
    ],
    state: fleet.stateFolder,
  });
  const log = [`seed ${seed}: upgrades, ${workload.options.source}`];
  const violations: string[] = [];
  try {
    let savepoint: string | null = null;
    for (let version = 1; version <= VERSIONS; version++) {
      const parallelism = 1 + Math.floor(random() * 2 * SLOTS);
      log.push(`version ${version} at parallelism ${parallelism}`);
      const sql = `SET 'parallelism.default' = '${parallelism}';\n${workload.sql(out, version)}`;
      const args = savepoint === null ? [] : ['--from-savepoint', savepoint];
      await fleet.run({ jobId: String(version).padStart(32, '0'), sql, args });
      await fleet.checkpoints(1);
      await wait(random() * 400);
      if (!fleet.ended) log.push(await injectFault(fleet, random, tally));
      if (version === VERSIONS || fleet.ended) break;
      const stopped = fleet.stopWithSavepoint(`${version}`.repeat(32), 60);
      // Looked at below; a failure until then is not an unhandled one.
      stopped.catch(() => undefined);
      await wait(random() * 150);
      if (!fleet.ended) log.push(`while it stops: ${await injectFault(fleet, random, tally)}`);
      savepoint = await stopped;
      if (savepoint === null) break;
      const moved = join(folder, `moved-${version}`);
      renameSync(savepoint, moved);
      savepoint = moved;
    }
    await fleet.finished(60);
    violations.push(...workload.problems(out), ...workload.totalsProblems(fleet.cluster.root));
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  } finally {
    violations.push(...auditor.stop());
    await fleet.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { log: log.join(', '), violations: violations.map((violation) => `${log.join(', ')}: ${violation}`) };
}
