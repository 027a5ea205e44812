import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../api/flowjob.ts';
import { resolveSpec } from '../api/resolved.ts';
import { lockOperator } from '../controller/operator-lock.ts';
import { attemptFiles } from '../runtime/local/layout.ts';
import { runCli } from './program.ts';
import { testCli, type TestCli } from './testing.ts';

let cli: TestCli;
beforeEach(() => (cli = testCli()));
afterEach(() => cli.close());

const manifest = (name: string, mode = 'Streaming', more = ''): string => `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: ${mode}
  job: {sql: {inline: SELECT 1}}
${more}`;

const file = (name: string, text: string): void => writeFileSync(join(cli.directory, name), text);
const job = async (name: string): Promise<FlowJob | null> => cli.store.get('FlowJob', { namespace: 'default', name });

/** Writes status as the operator would. */
async function report(name: string, change: Partial<NonNullable<FlowJob['status']>>): Promise<void> {
  const read = (await job(name))!;
  await cli.store.updateStatus<'FlowJob'>({ ...read, status: { ...read.status!, ...change } });
}
const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string, generation = 1) => ({
  type,
  status,
  reason,
  observedGeneration: generation,
  lastTransitionTime: '2026-01-31T12:00:00Z',
  message: `it is ${reason}`,
});

describe('apply', () => {
  test('creates, changes and leaves alone, and warns when no operator will act', async () => {
    file('jobs.yaml', `${manifest('a')}---\n${manifest('b')}`);
    const first = await cli.run('apply -f jobs.yaml');
    expect(first).toMatchObject({ code: 0, out: 'flowjob/a created\nflowjob/b created' });
    expect(first.err).toMatch(/no operator runs on .*\.flowjob\. Start one with: flowjob local up/);
    file('jobs.yaml', `${manifest('a')}---\n${manifest('b', 'Streaming', '  suspend: true\n')}`);
    expect((await cli.run('apply -f jobs.yaml')).out).toBe('flowjob/a unchanged\nflowjob/b configured');
  });

  test('one bad manifest keeps the whole set from being applied', async () => {
    file('jobs.yaml', `${manifest('a')}---\n${manifest('b', 'Steaming')}`);
    const { code, out, err } = await cli.run('apply -f jobs.yaml');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      [
        'error: jobs.yaml (document 2): FlowJob "b" is invalid:',
        '  spec.mode: Unsupported value: "Steaming": supported values: "Streaming", "Batch", "Automatic"',
        '    did you mean "Streaming"?',
        'Nothing was changed.',
      ].join('\n'),
    );
    expect(await job('a')).toBeNull();
  });

  test('SQL that cannot be planned is refused with line and column', async () => {
    await cli.close();
    cli = testCli({
      validateSql: () => ({
        code: 'SQL_SYNTAX',
        message: 'unexpected "FORM"\n1 | SELECT 1 FORM t',
        line: 1,
        column: 10,
      }),
    });
    file('a.yaml', manifest('a'));
    const { code, err } = await cli.run('apply -f a.yaml');
    expect(code).toBe(1);
    expect(err).toContain('spec.job.sql.inline (line 1, column 10): SQL_SYNTAX\n    unexpected "FORM"');
    expect(await job('a')).toBeNull();
  });

  test('broken YAML is named by file, line and column', async () => {
    file('a.yaml', 'kind: FlowJob\nspec: [1,\nmode: x: y\n');
    expect((await cli.run('apply -f a.yaml')).err).toMatch(/^error: a\.yaml:\d+:\d+: not YAML: /);
  });

  test('a folder is applied file by file; other files in it do not matter', async () => {
    mkdirSync(join(cli.directory, 'jobs'));
    file('jobs/b.yaml', manifest('b'));
    file(
      'jobs/a.json',
      JSON.stringify({
        apiVersion: 'flowjob.dev/v1alpha1',
        kind: 'FlowSavepoint',
        metadata: { name: 's' },
        spec: { jobRef: { name: 'b' } },
      }),
    );
    file('jobs/notes.txt', 'nothing');
    expect((await cli.run('apply -f jobs')).out).toBe('flowsavepoint/s created\nflowjob/b created');
  });

  test.each([
    ['apply -f nowhere.yaml', 'nowhere.yaml: there is no such file or folder'],
    ['apply -f empty.yaml', 'empty.yaml: no manifest in it'],
    [
      'apply -f twice.yaml',
      'twice.yaml (document 2): FlowJob "a" stands in twice.yaml (document 1) already; remove one of the two',
    ],
    ['apply -f list.yaml', 'list.yaml: document "" is invalid'],
    ['apply -f nameless.yaml', 'metadata.name: Required value'],
    ['apply -f other.yaml', 'kind: Unsupported value: "Deployment": supported values: "FlowJob", "FlowSavepoint"'],
  ])('%s says what is wrong', async (line, message) => {
    file('empty.yaml', '# nothing\n');
    file('twice.yaml', `${manifest('a')}---\n${manifest('a')}`);
    file('list.yaml', '- 1\n');
    file('nameless.yaml', 'apiVersion: flowjob.dev/v1alpha1\nkind: FlowJob\nspec: {}\n');
    file('other.yaml', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n');
    const { code, err } = await cli.run(line);
    expect([code, err]).toEqual([1, expect.stringContaining(message)]);
  });

  test('standard input is read for -f -, and a dry run writes nothing', async () => {
    await cli.close();
    cli = testCli({ readInput: async () => manifest('a') });
    expect((await cli.run('apply -f - --dry-run')).out).toBe('flowjob/a created (dry run)');
    expect(await job('a')).toBeNull();
  });
});

