// For a test file: an operator of its own in local mode, which is up before its tests; after them nothing of it is left.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cli, engineProcesses } from './cli.ts';

export interface LocalOperator {
  /** Where jobs run. */
  work: string;
  /** Of the operator. */
  home: string;
  /** For what jobs write. */
  out: string;
  cli: Cli;
}

/** `name`: of the folder. */
export function withLocalOperator(name: string): LocalOperator {
  const work = mkdtempSync(join(tmpdir(), `flowjob-${name}-e2e-`));
  const home = join(work, 'home');
  const cli = new Cli(home, work);
  beforeAll(() => cli.must('local', 'up'));
  afterAll(async () => {
    await cli.must('local', 'down');
    expect(engineProcesses(home)).toEqual([]);
    rmSync(work, { recursive: true });
  });
  return { work, home, out: join(work, 'out'), cli };
}
