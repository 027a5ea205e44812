// What a process of this machine has used, from /proc.
import { readFileSync } from 'node:fs';

/** Clock ticks per second: USER_HZ, 100 on every Linux. */
const TICKS = 100;

/** User and system time since its start, seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The most resident memory that it has had, MiB. */
export function peakMebibytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}