describe('get', () => {
  beforeEach(async () => {
    file('jobs.yaml', `${manifest('flights')}---\n${manifest('orders', 'Batch')}`);
    await cli.run('apply -f jobs.yaml');
    await report('flights', { state: 'Running', parallelism: 2, conditions: [condition('Ready', 'True', 'Running')] });
  });

  test('prints the columns of the CRD', async () => {
    expect((await cli.run('get')).out).toBe(
      [
        'NAME      MODE        STATE     READY     PARALLELISM   AGE',
        'flights   Streaming   Running   True      2             0s',
        'orders    Batch                 Unknown                 0s',
      ].join('\n'),
    );
    expect((await cli.run('get fj flights -o wide')).out).toContain('REASON');
  });

  test.each(['get flights', 'get fj/flights', 'get flowjobs flights', 'get flowjob.flowjob.dev/flights'])(
    '%s names one object',
    async (line) => {
      expect((await cli.run(`${line} -o name`)).out).toBe('flowjob/flights');
    },
  );

  test('JSON and YAML are manifests that apply takes back unchanged', async () => {
    const { out } = await cli.run('get orders -o yaml');
    expect(out).not.toContain('last-applied');
    file('back.yaml', out);
    await cli.run('apply -f back.yaml');
    expect((await job('orders'))?.metadata.generation).toBe(1);
    expect(JSON.parse((await cli.run('get -o json')).out)).toMatchObject({ kind: 'List', items: [{}, {}] });
  });

  test('a name that is not there brings the one that was meant', async () => {
    const { code, err } = await cli.run('get flight');
    expect([code, err]).toEqual([1, 'error: flowjob "flight" not found; did you mean flights?']);
    expect((await cli.run('get flowjbos flights')).err).toBe(
      'error: there is no kind "flowjbos": did you mean flowjobs?',
    );
  });

  test('-w goes on with each change, until it is interrupted', async () => {
    const interrupt = new AbortController();
    const lines: string[] = [];
    Object.assign(cli.context, { interrupted: interrupt.signal });
    const seen = (line: string): void => {
      lines.push(line);
      if (line.includes('Suspended')) interrupt.abort();
    };
    const watching = runCli({ ...cli.context, out: seen }, ['get', 'flights', '-w']);
    await report('flights', { state: 'Suspending' });
    await report('flights', { state: 'Suspended' });
    expect(await watching).toBe(0);
    expect(lines.at(-1)).toBe('flights   Streaming   Suspended   True    2             0s');
  });
});

