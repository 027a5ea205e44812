// How the npm scripts for tests that need more than Node start jest: one test file at a time, as all of them need the machine. `--full` adds the tests that take
// a suite past its time (`full` of test/kubernetes/full.ts); everything else goes to jest.
import { spawnSync } from 'node:child_process';

/** Returns the exit code. */
export function runJest(projects: readonly string[], args: readonly string[]): number {
  const isFull = args.includes('--full');
  const { status } = spawnSync(
    process.execPath,
    [
      'node_modules/jest/bin/jest.js',
      ...['--selectProjects', ...projects, '--runInBand'],
      ...args.filter((arg) => arg !== '--full'),
    ],
    { stdio: 'inherit', env: { ...process.env, ...(isFull ? { FLOWJOB_FULL: '1' } : {}) } },
  );
  return status ?? 1;
}
