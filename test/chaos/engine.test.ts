// The engine's processes under SIGKILL and SIGSTOP, without an operator: output, state and totals are those of an undisturbed run.
import { engineRound } from './engine-round.ts';
import { QUOTA, roundsUntil } from './quota.ts';
import { upgradeRound } from './upgrade-round.ts';

test('all scenarios together make 100 faults', () => {
  expect(Object.values(QUOTA).reduce((sum, faults) => sum + faults, 0)).toBe(100);
});

test(
  `${QUOTA.engine} kills and pauses of JobManagers and TaskManagers lose nothing and double nothing`,
  async () => {
    const tally = await roundsUntil(QUOTA.engine, 3, engineRound);
    expect(tally.total).toBeGreaterThanOrEqual(QUOTA.engine);
  },
  QUOTA.engine * 20_000,
);

test(
  `${QUOTA.upgrades} faults while a job is stopped, moved and started as a new version lose nothing and double nothing`,
  async () => {
    const tally = await roundsUntil(QUOTA.upgrades, 3, upgradeRound);
    expect(tally.total).toBeGreaterThanOrEqual(QUOTA.upgrades);
  },
  QUOTA.upgrades * 30_000,
);