describe('describe', () => {
  test('shows spec, status, conditions and events', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    await report('a', { state: 'Running', conditions: [condition('Ready', 'True', 'Running')] });
    const regarding = {
      kind: 'FlowJob' as const,
      namespace: 'default',
      name: 'a',
      uid: (await job('a'))!.metadata.uid,
    };
    await cli.store.recordEvent({ regarding, type: 'Warning', reason: 'ProcessLost', message: 'TaskManager 0 ended.' });
    await cli.store.recordEvent({ regarding, type: 'Warning', reason: 'ProcessLost', message: 'TaskManager 0 ended.' });
    const { out } = await cli.run('describe a');
    for (const line of [
      'Name: a',
      '  Task Manager:',
      '    Slots: 2',
      '      Inline: SELECT 1',
      '  State: Running',
      '  Ready   True     Running   it is Running',
      '  Warning   ProcessLost   5m (x2 over 5m)   TaskManager 0 ended.',
    ])
      expect(out.split('\n')).toContain(line);
  });

  test('shows labels and annotations under their own names, and not what kubectl apply notes for itself', async () => {
    const applied = 'kubectl.kubernetes.io/last-applied-configuration';
    const noted = `labels: {app: shop}, annotations: {flowjob.dev/pause: "true", ${applied}: "{}"}`;
    file('a.yaml', manifest('a').replace('{name: a}', `{name: a, ${noted}}`));
    await cli.run('apply -f a.yaml');
    const { out } = await cli.run('describe a');
    expect(out.split('\n')).toEqual(expect.arrayContaining(['  app: shop', '  flowjob.dev/pause: true']));
    expect(out.toLowerCase()).not.toContain(applied);
  });

  test('tells the SQL once, unless another version runs', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    const { spec } = (await job('a'))!;
    const accepted = { generation: 1, specHash: 'x', spec: resolveSpec(spec) };
    await report('a', { state: 'Running', accepted });
    const count = async (text: string): Promise<number> => (await cli.run('describe a')).out.split(text).length - 1;
    expect(await count('SELECT 1')).toBe(1);
    file('a.yaml', manifest('a', 'Streaming', '  restartNonce: 1\n'));
    await cli.run('apply -f a.yaml');
    expect([await count('SELECT 1'), await count('<as in spec>'), await count('Restart Nonce: 0')]).toEqual([1, 1, 1]);
    file('a.yaml', manifest('a').replace('SELECT 1', 'SELECT 2'));
    await cli.run('apply -f a.yaml');
    expect([await count('SELECT 1'), await count('SELECT 2')]).toEqual([1, 1]);
  });
});

