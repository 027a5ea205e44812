// Runs the test that is to catch a mutation, in a copy of the tree, and says what it saw.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Catcher } from './mutation.ts';

/** `passed`: nothing wrong was seen. `broken`: the test did not come to a verdict, which proves nothing. */
export type Verdict = { kind: 'passed' } | { kind: 'failed'; by: string[] } | { kind: 'broken'; why: string };

const TIMEOUT_MS = 120_000;

export async function runCatcher(root: string, catcher: Catcher): Promise<Verdict> {
  return 'test' in catcher ? runUnitTest(root, catcher.test) : runSchedules(root, catcher.seeds);
}

export function describeCatcher(catcher: Catcher): string {
  return 'test' in catcher
    ? catcher.test
    : `seeds ${catcher.seeds.from} to ${catcher.seeds.from + catcher.seeds.count - 1}`;
}

interface JestReport {
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

async function runUnitTest(root: string, file: string): Promise<Verdict> {
  const output = join(root, 'jest-report.json');
  rmSync(output, { force: true });
  const pattern = `^.*/${file.replaceAll('.', '\\.')}$`;
  const args = ['--selectProjects', 'unit', '--testPathPatterns', pattern, '--ci', '--silent', '--forceExit'];
  const log = await run(root, [
    join('node_modules', 'jest', 'bin', 'jest.js'),
    ...args,
    '--json',
    '--outputFile',
    output,
  ]);
  if (!existsSync(output)) return { kind: 'broken', why: `jest made no report: ${log}` };
  const results = (JSON.parse(readFileSync(output, 'utf8')) as JestReport).testResults;
  const assertions = results.flatMap(({ assertionResults }) => assertionResults);
  if (assertions.length === 0) return { kind: 'broken', why: `no test has run: ${results[0]?.message ?? log}` };
  const failed = assertions.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  return failed.length === 0 ? { kind: 'passed' } : { kind: 'failed', by: failed };
}

async function runSchedules(root: string, seeds: { from: number; count: number }): Promise<Verdict> {
  const log = await run(root, [join('test', 'mutation', 'schedules.ts'), String(seeds.from), String(seeds.count)]);
  const last = log.trimEnd().split('\n').at(-1) ?? '';
  if (last === 'no violation') return { kind: 'passed' };
  return last.startsWith('seed ') ? { kind: 'failed', by: [last] } : { kind: 'broken', why: log.slice(-2000) };
}

/** Everything that the program prints. */
async function run(root: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const;
    execFile(process.execPath, args, options, (_error, stdout, stderr) => resolve(`${stderr}\n${stdout}`));
  });
}
