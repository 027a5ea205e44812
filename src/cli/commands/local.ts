// `flowjob local up|down|status`: the operator as a process in the background, with everything it knows under one folder.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runningOperator } from '../../controller/operator-lock.ts';
import { LocalRuntime } from '../../runtime/local/local-runtime.ts';
import { stopJobs } from '../../runtime/local/stop-jobs.ts';
import { isAlive } from '../../store/local/process-identity.ts';
import { CommandError, type CliContext } from '../context.ts';
import { LocalStore } from '../../store/local/local-store.ts';
import { objectRows, renderTable } from '../table.ts';

/** Milliseconds that the operator has to come up, and to end. */
const UP_WITHIN = 15_000;
const DOWN_WITHIN = 10_000;

export async function localUp(context: CliContext, directory: string): Promise<void> {
  const already = runningOperator(directory);
  if (already !== null) {
    context.out(`The operator runs already (process ${already.pid}, folder ${directory}).`);
    return;
  }
  mkdirSync(directory, { recursive: true });
  const output = join(directory, 'operator.out');
  const file = openSync(output, 'w');
  const child = spawn(
    context.programs.node(),
    ['--enable-source-maps', context.programs.operatorFile, '--dir', directory],
    {
      detached: true,
      stdio: ['ignore', file, file],
      env: context.env,
      cwd: context.cwd,
    },
  );
  closeSync(file);
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = signal === null ? `exit code ${code}` : `ended by ${signal}`));
  const giveUpAt = performance.now() + UP_WITHIN;
  while (runningOperator(directory) === null) {
    if (ended !== null || performance.now() > giveUpAt) {
      const why = ended ?? `not ready after ${UP_WITHIN / 1000} s`;
      throw new CommandError(
        `the operator did not come up (${why}). It said:\n${readFileSync(output, 'utf8').trimEnd()}`,
      );
    }
    await pause(10);
  }
  child.unref();
  context.out(`The operator runs (process ${runningOperator(directory)?.pid}, folder ${directory}).`);
}

export async function localDown(context: CliContext, directory: string): Promise<void> {
  if (!existsSync(directory)) {
    context.out(`Nothing to stop: there is no folder ${directory}.`);
    return;
  }
  const operator = runningOperator(directory);
  if (operator !== null) {
    process.kill(operator.pid, 'SIGTERM');
    const giveUpAt = performance.now() + DOWN_WITHIN;
    while (isAlive(operator)) {
      // It holds nothing that a SIGKILL could lose: what it decided is in the store.
      if (performance.now() > giveUpAt) process.kill(operator.pid, 'SIGKILL');
      await pause(10);
    }
  }
  // It only ends processes, so any Node does.
  const { engineFile } = context.programs;
  const runtime = new LocalRuntime({ directory, node: process.execPath, engineFile, now: Date.now });
  const stopped = await withStore(context, directory, (store) => stopJobs({ runtime, store, now: Date.now }));
  if (operator === null && stopped.length === 0) {
    context.out(`Nothing to stop: no operator runs on ${directory}.`);
    return;
  }
  const jobs =
    stopped.length === 0
      ? ''
      : ` Jobs stopped with their state kept: ${stopped.join(', ')}. They go on at the next "flowjob local up".`;
  context.out(`${operator === null ? 'No operator ran.' : 'The operator is stopped.'}${jobs}`);
}

/** Exit code 0 when the operator runs, 3 when it does not, as init scripts say. */
export async function localStatus(context: CliContext, directory: string): Promise<number> {
  const operator = runningOperator(directory);
  if (!existsSync(directory)) {
    context.out(`No operator runs, and there is no folder ${directory}.`);
    return 3;
  }
  context.out(
    operator === null
      ? `No operator runs on ${directory}. Start it with: flowjob local up`
      : `The operator runs (process ${operator.pid}, folder ${directory}).`,
  );
  await withStore(context, directory, async (store) => {
    const { items } = await store.list('FlowJob');
    if (items.length === 0) return;
    const { headers, rows } = objectRows('FlowJob', items, { wide: false, now: context.now() });
    context.out(renderTable(headers, rows));
  });
  return operator === null ? 3 : 0;
}

async function withStore<T>(
  context: CliContext,
  directory: string,
  use: (store: LocalStore) => Promise<T>,
): Promise<T> {
  const store = new LocalStore({ directory, now: context.now });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
