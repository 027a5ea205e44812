// `npm run soak -- --minutes N [--seed S]`: simulated histories on one core, real faults on another, until the time is over or Ctrl-C. Prints what
// was done and what went wrong; ends with code 1 when something did. Seeds count from S, so that a later run can go on where this one ended.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFullRound } from '../chaos/disk-full-round.ts';
import { engineRound } from '../chaos/engine-round.ts';
import { FaultTally } from '../chaos/faults.ts';
import { operatorRound } from '../chaos/operator-round.ts';
import { cutShort, type RoundReport } from '../chaos/round.ts';
import { SmallDisk } from '../chaos/small-disk.ts';
import { upgradeRound } from '../chaos/upgrade-round.ts';
import { argumentsOf } from '../harness/arguments.ts';
import { Cli } from '../harness/cli.ts';
import type { ScheduleReport } from './schedules.ts';

const usage = `usage: npm run soak -- --minutes N [--seed S]
  --minutes N  how long; Ctrl-C ends it before
  --seed S     where the seeds count from: a later run can go on where this one ended`;
const { values } = argumentsOf({
  usage,
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
  words: false,
});
const minutes = Number(values.minutes);
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!(minutes > 0) || !Number.isSafeInteger(first)) {
  console.error(usage);
  process.exit(1);
}

/** Rounds of real faults at once: most of the time they wait. */
const AT_ONCE = 2;

const work = mkdtempSync(join(tmpdir(), 'flowjob-soak-'));
const home = join(work, 'home');
const cli = new Cli(home, work);
const tally = new FaultTally();
const simulated = { schedules: 0, faults: new Map<string, number>() };
const violations: string[] = [];
let rounds = 0;
let ending = false;

console.log(`soak for ${minutes} min from seed ${first}`);
mkdirSync(home);
const schedules = startSchedules();
process.on('SIGINT', () => void end());
process.on('SIGTERM', () => void end());
setTimeout(() => void end(), minutes * 60_000);
const ticker = setInterval(() => console.log(progress()), 30_000);
await cli.must('local', 'up');
await chaos();

async function chaos(): Promise<void> {
  const kinds: ((seed: number) => Promise<RoundReport>)[] = [
    async (seed) => engineRound(seed, tally),
    async (seed) => operatorRound({ home, cli }, seed, tally),
    async (seed) => upgradeRound(seed, tally),
  ];
  const impossible = SmallDisk.impossible();
  if (impossible === null) kinds.push(async (seed) => diskFullRound(seed, 4, tally));
  else console.log(`the disk is not filled here: ${impossible}`);
  const worker = async (): Promise<void> => {
    while (!ending) await oneRound(next++);
  };
  const oneRound = async (seed: number): Promise<void> => {
    const report = await kinds[seed % kinds.length]!(seed);
    // What a round says that was cut short means nothing.
    if (ending) return;
    rounds++;
    for (const violation of report.violations) violated(`real faults, seed ${seed}: ${violation}`);
  };
  let next = first;
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function startSchedules(): ChildProcess {
  const child = fork(join('test', 'soak', 'schedules.ts'), [String(first)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.on('message', (message) => {
    const { seed, violations: found, faults } = message as ScheduleReport;
    simulated.schedules++;
    for (const [kind, count] of Object.entries(faults))
      simulated.faults.set(kind, (simulated.faults.get(kind) ?? 0) + count);
    for (const violation of found) violated(`simulation, SIM_SEED=${seed}: ${violation}`);
  });
  child.on('exit', (code) => {
    if (ending) return;
    violated(`the simulation ended with code ${code} behind seed ${first + simulated.schedules - 1}`);
  });
  return child;
}

function violated(text: string): void {
  violations.push(text);
  console.error(`VIOLATION ${text}`);
}

function progress(): string {
  const faults = [...simulated.faults.values()].reduce((sum, count) => sum + count, 0);
  return `${simulated.schedules} schedules with ${faults} faults; ${rounds} rounds with ${tally.total} real faults; ${violations.length} violations`;
}

/** Leaves no process and no file; prints the tally. Once. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  clearInterval(ticker);
  schedules.kill('SIGKILL');
  await cutShort();
  await cli.run('local', 'down');
  rmSync(work, { recursive: true, force: true });
  const kinds = [...simulated.faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  console.log(`\n${progress()}\nsimulated faults: ${kinds.join(', ')}\nreal faults: ${String(tally)}`);
  for (const violation of violations) console.log(`violation: ${violation}`);
  console.log(
    `go on with: npm run soak -- --minutes ${minutes} --seed ${first + Math.max(simulated.schedules, rounds)}`,
  );
  process.exit(violations.length === 0 ? 0 : 1);
}
