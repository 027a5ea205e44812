// Finding a process that was started but not put on record: by the attempt's own directory on its command line, which no other process has.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { startTimeOf, type ProcessIdentity } from '../../store/local/process-identity.ts';

/** The processes whose command line holds all of `marks` as whole arguments. */
export function findByArguments(marks: readonly string[]): ProcessIdentity[] {
  const found = process.platform === 'linux' ? byProc(marks) : byPs(marks);
  return found.flatMap((pid) => {
    const startTime = startTimeOf(pid);
    return startTime === null ? [] : [{ pid, startTime }];
  });
}

function byProc(marks: readonly string[]): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const given = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      return marks.every((mark) => given.includes(mark)) ? [Number(entry)] : [];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

/** `ps` joins the arguments with spaces: a mark counts when it stands between spaces. */
function byPs(marks: readonly string[]): number[] {
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split(
    '\n',
  );
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s(.*)$/.exec(line);
    if (match === null) return [];
    const command = ` ${match[2]} `;
    return marks.every((mark) => command.includes(` ${mark} `)) ? [Number(match[1])] : [];
  });
}
