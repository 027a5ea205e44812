import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './program.ts';
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
  expect(leftOver()).toEqual(before);
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
