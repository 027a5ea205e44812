// A lock that a process holds: a file that names its holder by pid and start time. A holder that is gone loses it.
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { isAlive, self, type ProcessIdentity } from './process-identity.ts';

/** The process that holds the lock `file`; null when none does. */
export function lockHolder(file: string): ProcessIdentity | null {
  const holder = read(file);
  return holder !== null && isAlive(holder) ? holder : null;
}

/** Takes the lock. Answers how to give it back, or who has it. */
export function takeLock(file: string): { release: () => void } | { holder: ProcessIdentity } {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(self()));
  try {
    for (;;) {
      try {
        linkSync(mine, file);
        return { release: () => release(file) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = read(file);
      if (holder !== null && isAlive(holder)) return { holder };
      takeAway(file, holder);
    }
  } finally {
    unlinkSync(mine);
  }
}

/** Moves a dead holder's lock aside. Whoever moved somebody else's by mistake puts it back: the name is free only for that moment. */
function takeAway(file: string, dead: ProcessIdentity | null): void {
  const aside = `${file}.dead-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = read(aside);
  if (moved !== null && (moved.pid !== dead?.pid || moved.startTime !== dead.startTime) && isAlive(moved))
    linkSync(aside, file);
  unlinkSync(aside);
}

function release(file: string): void {
  if (read(file)?.pid === process.pid) unlinkSync(file);
}

function read(file: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}
