// A command line for tests: a folder of its own, output kept, no process started unless a test says which programs to use.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockOperator } from '../controller/operator-lock.ts';
import { LocalStore } from '../store/local/local-store.ts';
import type { CliContext } from './context.ts';
import { runCli } from './program.ts';

export interface TestCli {
  /** Working directory; the operator's folder is `.flowjob` in it. */
  directory: string;
  store: LocalStore;
  context: CliContext;
  /** Splits at spaces. */
  run(line: string): Promise<{ code: number; out: string; err: string }>;
  /** From now on an operator seems to run. Answers how to end it. */
  pretendOperator(): () => void;
  close(): Promise<void>;
}

export function testCli(overrides: Partial<CliContext> = {}): TestCli {
  const directory = mkdtempSync(join(tmpdir(), 'flowjob-cli-'));
  const home = join(directory, '.flowjob');
  const store = new LocalStore({ directory: home, now: () => new Date('2026-01-31T12:00:00Z') });
  const context: CliContext = {
    out: () => undefined,
    err: () => undefined,
    env: {},
    cwd: directory,
    asPlugin: false,
    now: () => new Date('2026-01-31T12:05:00Z'),
    interrupted: new AbortController().signal,
    readInput: async () => '',
    validateSql: () => null,
    queryIntoFiles: () => null,
    programs: { node: () => process.execPath, operatorFile: '', engineFile: '' },
    ...overrides,
  };
  return {
    directory,
    store,
    context,
    async run(line) {
      const [out, err]: [string[], string[]] = [[], []];
      const ours = {
        ...context,
        out: (text: string) => void out.push(text),
        err: (text: string) => void err.push(text),
      };
      const code = await runCli(ours, line.split(' '));
      return { code, out: out.join('\n'), err: err.join('\n') };
    },
    pretendOperator() {
      const lock = lockOperator(home);
      if ('holder' in lock) throw new Error('an operator runs already');
      return lock.release;
    },
    async close() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
