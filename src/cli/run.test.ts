import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findByArguments } from '../runtime/local/process-table.ts';
import { isAlive } from '../store/local/process-identity.ts';
import { runCli } from './program.ts';
import { clearDeadRuns, createRunFolder } from './run-folder.ts';
import { testCli, type TestCli } from './testing.ts';

let cli: TestCli;
const interrupt = { now: new AbortController() };
const engineFile = join(__dirname, '../runtime/local/fake-engine.fixture.ts');

beforeEach(() => {
  interrupt.now = new AbortController();
  cli = testCli({
    interrupted: interrupt.now.signal,
    programs: { node: () => process.execPath, operatorFile: '', engineFile },
  });
});
afterEach(() => cli.close());

const leftOver = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('flowjob-run-'));

test('a job that finishes has exit code 0, says how much it did, and leaves nothing behind', async () => {
  const before = leftOver();
  writeFileSync(join(cli.directory, 'count.sql'), '-- finish\nSELECT 1');
  const { code, err } = await cli.run('run count.sql');
  expect(code).toBe(0);
  expect(err).toMatch(/^Finished in \d+\.\d s: 3 rows read, 2 rows written\.$/);
  expect(leftOver().filter((name) => !before.includes(name))).toEqual([]);
});

test('a bare query of a batch is shown as a table under its header', async () => {
  writeFileSync(join(cli.directory, 'count.sql'), '-- finish\nSELECT 1');
  const written: string[] = [];
  const context = {
    ...cli.context,
    out: (text: string) => void written.push(text),
    queryIntoFiles: (_name: string, _spec: unknown, directory: string) => {
      // What the engine would do; the stand-in writes nothing.
      mkdirSync(directory);
      writeFileSync(join(directory, 'part-1.csv'), 'LAX,7\n');
      return {
        sql: '-- finish',
        columns: [
          { name: 'origin', numeric: false },
          { name: 'n', numeric: true },
        ],
      };
    },
  };
  expect(await runCli(context, ['run', 'count.sql'])).toBe(0);
  expect(written.join('\n')).toBe('origin   n\nLAX      7');
});

test('a job that fails has exit code 1 and tells the root cause', async () => {
  writeFileSync(join(cli.directory, 'count.sql'), '-- fail\nSELECT 1');
  const { code, err } = await cli.run('run count.sql');
  expect(code).toBe(1);
  expect(err).toMatch(/the job failed after .* s: CSV_BAD_ROW: the file is not to our taste/);
});

test('Ctrl-C cancels the job: exit code 130', async () => {
  writeFileSync(
    join(cli.directory, 'job.yaml'),
    'apiVersion: flowjob.dev/v1alpha1\nkind: FlowJob\nmetadata: {name: endless}\nspec: {mode: Streaming, job: {sql: {inline: SELECT 1}}}\n',
  );
  const running = cli.run('run job.yaml');
  interrupt.now.abort();
  expect((await running).code).toBe(130);
});

test('what cannot be run is refused before anything is started', async () => {
  writeFileSync(join(cli.directory, 'empty.yaml'), '# nothing\n');
  writeFileSync(join(cli.directory, 'bad.sql'), 'SELEC 1');
  const refusing = {
    ...cli.context,
    validateSql: () => ({ code: 'SQL_SYNTAX', message: 'unexpected "SELEC"', line: 1, column: 1 }),
  };
  const errors: string[] = [];
  expect(await runCli({ ...refusing, err: (text) => void errors.push(text) }, ['run', 'bad.sql'])).toBe(1);
  expect(errors).toEqual(['error: bad.sql:1:1: SQL_SYNTAX: unexpected "SELEC"']);
  expect((await cli.run('run empty.yaml')).err).toBe('error: empty.yaml: no manifest in it');
  expect((await cli.run('run nowhere.sql')).err).toBe('error: nowhere.sql: there is no such file');
});

describe('a run that was killed', () => {
  const left = (): string[] => readdirSync(cli.directory).filter((name) => name.startsWith('flowjob-run-'));
  const engineProcesses = () =>
    left().flatMap((name) =>
      findByArguments(['--config-dir', join(cli.directory, name, 'jobs', 'orders', 'attempt-1')]),
    );
  const runHere = async (file: string): Promise<number> =>
    runCli({ ...cli.context, env: { TMPDIR: cli.directory } }, ['run', file]);

  test('leaves nothing for the next run: its processes end, its folder goes, and the spec’s storage is free', async () => {
    const storage = `file://${join(cli.directory, 'storage')}`;
    const manifest = (sql: string): string =>
      `apiVersion: flowjob.dev/v1alpha1\nkind: FlowJob\nmetadata: {name: orders}\nspec: {mode: Streaming, state: {storage: {uri: '${storage}'}}, job: {sql: {inline: "${sql}"}}}\n`;
    writeFileSync(join(cli.directory, 'endless.yaml'), manifest('SELECT 1'));
    writeFileSync(join(cli.directory, 'next.yaml'), manifest('-- finish'));
    const script = `
      import { testCli } from '${join(__dirname, 'testing.ts')}';
      const programs = { node: () => process.execPath, operatorFile: '', engineFile: '${engineFile}' };
      const cli = testCli({ programs, cwd: '${cli.directory}', env: { TMPDIR: '${cli.directory}' } });
      await cli.run('run endless.yaml');`;
    const killed = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TMPDIR: cli.directory },
    });
    const gone = new Promise((resolve) => killed.once('exit', resolve));
    while (engineProcesses().length < 2) await pause(10);
    killed.kill('SIGKILL');
    await gone;
    const orphans = engineProcesses();
    expect(orphans).toHaveLength(2);

    expect(await runHere('next.yaml')).toBe(0);
    expect(orphans.filter(isAlive)).toEqual([]);
    expect(left()).toEqual([]);
    // Another attempt with the same epoch: what a run writes into the storage of the spec would fence it off.
    expect(await runHere('next.yaml')).toBe(0);
    expect(readdirSync(cli.directory)).not.toContain('storage');
  });

  test('is told from one that goes on, which is left alone', async () => {
    const env = { TMPDIR: cli.directory };
    const folder = createRunFolder(env);
    await clearDeadRuns(env, { node: process.execPath, engineFile });
    expect(left()).toEqual([basename(folder)]);
  });
});