describe('delete', () => {
  test('an object that nobody holds goes at once; an unknown name deletes nothing', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    expect((await cli.run('delete a b')).code).toBe(1);
    expect(await job('a')).not.toBeNull();
    expect((await cli.run('delete -f a.yaml')).out).toBe('flowjob/a deleted');
    expect(await job('a')).toBeNull();
  });

  test('it waits until the operator has let the object go', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    const read = (await job('a'))!;
    await cli.store.update<'FlowJob'>({
      ...read,
      metadata: { ...read.metadata, finalizers: ['flowjob.dev/operator'] },
    });
    expect((await cli.run('delete a')).err).toMatch(/a: goes when an operator has cleaned up/);
    const release = cli.pretendOperator();
    const asked = Promise.withResolvers<void>();
    const lines: string[] = [];
    const out = (line: string): void => {
      lines.push(line);
      asked.resolve();
    };
    const deleting = runCli({ ...cli.context, out }, ['delete', 'a']);
    await asked.promise;
    const held = (await job('a'))!;
    await cli.store.update<'FlowJob'>({ ...held, metadata: { ...held.metadata, finalizers: [] } });
    expect([await deleting, lines]).toEqual([0, ['flowjob/a deleted']]);
    expect((await cli.run('apply -f a.yaml')).code).toBe(0);
    release();
  });

  test('it tells where the savepoint is that the job was stopped with', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    await report('a', { lastSavepoint: savepointAt('/state/sp-0') });
    const read = (await job('a'))!;
    const metadata = { ...read.metadata, finalizers: ['flowjob.dev/operator'] };
    await cli.store.update<'FlowJob'>({ ...read, metadata });
    const release = cli.pretendOperator();
    const deleting = cli.run('delete a');
    while ((await job('a'))?.metadata.deletionTimestamp === undefined);
    await report('a', { lastSavepoint: savepointAt('/state/sp-1') });
    const held = (await job('a'))!;
    await cli.store.update<'FlowJob'>({ ...held, metadata: { ...held.metadata, finalizers: [] } });
    expect((await deleting).out).toBe('flowjob/a deleted\nflowjob/a was stopped with a savepoint at /state/sp-1');
    release();
  });

  test('of several jobs it tells that of each, whichever goes first', async () => {
    for (const name of ['a', 'b']) {
      file(`${name}.yaml`, manifest(name));
      await cli.run(`apply -f ${name}.yaml`);
      const read = (await job(name))!;
      const metadata = { ...read.metadata, finalizers: ['flowjob.dev/operator'] };
      await cli.store.update<'FlowJob'>({ ...read, metadata });
    }
    const release = cli.pretendOperator();
    const deleting = cli.run('delete a b');
    while ((await job('b'))?.metadata.deletionTimestamp === undefined);
    for (const name of ['b', 'a']) {
      await report(name, { lastSavepoint: savepointAt(`/state/${name}`) });
      const held = (await job(name))!;
      await cli.store.update<'FlowJob'>({ ...held, metadata: { ...held.metadata, finalizers: [] } });
      while ((await job(name)) !== null);
    }
    expect((await deleting).out.split('\n').sort()).toEqual([
      'flowjob/a deleted',
      'flowjob/a was stopped with a savepoint at /state/a',
      'flowjob/b deleted',
      'flowjob/b was stopped with a savepoint at /state/b',
    ]);
    release();
  });

  test('while an object is being deleted it cannot be applied', async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
    const read = (await job('a'))!;
    await cli.store.update<'FlowJob'>({
      ...read,
      metadata: { ...read.metadata, finalizers: ['flowjob.dev/operator'] },
    });
    await cli.run('delete a --wait=false');
    expect((await cli.run('apply -f a.yaml')).err).toMatch(
      /flowjob "a" is being deleted; wait until it is gone: flowjob wait flowjob\/a --for delete/,
    );
  });
});

test('apply asks for its file', async () => {
  const { code, err } = await cli.run('apply');
  expect(code).toBe(1);
  expect(err).toContain("required option '-f, --filename <path>' not specified");
});

test('suspend and resume change one field and say when there is nothing to do', async () => {
  file('a.yaml', manifest('a'));
  await cli.run('apply -f a.yaml');
  expect((await cli.run('suspend a')).out).toBe('flowjob/a suspended');
  expect((await cli.run('suspend a')).out).toBe('flowjob/a is suspended already');
  expect((await job('a'))?.spec.suspend).toBe(true);
  expect((await cli.run('resume fj/a')).out).toBe('flowjob/a resumed');
});

test('suspend does not claim to have stopped a batch that has come to its end', async () => {
  file('a.yaml', manifest('a', 'Batch'));
  await cli.run('apply -f a.yaml');
  await report('a', { state: 'Finished' });
  expect((await cli.run('suspend a')).out).toBe(
    'flowjob/a has finished: there is nothing to suspend; spec.suspend is true now and holds back another run that spec.restartNonce asks for',
  );
  expect((await job('a'))?.spec.suspend).toBe(true);
  expect((await cli.run('suspend a')).out).toBe('flowjob/a has finished: there is nothing to suspend');
});

const savepointAt = (path: string) => ({
  path,
  triggerId: 'a'.repeat(32),
  jobId: 'b'.repeat(32),
  completedAt: '2026-01-31T12:00:00Z',
});

test('apply to a finished job says that nothing is run for it, unless another run is asked for', async () => {
  file('a.yaml', manifest('a', 'Batch'));
  await cli.run('apply -f a.yaml');
  const { spec } = (await job('a'))!;
  await report('a', {
    state: 'Finished',
    accepted: { generation: 1, specHash: 'c'.repeat(32), spec: resolveSpec(spec) },
  });
  file('a.yaml', manifest('a', 'Batch').replace('SELECT 1', 'SELECT 2'));
  expect((await cli.run('apply -f a.yaml')).out).toBe(
    'flowjob/a configured; it has finished, so nothing is run for that: raise spec.restartNonce to run it again',
  );
  file('a.yaml', manifest('a', 'Batch').replace('spec:', 'spec:\n  restartNonce: 1'));
  expect((await cli.run('apply -f a.yaml')).out).toBe('flowjob/a configured');
});

