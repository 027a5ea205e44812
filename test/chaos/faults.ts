// Faults as the system meets them: signals to processes that are alive. Counted by kind, and only when they hit.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export type FaultKind =
  | 'SIGKILL operator'
  | 'SIGKILL JobManager'
  | 'SIGKILL TaskManager'
  | 'SIGKILL everything'
  | 'SIGSTOP operator'
  | 'SIGSTOP JobManager'
  | 'SIGSTOP TaskManager'
  | 'disk full';

/** What has hit so far. A fault that found its victim gone, or the job ended, is not in it. */
export class FaultTally {
  private readonly counts = new Map<FaultKind, number>();
  private readonly wanted: number;

  constructor(wanted = Infinity) {
    this.wanted = wanted;
  }

  hit(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** As many as were wanted: rounds under way go on to their end without more. */
  get enough(): boolean {
    return this.total >= this.wanted;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `SIGKILL JobManager 12, SIGSTOP TaskManager 4`. */
  toString(): string {
    const parts = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
    return parts.length === 0 ? 'none' : parts.join(', ');
  }
}

/** True when the signal reached a process. */
export function signal(pid: number | undefined, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Stops a process for a while; it goes on even when what happens meanwhile throws. False: it was gone already. */
export async function pause(pid: number | undefined, meanwhile: () => Promise<unknown>): Promise<boolean> {
  if (!signal(pid, 'SIGSTOP')) return false;
  try {
    await meanwhile();
  } finally {
    signal(pid, 'SIGCONT');
  }
  return true;
}

/** SIGKILL, and the process is gone. False: it was gone already. */
export async function killed(child: ChildProcess | null): Promise<boolean> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return false;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  return child.signalCode === 'SIGKILL';
}

export const wait = (ms: number): Promise<void> => delay(ms);
