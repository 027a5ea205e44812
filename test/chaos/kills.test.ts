// SIGKILL of operator, JobManager and TaskManager at seeded random moments: the output is always that of an undisturbed run, each row once.
//
// The seed is printed; `CHAOS_SEED=N` repeats the same kills, `CHAOS_ROUNDS=N` runs more or fewer of them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mulberry32 } from '../bench/bids.ts';
import { compareRows, isEqual, type Row } from '../demo/compare.ts';
import { readJsonRows } from '../demo/results.ts';
import { Cli, condition, engineProcesses, eventually, type EngineProcess } from '../harness/cli.ts';

const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env['CHAOS_ROUNDS'] ?? 50);
const AT_ONCE = 3;
const ROWS = 60_000;
const SECONDS = 2;

const work = mkdtempSync(join(tmpdir(), 'flowjob-chaos-'));
const home = join(work, 'home');
const cli = new Cli(home, work);

/** Rows in time order: 20 keys, one row per 100 ms of event time, windows of a minute. */
function writeInput(): Row[] {
  const random = mulberry32(7);
  const windows = new Map<string, { n: number; total: number }>();
  const start = Date.UTC(2026, 0, 1);
  const lines: string[] = [];
  for (let row = 0; row < ROWS; row++) {
    const time = start + row * 100;
    const key = `k${Math.floor(random() * 20)}`;
    const value = Math.floor(random() * 1000);
    lines.push(`${key},${value},${new Date(time).toISOString().replace('T', ' ').slice(0, 23)}`);
    const id = `${new Date(time - (time % 60_000)).toISOString().replace('T', ' ').slice(0, 19)}|${key}`;
    const window = windows.get(id) ?? { n: 0, total: 0 };
    windows.set(id, { n: window.n + 1, total: window.total + value });
  }
  writeFileSync(join(work, 'input.csv'), lines.join('\n') + '\n');
  return [...windows].map(([id, { n, total }]) => ({ w: id.split('|')[0]!, k: id.split('|')[1]!, n, total }));
}

const sql = (out: string): string => `
CREATE TABLE events (k STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = '${join(work, 'input.csv')}', 'format' = 'csv', 'replay.rate' = '${ROWS / SECONDS}');
CREATE TABLE minutes (w STRING, k STRING, n BIGINT, total BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${out}', 'format' = 'json');
INSERT INTO minutes
  SELECT DATE_FORMAT(window_start, 'yyyy-MM-dd HH:mm:ss'), k, COUNT(*), SUM(v)
  FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
`;

function writeManifest(name: string): string {
  const file = join(work, `${name}.yaml`);
  const indented = sql(join(work, 'out', name)).replaceAll('\n', '\n        ');
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: Streaming
  taskManager: {replicas: 2, slots: 1}
  state: {checkpoint: {interval: 200ms}}
  job:
    sql:
      inline: |
        ${indented}
`,
  );
  return file;
}

let expected: Row[] = [];

beforeAll(async () => {
  console.log(`chaos seed ${SEED}, ${ROUNDS} rounds`);
  mkdirSync(home, { recursive: true });
  expected = writeInput();
  await cli.must('local', 'up');
});

afterAll(async () => {
  await cli.must('local', 'down');
  expect(engineProcesses(home)).toEqual([]);
  rmSync(work, { recursive: true, force: true });
});

/** Watches a job's processes from outside: two JobManagers of one job with different epochs alive at once break the first invariant. */
function audit(name: string, violations: string[]): () => void {
  const timer = setInterval(() => {
    const epochs = new Set(
      engineProcesses(home)
        .filter((process) => process.role === 'jobmanager' && belongsTo(process, name))
        .map((process) => process.args[process.args.indexOf('--attempt-epoch') + 1]),
    );
    if (epochs.size > 1) violations.push(`${name}: attempts ${[...epochs].join(' and ')} were alive at once`);
  }, 40);
  return () => clearInterval(timer);
}

const belongsTo = (process: EngineProcess, name: string): boolean =>
  process.args.some((arg) => arg.split('/').includes(name));

/** Kills a random process of the job (or the operator) at a random moment; says which. */
async function killSomething(name: string, random: () => number): Promise<string> {
  await delay(random() * SECONDS * 1000);
  const role = (['operator', 'jobmanager', 'taskmanager'] as const)[Math.floor(random() * 3)]!;
  const candidates = engineProcesses(home).filter(
    (process) => process.role === role && (role === 'operator' || belongsTo(process, name)),
  );
  const victim = candidates[Math.floor(random() * candidates.length)];
  if (victim === undefined) return `${role} (none alive)`;
  try {
    process.kill(victim.pid, 'SIGKILL');
  } catch {
    return `${role} (already gone)`;
  }
  // Another round may kill the operator that this call brings up: then its own call brings it up again.
  if (role === 'operator')
    await eventually('a new operator', 30, async () => (await cli.run('local', 'up')).code === 0);
  return role;
}

async function round(number: number): Promise<string> {
  const random = mulberry32(SEED * 1000 + number);
  const name = `kill-${number}`;
  const violations: string[] = [];
  const stopAudit = audit(name, violations);
  try {
    await cli.must('apply', '-f', writeManifest(name));
    const kills = [await killSomething(name, random)];
    if (random() < 0.5) kills.push(await killSomething(name, random));
    await eventually(`${name} to complete after killing ${kills.join(', ')}`, 60, async () => {
      const { code, stdout } = await cli.run('get', 'flowjobs', name, '-o', 'json');
      if (code !== 0) return false;
      const job = JSON.parse(stdout) as Parameters<typeof condition>[0];
      if (condition(job, 'Failed') === 'True')
        throw new Error(`${name} failed after killing ${kills.join(', ')}: ${JSON.stringify(job.status)}`);
      return condition(job, 'Complete') === 'True';
    });
    const comparison = compareRows(expected, readJsonRows(join(work, 'out', name)), ['w', 'k']);
    if (!isEqual(comparison)) violations.push(`${name}, killed ${kills.join(', ')}: ${summary(comparison)}`);
    await cli.must('delete', name);
    rmSync(join(work, 'out', name), { recursive: true, force: true });
    if (violations.length > 0) throw new Error(violations.join('\n'));
    return `${number}: ${kills.join(', ')}`;
  } finally {
    stopAudit();
  }
}

function summary(comparison: ReturnType<typeof compareRows>): string {
  const { expected: want, actual, equal, missing, duplicated, different, unexpected } = comparison;
  const first = [...missing, ...duplicated, ...unexpected, ...different].slice(0, 3).join('; ');
  return `${equal} of ${want} rows equal, ${actual} written; ${missing.length} missing, ${duplicated.length} doubled, ${unexpected.length} unexpected, ${different.length} different (${first})`;
}

test(
  `${ROUNDS} rounds of kills leave the output of an undisturbed run`,
  async () => {
    let next = 1;
    const log: string[] = [];
    const worker = async (): Promise<void> => {
      while (next <= ROUNDS) log.push(await round(next++));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    console.log(log.join('\n'));
    expect(log).toHaveLength(ROUNDS);
    // A kill may find its victim not started yet or gone already; if that were the rule, the rounds would prove nothing.
    const hits = log.flatMap((line) => line.split(/[:,]/).slice(1)).filter((kill) => !kill.includes('('));
    expect(hits.length).toBeGreaterThanOrEqual(Math.floor(ROUNDS / 2));
  },
  ROUNDS * 20_000,
);