describe('savepoint', () => {
  beforeEach(async () => {
    file('jobs.yaml', `${manifest('a')}---\n${manifest('b', 'Batch')}`);
    await cli.run('apply -f jobs.yaml');
  });

  /** Answers the FlowSavepoint as the operator would. */
  async function answer(state: 'Completed' | 'Failed'): Promise<void> {
    const abort = new AbortController();
    for await (const { object } of cli.store.watch('FlowSavepoint', { signal: abort.signal })) {
      abort.abort();
      const failed = state === 'Failed' ? [condition('Failed', 'True', 'SavepointFailed')] : [];
      const status = {
        ...object.status!,
        state,
        conditions: failed,
        ...(state === 'Completed' ? { path: '/state/sp-1' } : {}),
      };
      await cli.store.updateStatus<'FlowSavepoint'>({ ...object, status });
    }
  }

  test('prints the path alone on standard output when it is complete', async () => {
    const release = cli.pretendOperator();
    const [done] = await Promise.all([cli.run('savepoint a'), answer('Completed')]);
    expect(done).toEqual({ code: 0, out: '/state/sp-1', err: 'flowsavepoint/a-20260131-120500 created' });
    release();
  });

  test('fails with the reason of the FlowSavepoint', async () => {
    const release = cli.pretendOperator();
    const [done] = await Promise.all([cli.run('savepoint a --name s'), answer('Failed')]);
    expect(done).toMatchObject({
      code: 1,
      err: expect.stringContaining('SavepointFailed: it is SavepointFailed') as string,
    });
    release();
  });

  test('is refused for a batch job and without an operator', async () => {
    expect((await cli.run('savepoint b')).err).toMatch(/"b" is a batch job, which takes no savepoints/);
    expect((await cli.run('savepoint a')).err).toMatch(/no operator runs .* flowjob local up/);
  });

  test.each([
    ['Finished', 'has finished'],
    ['Failed', 'has failed'],
  ] as const)('is refused beforehand of a stream that is %s', async (state, text) => {
    await report('a', { state });
    const release = cli.pretendOperator();
    expect((await cli.run('savepoint a')).err).toContain(`flowjob "a" ${text}: there is nothing left`);
    expect((await cli.store.list('FlowSavepoint')).items).toEqual([]);
    release();
  });

  test('after a timeout it is said that the order stands, and how to withdraw it', async () => {
    const release = cli.pretendOperator();
    expect((await cli.run('savepoint a --name s --timeout 10ms')).err).toMatch(
      /taken all the same .* flowjob delete flowsavepoint\/s/,
    );
    release();
  });

  test('inspect of the name of a job says which savepoints it has', async () => {
    expect((await cli.run('savepoint inspect a')).err).toContain(
      '"a" is a flowjob, not a flowsavepoint: it has no savepoint',
    );
    await report('a', { lastSavepoint: savepointAt('/state/sp-0') });
    file(
      's.yaml',
      'apiVersion: flowjob.dev/v1alpha1\nkind: FlowSavepoint\nmetadata: {name: s}\nspec: {jobRef: {name: a}}\n',
    );
    await cli.run('apply -f s.yaml');
    expect((await cli.run('savepoint inspect a')).err).toMatch(
      /its FlowSavepoints are s; its last savepoint is at \/state\/sp-0/,
    );
  });

  test('help shows durations as they are written', async () => {
    expect((await cli.run('savepoint --help')).out).toContain('(default: 5m)');
    expect((await cli.run('wait --help')).out).toContain('(default: 30s)');
  });
});

test('describe shows a text of several lines as sentences', async () => {
  file('a.yaml', manifest('a'));
  await cli.run('apply -f a.yaml');
  const message = 'SOURCE_PATH: /data/x.parquet cannot be read\nHint: put it there.\nIt goes on then';
  await report('a', { conditions: [{ ...condition('Ready', 'False', 'JobFailed'), message }] });
  expect((await cli.run('describe a')).out).toContain(
    'SOURCE_PATH: /data/x.parquet cannot be read. Hint: put it there. It goes on then',
  );
});

