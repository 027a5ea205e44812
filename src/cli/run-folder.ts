// The folder of one `flowjob run`: it names its owner, so that the next run clears away what a killed one left, running processes among it.
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalRuntime } from '../runtime/local/local-runtime.ts';
import { readUndamaged } from '../store/local/files.ts';
import { isAlive, self, type ProcessIdentity } from '../store/local/process-identity.ts';

const PREFIX = 'flowjob-run-';
const OWNER = 'owner.json';

type Environment = Readonly<Record<string, string | undefined>>;

const parentOf = (env: Environment): string => env['TMPDIR'] ?? tmpdir();

/** A new folder that only this user can read. */
export function createRunFolder(env: Environment): string {
  const directory = mkdtempSync(join(parentOf(env), PREFIX));
  writeFileSync(join(directory, OWNER), JSON.stringify(self()));
  return directory;
}

/**
 * Ends the processes of runs whose command line was killed, and removes their folders: nobody waits for them any more, and a stream would write beside
 * the next run for ever. Folders of other users, and those whose owner is not on record, are left alone.
 */
export async function clearDeadRuns(env: Environment, programs: { node: string; engineFile: string }): Promise<void> {
  for (const name of readdirSync(parentOf(env)).filter((entry) => entry.startsWith(PREFIX))) {
    const directory = join(parentOf(env), name);
    const owner = ownerOf(directory);
    if (owner === null || isAlive(owner)) continue;
    await endRun(new LocalRuntime({ directory, ...programs, now: Date.now }));
    await rm(directory, { recursive: true, force: true });
  }
}

/** Resolves when no process of the runtime's jobs is left. */
export async function endRun(runtime: LocalRuntime): Promise<void> {
  for (const key of runtime.jobs()) {
    runtime.stopProcesses(key, Number.MAX_SAFE_INTEGER, false);
    while (runtime.processes(key).some((process) => process.state === 'Running')) await pause(10);
  }
}

function ownerOf(directory: string): ProcessIdentity | null {
  try {
    return readUndamaged(join(directory, OWNER)) as ProcessIdentity | null;
  } catch (error) {
    if (['EACCES', 'EPERM', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
