// How many faults each scenario makes, 100 in all. A fault counts when it hit: a scenario goes on, round after round, until it has its number.
import { FaultTally } from './faults.ts';
import type { RoundReport } from './round.ts';
import { SmallDisk } from './small-disk.ts';

/** Where no disk can be filled, the engine gets its share. */
export const DISK_IMPOSSIBLE = SmallDisk.impossible();

export const QUOTA = {
  engine: DISK_IMPOSSIBLE === null ? 60 : 68,
  upgrades: 12,
  operator: 20,
  diskFull: DISK_IMPOSSIBLE === null ? 8 : 0,
};

export const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

/**
 * Rounds with seeds from `SEED` on, `atOnce` of them at a time, until `faults` have hit. Prints what was done; throws with everything that went
 * wrong. A round that went wrong is repeated with `CHAOS_SEED=<its seed>`.
 */
export async function roundsUntil(
  faults: number,
  atOnce: number,
  round: (seed: number, tally: FaultTally) => Promise<RoundReport>,
): Promise<FaultTally> {
  const tally = new FaultTally(faults);
  const logs: string[] = [];
  const violations: string[] = [];
  let seed = SEED;
  const worker = async (): Promise<void> => {
    while (!tally.enough && violations.length === 0) {
      const report = await round(seed++, tally);
      logs.push(report.log);
      violations.push(...report.violations);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log([...logs, `${tally.total} faults hit: ${String(tally)}`].join('\n'));
  if (violations.length > 0) throw new Error(violations.join('\n\n'));
  return tally;
}