describe('wait', () => {
  beforeEach(async () => {
    file('a.yaml', manifest('a'));
    await cli.run('apply -f a.yaml');
  });

  test('a condition counts only for the newest version of the spec', async () => {
    await report('a', { conditions: [condition('Ready', 'True', 'Running')] });
    expect((await cli.run('wait a --for condition=Ready')).out).toBe('flowjob/a condition=Ready met');
    await cli.run('suspend a');
    const waiting = cli.run('wait a --for condition=ready --timeout 20s');
    await report('a', { conditions: [condition('Ready', 'True', 'Suspended', 2)] });
    expect((await waiting).code).toBe(0);
  });

  test('a timeout says how the job stands', async () => {
    await report('a', { state: 'Starting', conditions: [condition('Ready', 'Unknown', 'Starting')] });
    const { code, err } = await cli.run('wait a --for condition=Complete --timeout 10ms');
    expect(code).toBe(1);
    expect(err).toBe(
      'error: flowjob "a" took longer than 0.01 s for condition=Complete; it is now: state Starting, Ready=Unknown (Starting: it is Starting)',
    );
  });

  test('waiting for success ends at once when the job has failed', async () => {
    await report('a', { conditions: [condition('Failed', 'True', 'JobFailed')] });
    expect((await cli.run('wait a --for condition=Complete')).err).toBe('error: it failed: JobFailed: it is JobFailed');
  });

  test.each([
    ['condition=Redy', /there is no condition "Redy": did you mean Ready\?/],
    ['state=Runing', /there is no state "Runing": did you mean Running\?/],
    ['everything', /write condition=Ready/],
  ])('--for %s is refused', async (what, message) => {
    expect((await cli.run(`wait a --for ${what}`)).err).toMatch(message);
  });
});

describe('logs', () => {
  test('prints the newest attempt, an earlier one, and says which processes there are', async () => {
    for (const epoch of [1, 2]) {
      const files = attemptFiles(join(cli.directory, '.flowjob'), 'a', epoch);
      mkdirSync(files.directory, { recursive: true });
      writeFileSync(files.logFile('jobmanager'), `attempt ${epoch}\nno end of line`);
    }
    expect((await cli.run('logs a')).out).toBe('attempt 2\nno end of line');
    expect((await cli.run('logs a --attempt 1')).out).toContain('attempt 1');
    expect((await cli.run('logs a --attempt 7')).err).toMatch(/there is no attempt 7; logs are kept of attempts 1, 2/);
    expect((await cli.run('logs a --role taskmanager-0')).err).toMatch(
      /has no process "taskmanager-0"; it has jobmanager/,
    );
    expect((await cli.run('logs b')).err).toMatch(/flowjob "b" not found/);
  });
});

describe('the command line', () => {
  test('only reading makes no folder, and says where it looked', async () => {
    const { code, err } = await cli.run('get --dir elsewhere');
    expect([code, err]).toEqual([1, expect.stringMatching(/there is no folder .*elsewhere; .*flowjob local up/)]);
    expect(existsSync(join(cli.directory, 'elsewhere'))).toBe(false);
  });

  test('an unknown command or option brings the one that was meant', async () => {
    expect(await cli.run('aply -f x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean apply?') as string,
    });
    expect((await cli.run('get --wach')).err).toContain('Did you mean --watch?');
  });

  test('every command has a help text', async () => {
    for (const name of 'local apply get describe delete suspend resume savepoint logs run wait'.split(' ')) {
      const { code, out } = await cli.run(`${name} --help`);
      expect(code).toBe(0);
      expect(out).toMatch(/^Usage: flowjob /);
    }
  });

  test('local status has exit code 3 without an operator', async () => {
    expect(await cli.run('local status')).toMatchObject({
      code: 3,
      out: expect.stringContaining('flowjob local up') as string,
    });
    const lock = lockOperator(join(cli.directory, '.flowjob'));
    expect((await cli.run('local status')).code).toBe(0);
    if ('release' in lock) lock.release();
  });
});
