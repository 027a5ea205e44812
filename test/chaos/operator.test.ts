// Jobs under the operator while operator, JobManagers and TaskManagers are killed and paused: every job completes with the output of an
// undisturbed run, and never are two attempts of one job alive at once.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cli, engineProcesses } from '../harness/cli.ts';
import { operatorRound } from './operator-round.ts';
import { QUOTA, roundsUntil } from './quota.ts';

const work = mkdtempSync(join(tmpdir(), 'flowjob-chaos-operator-'));
const home = join(work, 'home');
const cli = new Cli(home, work);

beforeAll(async () => {
  mkdirSync(home);
  await cli.must('local', 'up');
});

afterAll(async () => {
  await cli.must('local', 'down');
  expect(engineProcesses(home)).toEqual([]);
  rmSync(work, { recursive: true, force: true });
});

test(
  `${QUOTA.operator} faults under the operator, upgrades among them, lose nothing and double nothing`,
  async () => {
    const tally = await roundsUntil(QUOTA.operator, 3, (seed, hits) => operatorRound({ home, cli }, seed, hits));
    expect(tally.total).toBeGreaterThanOrEqual(QUOTA.operator);
  },
  QUOTA.operator * 60_000,
);
