// The operator and the engine need Node 24; the command line itself runs on 20 and finds them a newer one, or says what is missing.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from './context.ts';

const NEEDED = 24;

/** Path of a Node binary that is new enough: this one, else the one that `npm ci` put beside `program`. Throws CommandError when there is none. */
export function findNode(program: string, current = { path: process.execPath, version: process.version }): string {
  if (major(current.version) >= NEEDED) return current.path;
  for (let folder = dirname(program); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(candidate) && major(versionOf(candidate)) >= NEEDED) return candidate;
    if (folder === dirname(folder)) break;
  }
  throw new CommandError(
    `jobs need Node ${NEEDED} or newer, and this is ${current.version}; run it through npm (npm run -s flowjob -- ...), or install Node ${NEEDED}`,
  );
}

function versionOf(node: string): string {
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8' });
  } catch {
    // Made for another platform.
    return 'v0';
  }
}

function major(version: string): number {
  return Number(/^v(\d+)/.exec(version)?.[1] ?? 0);
}
