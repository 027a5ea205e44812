// One round of faults against a job under the operator: operator, JobManager and TaskManagers are killed and paused, the job is changed
// meanwhile in every second round, and its output is that of an undisturbed run.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { condition, engineProcesses, eventually, type Cli, type EngineProcess } from '../harness/cli.ts';
import { Auditor } from './auditor.ts';
import { pause, signal, wait, type FaultKind, type FaultTally } from './faults.ts';
import { carryOut, type RoundReport } from './round.ts';
import { tablesIn, Workload } from './workload.ts';

export interface OperatorUnderTest {
  home: string;
  cli: Cli;
}

const SECONDS = 5;
const FAULTS = 3;
/** Between two looks at the job: each is a process. */
const LOOK_MS = 250;

type Role = EngineProcess['role'];

const titles: Record<Role, 'operator' | 'JobManager' | 'TaskManager'> = {
  operator: 'operator',
  jobmanager: 'JobManager',
  taskmanager: 'TaskManager',
};

export async function operatorRound(
  operator: OperatorUnderTest,
  seed: number,
  tally: FaultTally,
): Promise<RoundReport> {
  return carryOut(seed, 'operator', async ({ random, folder, note, violated, defer }) => {
    const { cli, home } = operator;
    const name = `chaos-${seed}`;
    const out = join(folder, 'out');
    const state = join(folder, 'state');
    const source = random() < 0.5 ? 'files' : 'generator';
    const workload = new Workload(folder, { source, rows: 6_000 * SECONDS, rowsPerSecond: 6_000 });
    const attempts = watchAttempts(home, name);
    defer(() => violated(attempts()));
    const auditor = new Auditor({ tables: tablesIn(out), state: join(state, name) });
    defer(() => violated(auditor.stop()));
    note(source);
    const apply = async (slots: number): Promise<void> => {
      const file = join(folder, `slots-${slots}.yaml`);
      writeFileSync(file, manifest(name, workload.sql(out), slots, state));
      await eventually('the job to be applied', 60, async () => (await cli.run('apply', '-f', file)).code === 0);
    };
    await apply(1);
    await eventually(`${name} to have processes`, 90, () => processesOf(home, name, 'taskmanager').length > 0);
    for (let count = 0; count < FAULTS && !tally.enough; count++) {
      await wait(200 + random() * 800);
      if (seed % 2 === 0 && count === 1) {
        await apply(2);
        note('changed');
      }
      note(await injectFault(operator, name, random, tally));
    }
    await eventually(`${name} to complete`, 240, async () => {
      await wait(LOOK_MS);
      const { code, stdout } = await cli.run('get', 'flowjobs', name, '-o', 'json');
      if (code !== 0) return false;
      const job = JSON.parse(stdout) as Parameters<typeof condition>[0];
      if (condition(job, 'Failed') === 'True') throw new Error(`it has failed: ${JSON.stringify(job.status)}`);
      return condition(job, 'Complete') === 'True';
    });
    violated(workload.problems(out));
    await cli.must('delete', name);
  });
}

/** More slots take a stop with a savepoint and a new start. */
function manifest(name: string, sql: string, slots: number, state: string): string {
  return stringify({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name },
    spec: {
      mode: 'Streaming',
      taskManager: { replicas: 2, slots },
      state: { storage: { uri: `file://${state}` }, checkpoint: { interval: '200ms' } },
      job: { sql: { inline: sql } },
    },
  });
}

/** Watches from outside: JobManagers of one job with different epochs alive at once break the first invariant. Ends with what it saw. */
function watchAttempts(home: string, name: string): () => string[] {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    const epochs = new Set(
      processesOf(home, name, 'jobmanager').map(({ args }) => args[args.indexOf('--attempt-epoch') + 1]),
    );
    if (epochs.size > 1) seen.add(`attempts ${[...epochs].join(' and ')} were alive at once`);
  }, 40);
  return () => {
    clearInterval(timer);
    return [...seen];
  };
}

function processesOf(home: string, name: string, role: Role): EngineProcess[] {
  return engineProcesses(home).filter(
    (process) =>
      process.role === role && (role === 'operator' || process.args.some((arg) => arg.split('/').includes(name))),
  );
}

/** A random process of the job, or the operator, is killed or paused. */
async function injectFault(
  { home, cli }: OperatorUnderTest,
  name: string,
  random: () => number,
  tally: FaultTally,
): Promise<string> {
  const role = (['operator', 'jobmanager', 'taskmanager'] as const)[Math.floor(random() * 3)]!;
  const candidates = processesOf(home, name, role);
  const victim = candidates[Math.floor(random() * candidates.length)];
  const pausing = random() < 0.3;
  const kind: FaultKind = `${pausing ? 'SIGSTOP' : 'SIGKILL'} ${titles[role]}`;
  const hit = pausing ? await pause(victim?.pid, () => wait(2200 + random() * 800)) : signal(victim?.pid, 'SIGKILL');
  if (hit) tally.hit(kind);
  // Another round may kill the operator that this call brings up: then its own call brings it up again.
  if (role === 'operator' && !pausing)
    await eventually('a new operator', 60, async () => (await cli.run('local', 'up')).code === 0);
  return hit ? kind : `${kind} (hit nothing)`;
}
