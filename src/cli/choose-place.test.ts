// Where a command works, for each way of saying it.
import { choosePlace, type PlaceOptions } from './choose-place.ts';
import { testCli } from './testing.ts';

const choose = (options: PlaceOptions, { asPlugin = false, env = {} }: { asPlugin?: boolean; env?: object } = {}) =>
  choosePlace({ env: { ...env }, cwd: '/here', asPlugin }, options);
const cluster = { kind: 'cluster', context: undefined, kubeconfig: undefined, namespace: undefined };

test('flowjob works on this machine unless something names a cluster', () => {
  expect(choose({})).toEqual({ kind: 'local', directory: '/here/.flowjob' });
  expect(choose({ context: 'kind' })).toEqual({ ...cluster, context: 'kind' });
  expect(choose({ namespace: 'jobs' })).toEqual({ ...cluster, namespace: 'jobs' });
  expect(choose({ kubeconfig: 'k.yaml' })).toEqual({ ...cluster, kubeconfig: '/here/k.yaml' });
  const env = { FLOWJOB_CONTEXT: 'kind' };
  expect(choose({}, { env })).toEqual({ ...cluster, context: 'kind' });
  expect(choose({ namespace: 'jobs' }, { env })).toEqual({ ...cluster, context: 'kind', namespace: 'jobs' });
  expect(choose({ context: 'other' }, { env })).toEqual({ ...cluster, context: 'other' });
  expect(choose({}, { env: { FLOWJOB_CONTEXT: '' } }).kind).toBe('local');
});

test('as kubectl flowjob it is the cluster of the current context, whatever the environment says', () => {
  expect(choose({}, { asPlugin: true })).toEqual(cluster);
  expect(choose({}, { asPlugin: true, env: { FLOWJOB_CONTEXT: 'kind', FLOWJOB_HOME: '/f' } })).toEqual(cluster);
});

test('--local and --dir mean this machine, in every case', () => {
  const env = { FLOWJOB_CONTEXT: 'kind' };
  for (const asPlugin of [false, true]) {
    expect(choose({ local: true }, { asPlugin, env })).toEqual({ kind: 'local', directory: '/here/.flowjob' });
    expect(choose({ dir: 'd' }, { asPlugin, env })).toEqual({ kind: 'local', directory: '/here/d' });
  }
});

test('two places at once are refused by name', () => {
  expect(() => choose({ local: true, context: 'kind' })).toThrow('--local means this machine and --context a cluster');
  expect(() => choose({ dir: 'd', namespace: 'n' })).toThrow('--dir means this machine and --namespace a cluster');
});

test('what works on this machine alone says so when a cluster is meant', async () => {
  const cli = testCli({ asPlugin: true });
  try {
    expect(await cli.run('run a.sql')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/run works on this machine alone: .*--local.*kubectl flowjob apply -f FILE/),
    });
    expect((await cli.run('run a.sql --local')).err).toBe('error: a.sql: there is no such file');
    expect((await cli.run('local status')).code).toBe(3);
    expect((await cli.run('local status --context kind')).err).toContain('--local means this machine');
    expect((await cli.run('--help')).out).toMatch(/^Usage: kubectl flowjob /);
  } finally {
    await cli.close();
  }
});
