// Which processes of a job `--role` means.
import { CommandError } from './context.ts';

/** Those of `processes` (jobmanager, taskmanager-0, ...) that `role` means. Throws CommandError when there is none. */
export function processesOfRole(role: string, processes: readonly string[], where: string): string[] {
  const all =
    role === 'all' ? [...processes] : processes.filter((name) => name === role || name === `${role}-${indexOf(name)}`);
  if (all.length > 0) return all.sort(byRoleAndIndex);
  const there = [...processes].sort(byRoleAndIndex).join(', ');
  throw new CommandError(`${where} has no process "${role}"; it has ${there === '' ? 'none' : there}`);
}

const indexOf = (name: string): number => Number(/-(\d+)$/.exec(name)?.[1] ?? -1);

function byRoleAndIndex(a: string, b: string): number {
  const roles = a.replace(/-\d+$/, '').localeCompare(b.replace(/-\d+$/, ''));
  return roles === 0 ? indexOf(a) - indexOf(b) : roles;
}

/** Lines of several processes say whose they are. */
export function labelled(
  print: (line: string) => void,
  processes: readonly string[],
): (process: string) => (line: string) => void {
  if (processes.length === 1) return () => print;
  return (process) => (line) => print(`[${process}] ${line}`);
}
