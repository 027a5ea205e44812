// The soak's simulated half, in a process of its own: one history after the other from a seed on, each reported to the parent process.
import { simulate } from '../simulation/simulate.ts';

export interface ScheduleReport {
  seed: number;
  violations: string[];
  faults: Record<string, number>;
}

// Ctrl-C reaches the whole group: the parent ends this one when it has heard of it.
process.on('SIGINT', () => undefined);
// Without its parent nobody listens.
process.once('disconnect', () => process.exit(0));

for (let seed = Number(process.argv[2]); ; seed++) {
  const { violations, faults } = await simulate(seed);
  const report: ScheduleReport = { seed, violations, faults: { ...faults } };
  process.send?.(report);
}
