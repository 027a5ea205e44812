// A process is gone when nothing of it is left that holds a file or a port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAlive, startTicks, startTimeOf } from './process-identity.ts';

/** A line of /proc/PID/stat: a command with spaces and parentheses, as a process may choose one. */
const stat = (state: string, threads: number): string =>
  `4711 (a (b) c) ${state} 1 4711 4711 0 -1 4194560 100 0 0 0 5 3 0 0 20 0 ${threads} 0 123456 1000 50`;

test('a process that runs or sleeps is known by its start', () => {
  expect(startTicks(stat('R', 1))).toBe('123456');
  expect(startTicks(stat('S', 11))).toBe('123456');
});

test('a zombie is gone', () => {
  expect(startTicks(stat('Z', 1))).toBeNull();
  expect(startTicks(stat('X', 0))).toBeNull();
});

test('a zombie with threads that are still ending is not gone: they may hold its port', () => {
  expect(startTicks(stat('Z', 7))).toBe('123456');
});

test('a process is alive until it was ended, and another one with its pid would not be taken for it', async () => {
  const child = spawn('sleep', ['60']);
  const identity = { pid: child.pid!, startTime: startTimeOf(child.pid!)! };
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, startTime: 'another' })).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(identity)).toBe(false);
});
