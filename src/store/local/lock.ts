// One writer at a time, across processes, on a file system without locks. The lock is a chain of files `lock.<n>`: whoever creates the next number holds it,
// and the highest number never goes. A holder that died is known by its pid and start time, and the next number is taken in its place.
//
// Why this is safe: numbers only rise, and a claim of n counts only if no higher file stands there after it was made. A slow process that read an old state
// of the chain can at most create a number below the highest, sees that, and withdraws it.
import { linkSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '../port.ts';
import { readIfThere, removeIfThere, temporaryName } from './files.ts';
import { isAlive, self, type ProcessIdentity } from './process-identity.ts';

interface LockFile extends ProcessIdentity {
  held: boolean;
}

export interface HeldLock {
  /** False when the last holder died before it released the lock: what it was doing may be half-done. */
  clean: boolean;
  release(): void;
}

const LOCK_FILE = /^lock\.(\d+)$/;

/** Waits for the lock in `directory`. Throws StoreError Busy, naming the holder, after `timeoutMs`. */
export async function acquireLock(directory: string, timeoutMs = 10_000): Promise<HeldLock> {
  const giveUpAt = performance.now() + timeoutMs;
  for (let waitMs = 0.5; ; waitMs = Math.min(waitMs * 1.5, 10)) {
    const outcome = tryLock(directory);
    if ('release' in outcome) return outcome;
    if (performance.now() > giveUpAt)
      throw new StoreError(
        'Busy',
        `process ${outcome.pid} has been writing to ${directory} for longer than ${timeoutMs} ms; end it if it hangs, then try again`,
      );
    await pause(waitMs);
  }
}

/** The lock, or who has it. */
function tryLock(directory: string): HeldLock | ProcessIdentity {
  const highest = highestNumber(directory);
  let clean = true;
  if (highest > 0) {
    const text = readIfThere(join(directory, `lock.${highest}`));
    // Gone already: somebody took the next number and cleared this one away.
    if (text === null) return self();
    const holder = parse(text);
    if (holder !== null && holder.held && isAlive(holder)) return holder;
    clean = holder !== null && !holder.held;
  }
  const mine = join(directory, `lock.${highest + 1}`);
  if (!claim(mine)) return self();
  if (highestNumber(directory) !== highest + 1) {
    removeIfThere(mine);
    return self();
  }
  for (const number of lockNumbers(directory)) if (number <= highest) removeIfThere(join(directory, `lock.${number}`));
  return { clean, release: () => replace(mine, false) };
}

/** Null when a crash of the whole machine left the file empty: its holder is gone then too. */
function parse(text: string): LockFile | null {
  try {
    return JSON.parse(text) as LockFile;
  } catch {
    return null;
  }
}

/** Creates the file with its content in one step, so that nobody reads it half-written. False when it is there already. */
function claim(path: string): boolean {
  const temporary = temporaryName(path);
  writeFileSync(temporary, content(true));
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    removeIfThere(temporary);
  }
}

function replace(path: string, held: boolean): void {
  const temporary = temporaryName(path);
  writeFileSync(temporary, content(held));
  renameSync(temporary, path);
}

function content(held: boolean): string {
  return JSON.stringify({ ...self(), held } satisfies LockFile);
}

function lockNumbers(directory: string): number[] {
  return readdirSync(directory).flatMap((name) => {
    const number = LOCK_FILE.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

function highestNumber(directory: string): number {
  return Math.max(0, ...lockNumbers(directory));
}
