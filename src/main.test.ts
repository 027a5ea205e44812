import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FlowJob } from './api/flowjob.ts';
import { LocalRuntime } from './runtime/local/local-runtime.ts';
import { findByArguments } from './runtime/local/process-table.ts';
import { stopJobs } from './runtime/local/stop-jobs.ts';
import { LocalStore } from './store/local/local-store.ts';

const engineFile = resolve(__dirname, 'runtime/local/fake-engine.fixture.ts');
const key = { namespace: 'default', name: 'orders' };
const SEED = Number(process.env['CHAOS_SEED'] ?? 20260214);

/** A linear congruential generator: seeded moments, nothing more. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

let directory: string;
let store: LocalStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowjob-operator-'));
  store = new LocalStore({ directory, now: () => new Date() });
});

afterEach(async () => {
  const runtime = new LocalRuntime({ directory, node: process.execPath, engineFile, now: Date.now });
  await stopJobs({ runtime, store, now: Date.now, checkpointMs: 0 });
  await store.close();
  rmSync(directory, { recursive: true });
});

function startOperator(): ChildProcess {
  const args = [resolve(__dirname, 'main.ts'), '--dir', directory, '--engine', engineFile];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** An operator that is only being loaded does not hear signals yet. The job may run long before: the operator before it had brought it up. */
async function untilItListens(operator: ChildProcess): Promise<void> {
  const log = join(directory, 'operator.log');
  const giveUpAt = Date.now() + 20_000;
  const started = (line: string): boolean =>
    line.includes(`"pid":${operator.pid},`) && line.includes('operator started');
  while (!existsSync(log) || !readFileSync(log, 'utf8').split('\n').some(started)) {
    if (Date.now() > giveUpAt) throw new Error('waited in vain until the operator started');
    await pause(20);
  }
}

/** Processes of the job's attempts, on record or not. */
const processes = (role: string) =>
  Array.from({ length: 20 }, (_, epoch) =>
    findByArguments([join(directory, 'jobs', key.name, `attempt-${epoch}`), role]),
  ).flat();

async function end(operator: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (operator.exitCode === null && operator.signalCode === null) {
    operator.kill(signal);
    await once(operator, 'exit');
  }
  return operator.exitCode;
}

const sql = (version: number): string => `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1');
  CREATE TABLE kept (n BIGINT) WITH ('connector' = 'blackhole');
  INSERT INTO kept SELECT n + ${version} FROM numbers`;

const apply = (version: number, spec: object = {}) =>
  store.apply({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name: key.name },
    spec: { mode: 'Streaming', job: { sql: { inline: sql(version) } }, ...spec },
  });

async function until(what: string, holds: (job: FlowJob | null) => boolean): Promise<FlowJob> {
  const giveUpAt = Date.now() + 20_000;
  for (;;) {
    const job = await store.get('FlowJob', key);
    if (holds(job)) return job!;
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}: ${JSON.stringify(job?.status, null, 1)}`);
    await pause(20);
  }
}

const runs = (version: number) => (job: FlowJob | null) =>
  job?.status?.state === 'Running' && job.status.accepted?.spec.job.sql?.inline === sql(version);

test(`an operator killed at any moment of an upgrade loses nothing (seed ${SEED})`, async () => {
  const next = random(SEED);
  let operator = startOperator();
  await apply(0);
  await until('version 0 runs', runs(0));
  for (let version = 1; version <= 6; version++) {
    await apply(version);
    await pause(next() * 500);
    await end(operator, 'SIGKILL');
    operator = startOperator();
    const job = await until(`version ${version} runs`, runs(version));
    // Every version went on from the savepoint of the one before.
    expect(job.status?.attempt?.restoreFrom).toBe(job.status?.lastSavepoint?.path);
    expect(processes('jobmanager')).toHaveLength(1);
    expect(processes('taskmanager')).toHaveLength(1);
  }
  await untilItListens(operator);
  expect(await end(operator, 'SIGTERM')).toBe(0);
  // A job outlives its operator.
  expect(processes('jobmanager')).toHaveLength(1);
}, 120_000);

test('a second operator on the same folder says who has it, and ends', async () => {
  const first = startOperator();
  await apply(0);
  await until('it runs', runs(0));
  const second = startOperator();
  let said = '';
  second.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(second, 'close');
  expect(second.exitCode).toBe(3);
  expect(said).toContain(`process ${first.pid}`);
  await end(first, 'SIGTERM');
});
