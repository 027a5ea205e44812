// Who a process is: its pid and when it started. A pid alone is used again by the system, so it proves nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** Opaque; two processes with the same pid differ in it. */
  startTime: string;
}

/**
 * When process `pid` started: clock ticks since boot and the boot's id on Linux, `ps` elsewhere. Null when there is no such process. A zombie counts as gone
 * once its last thread has ended: it holds nothing any more.
 */
export function startTimeOf(pid: number): string | null {
  if (process.platform !== 'linux') return startTimeByPs(pid);
  try {
    const ticks = startTicks(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return ticks === null ? null : `${bootId()}/${ticks}`;
  } catch {
    return null;
  }
}

/** When a process started, by its line in /proc; null when it holds nothing any more. */
export function startTicks(stat: string): string | null {
  // The second field, the command in parentheses, may hold spaces; state is the third field, the number of threads the 20th, starttime the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  // A process that was killed is a zombie as soon as its first thread has ended; the others may still hold files and ports.
  if (state === 'X' || (state === 'Z' && Number(fields[17]) <= 1)) return null;
  return fields[19] ?? null;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** This process. */
export function self(): ProcessIdentity {
  current ??= { pid: process.pid, startTime: startTimeOf(process.pid) ?? 'unknown' };
  return current;
}

let current: ProcessIdentity | undefined;
let boot: string | undefined;

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
  return boot;
}

function startTimeByPs(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state = '', ...started] = line.split(/\s+/);
    return state === '' || state.startsWith('Z') ? null : started.join(' ');
  } catch {
    return null;
  }
}
