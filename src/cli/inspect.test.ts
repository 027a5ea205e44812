// `flowjob savepoint inspect` on recorded savepoints: what it shows, and what it says of damaged ones.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { API_VERSION } from '../api/group.ts';
import { testCli, type TestCli } from './testing.ts';

const FIXTURE = resolve('test/fixtures/savepoints/v1/savepoint');

let cli: TestCli;
beforeEach(() => (cli = testCli()));
afterEach(() => cli.close());

/** A copy in the working directory. */
function copy(): string {
  const folder = join(cli.directory, 'copy');
  cpSync(FIXTURE, folder, { recursive: true });
  return folder;
}

test('shows what a savepoint holds, and that it is whole', async () => {
  const { code, out, err } = await cli.run(`savepoint inspect ${FIXTURE}`);
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^Job: +flowjob \(0{31}a\), attempt 1$/m);
  expect(out).toMatch(/^Whole: +yes, every checksum matches$/m);
  expect(out).toMatch(/^agg:by_customer\/orders:\[customer, placed\] +2 +20 +24 +5\.6 KiB$/m);
  expect(out).toMatch(/^window-agg:windows\S+ .*2026-01-01T00:02:01\.999Z$/m);
  expect(out).toContain('source:orders goes on at\n  {"file":"/data/flowjob/input/orders.csv","start":0,');
});

test('shows output that is made visible with it by its sink, of version 1 by the folder that it names', async () => {
  const heading = 'Output that is made visible with it:\n';
  const first = await cli.run(`savepoint inspect ${FIXTURE}`);
  expect(first.out.split(heading)[1]).toMatch(/^ {2}filesystem {"base":"\/data\/flowjob\/output","from":"\.part-/);
  const second = await cli.run(`savepoint inspect ${FIXTURE.replace('v1', 'v2')}`);
  expect(second.out.split(heading)[1]).toMatch(/^ {2}sink:windows {"from":"\.part-/);
});

test('shows state as rows of the named operator, of its uid or a part of it', async () => {
  const whole = await cli.run(`savepoint inspect ${FIXTURE} --operator by_id/`);
  expect(whole.out.split('\n')[0]).toMatch(/^key group +id +count\(\*\) +sum\(qty\) +count\(qty\)$/);
  expect(whole.out).toMatch(/^ +\d+ +9223372036854775807 +\d+ /m);
  const part = await cli.run(`savepoint inspect ${FIXTURE} --operator by_code/ --limit 2 -o json`);
  const { rows } = JSON.parse(part.out) as { rows: { 'count(*)': string; keyGroup: number }[] };
  expect(rows).toHaveLength(2);
  expect(rows[0]).toEqual({
    keyGroup: expect.any(Number),
    code: expect.any(String),
    'count(*)': expect.any(String),
    'max(amount)': expect.stringMatching(/^-?\d+\.\d\d$/),
  });
  const none = await cli.run(`savepoint inspect ${FIXTURE} --operator nobody`);
  expect(none).toMatchObject({
    code: 1,
    err: expect.stringContaining('is called "nobody"; there are\n  agg:by_customer'),
  });
});

test('tells programs the same as people', async () => {
  const { out } = await cli.run(`savepoint inspect ${FIXTURE} -o json`);
  expect(JSON.parse(out)).toMatchObject({
    formatVersion: 1,
    kind: 'SAVEPOINT',
    files: 15,
    damages: [],
    operators: expect.arrayContaining([expect.objectContaining({ uid: 'agg:totals/orders:[]', rows: 1 })]),
  });
});

test('names every damaged file and ends with code 1, and still shows the rest', async () => {
  const folder = copy();
  const files = readdirSync(folder).filter((name) => name.endsWith('.state'));
  const [broken, gone] = files as [string, string];
  const bytes = readFileSync(join(folder, broken));
  bytes[20]! ^= 1;
  writeFileSync(join(folder, broken), bytes);
  rmSync(join(folder, gone));
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  const { code, out, err } = await cli.run('savepoint inspect copy');
  expect(code).toBe(1);
  expect(err).toContain(
    `error: SAVEPOINT_CORRUPT: ${join(folder, broken)} cannot be restored from: the section of operator`,
  );
  expect(err).toContain(
    `${join(folder, gone)} cannot be restored from: the manifest names this file, but it does not exist`,
  );
  expect(out).toMatch(/^Whole: +no: 2 files are damaged$/m);
  expect(out).toContain('Not part of it, and not needed: notes.txt');
  writeFileSync(join(folder, '_metadata'), bytes);
  expect(await cli.run('savepoint inspect copy')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('_metadata'),
  });
});

test('what cannot be read of an operator is not told as empty', async () => {
  const folder = copy();
  for (const name of readdirSync(folder)) if (name.endsWith('.state')) rmSync(join(folder, name));
  const { out } = await cli.run('savepoint inspect copy');
  expect(out).toContain('unreadable');
  expect(out).not.toMatch(/ 0 +0 +0 B/);
});

test('takes the name of a FlowSavepoint, and says what is missing where nothing can be found', async () => {
  const savepoint = await cli.store.create<'FlowSavepoint'>({
    apiVersion: API_VERSION,
    kind: 'FlowSavepoint',
    metadata: { name: 'daily' },
    spec: { jobRef: { name: 'orders' } },
  });
  expect((await cli.run('savepoint inspect daily')).err).toContain('flowsavepoint "daily" has no path: it is Pending');
  await cli.store.updateStatus<'FlowSavepoint'>({
    ...savepoint,
    status: { ...savepoint.status!, state: 'Completed', path: FIXTURE },
  });
  expect(await cli.run('savepoint inspect daily')).toMatchObject({ code: 0 });
  expect((await cli.run('savepoint inspect weekly')).err).toMatch(/"weekly" not found; there are daily/);
  expect((await cli.run('savepoint inspect a/b')).err).toMatch(
    /a\/b: there is no such folder; name the one that holds/,
  );
  expect((await cli.run('savepoint inspect .flowjob')).err).toMatch(/SAVEPOINT_NOT_FOUND/);
});
