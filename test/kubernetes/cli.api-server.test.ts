// The command line against a real API server without a node: what people see of apply, get, describe, wait, delete, and of what the server refuses.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { testCli, type TestCli } from '../../src/cli/testing.ts';
import { kubernetesCache } from './binaries.ts';
import { run as runProgram } from './command.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { Kubectl } from './kubectl.ts';
import { until } from '../harness/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowjob-cli-cluster-'));
let plane: ControlPlane;
let kubectl: Kubectl;
let cli: TestCli;

beforeAll(async () => {
  plane = await startControlPlane({ folder: join(folder, 'plane'), users: [{ name: 'reader' }] });
  kubectl = new Kubectl(kubernetesCache('bin', 'kubectl'), plane.kubeconfig());
  cli = testCli({ now: () => new Date() });
  expect((await run('get')).err).toMatch(/knows no FlowJobs: .*Install the operator: helm install flowjob/);
  await kubectl.run('apply', '--server-side', '-f', 'crds');
  await kubectl.run(
    'wait',
    '--for=condition=Established',
    'crd/flowjobs.flowjob.dev',
    'crd/flowsavepoints.flowjob.dev',
  );
  await until('FlowJobs can be listed', async () => (await run('get')).code === 0, { seconds: 90 });
}, 900_000);

afterAll(async () => {
  await cli.close();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (line: string, user?: string): Promise<{ code: number; out: string; err: string }> =>
  cli.run(`${line} --kubeconfig ${plane.kubeconfig(user)}`);
const file = (name: string, text: string): void => writeFileSync(join(cli.directory, name), text);
const job = (name: string, more = ''): string => `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: ${name}}
spec:
  mode: Streaming
  job: {sql: {inline: SELECT 1}}
${more}`;
const settings = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {key: ${value}}\n`;

/** Writes status as the operator does. */
const report = (name: string, status: object): Promise<string> =>
  kubectl.run(
    ...['patch', 'flowjob', name, '--subresource=status', '--type=merge'],
    ...['-p', JSON.stringify({ status: { observedGeneration: 1, conditions: [], ...status } })],
  );

test('apply creates, leaves alone and changes, under a manager of its own, other kinds too', async () => {
  file('set.yaml', `${settings('texts', 'one')}---\n${job('set')}`);
  expect(await run('apply -f set.yaml --dry-run')).toMatchObject({
    code: 0,
    out: 'configmap/texts created (dry run)\nflowjob/set created (dry run)',
  });
  expect((await run('apply -f set.yaml')).out).toBe('configmap/texts created\nflowjob/set created');
  expect((await run('apply -f set.yaml')).out).toBe('configmap/texts unchanged\nflowjob/set unchanged');
  file('set.yaml', `${settings('texts', 'two')}---\n${job('set', '  restartNonce: 1\n')}`);
  expect((await run('apply -f set.yaml --dry-run')).out).toMatch(
    /^configmap\/texts configured.*\nflowjob\/set configured/,
  );
  expect((await run('apply -f set.yaml')).out).toBe('configmap/texts configured\nflowjob/set configured');
  const managers = await kubectl.run(
    'get',
    'fj',
    'set',
    '--show-managed-fields',
    '-o',
    'jsonpath={.metadata.managedFields[*].manager}',
  );
  expect(managers).toBe('flowjob-cli');
  // A field that leaves the manifest goes back to its default.
  file('set.yaml', job('set'));
  await run('apply -f set.yaml');
  expect(await kubectl.run('get', 'fj', 'set', '-o', 'jsonpath={.spec.restartNonce}')).toBe('0');
});

test('what the server refuses is told by file and field with a remedy, and nothing of the set is changed', async () => {
  file('bad.yaml', `${settings('kept-out', 'x')}---\n${job('bad').replace('Streaming', 'Steaming')}`);
  expect(await run('apply -f bad.yaml')).toEqual({
    code: 1,
    out: '',
    err: [
      'error: bad.yaml (document 2): FlowJob "bad" is invalid:',
      '  spec.mode: Unsupported value: "Steaming": supported values: "Streaming", "Batch", "Automatic"',
      '    did you mean "Streaming"?',
      'Nothing was changed.',
    ].join('\n'),
  });
  expect(await kubectl.run('get', 'configmaps', '-o', 'name')).not.toContain('kept-out');
  file('bad.yaml', job('bad', '  taskManger: {slots: 1}\n'));
  expect((await run('apply -f bad.yaml')).err).toMatch(
    /spec\.taskManger: there is no such field\n {4}did you mean spec\.taskManager\?/,
  );
  file('bad.yaml', job('bad', '  batch: {}\n'));
  expect((await run('apply -f bad.yaml')).err).toMatch(/spec\.batch: .*only a job with mode Batch has it/);
  file('bad.yaml', 'apiVersion: nobody.dev/v1\nkind: Thing\nmetadata: {name: x}\n');
  expect((await run('apply -f bad.yaml')).err).toContain('Thing "x": the cluster knows no kind Thing in nobody.dev/v1');
  file('bad.yaml', settings('x', 'y').replace('{name: x}', '{name: x, namespace: other}'));
  expect((await run('apply -f bad.yaml -n default')).err).toContain(
    'metadata.namespace is other, --namespace says default',
  );
  expect((await run('apply -f bad.yaml')).err).toMatch(/there is no namespace "other".*kubectl create namespace other/);
});

test('a namespace and what is in it are applied in one go', async () => {
  file(
    'space.yaml',
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}\n---\n${job('inner').replace('inner', 'inner, namespace: fresh')}`,
  );
  expect((await run('apply -f space.yaml')).out).toBe('namespace/fresh created\nflowjob/inner created');
  expect((await run('get -A')).out).toMatch(/^NAMESPACE +NAME .*\n(.*\n)*fresh +inner /);
  expect((await run('get -n fresh -o name')).out).toBe('flowjob/inner');
});

test('a field that somebody else set is not taken silently; what suspend set is', async () => {
  file('shared.yaml', job('shared', '  suspend: false\n'));
  await run('apply -f shared.yaml');
  expect((await run('suspend shared')).out).toBe('flowjob/shared suspended');
  expect((await run('apply -f shared.yaml')).out).toBe('flowjob/shared configured');
  const replicas = JSON.stringify({ spec: { taskManager: { replicas: 3 } } });
  await kubectl.run('patch', 'fj', 'shared', '--type=merge', '-p', replicas, '--field-manager=autoscaler');
  file('shared.yaml', job('shared', '  taskManager: {replicas: 2}\n'));
  const refused = await run('apply -f shared.yaml');
  expect(refused.err).toMatch(
    /fields that others manage:\n {2}spec\.taskManager\.replicas: is set by "autoscaler"\n.*--force-conflicts/,
  );
  expect((await run('apply -f shared.yaml --force-conflicts')).out).toBe('flowjob/shared configured');
});

test('get prints what apply takes back, and hides what only the server needs', async () => {
  file('back.yaml', job('back'));
  await run('apply -f back.yaml');
  const { out } = await run('get back -o yaml');
  expect(out).not.toContain('managedFields');
  await report('back', { state: 'Running' });
  file('back.yaml', out);
  expect((await run('apply -f back.yaml')).out).toBe('flowjob/back unchanged');
  file('back.yaml', (await run('get -o yaml')).out);
  expect((await run('apply -f back.yaml')).out.split('\n')).toContain('flowjob/back unchanged');
});

test('describe shows the events that the operator told', async () => {
  file('told.yaml', job('told'));
  await run('apply -f told.yaml');
  const uid = await kubectl.run('get', 'fj', 'told', '-o', 'jsonpath={.metadata.uid}');
  await kubectl.apply([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'told.1', namespace: 'default' },
      eventTime: '2026-01-31T12:00:00.000000Z',
      series: { count: 3, lastObservedTime: '2026-01-31T12:01:00.000000Z' },
      reportingController: 'flowjob.dev/operator',
      reportingInstance: 'test',
      action: 'ProcessLost',
      reason: 'ProcessLost',
      type: 'Warning',
      note: 'TaskManager 0 ended.',
      regarding: { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', namespace: 'default', name: 'told', uid },
    },
  ]);
  expect((await run('describe told')).out).toMatch(/Warning +ProcessLost +\S+ \(x3 over \S+\) +TaskManager 0 ended\./);
});

test('wait is told by the watch, and a time that runs out says that no operator has looked', async () => {
  file('waiting.yaml', job('waiting'));
  await run('apply -f waiting.yaml');
  expect((await run('wait waiting --for state=Running --timeout 200ms')).err).toMatch(/no operator has seen it/);
  const waiting = run('wait waiting --for state=Running --timeout 30s');
  await report('waiting', { state: 'Starting' });
  await report('waiting', { state: 'Running' });
  expect(await waiting).toMatchObject({ code: 0, out: 'flowjob/waiting state=Running met' });
});

test('delete waits for the finalizer, and takes other kinds of the file along', async () => {
  file('gone.yaml', `${settings('gone-texts', 'x')}---\n${job('gone')}`);
  await run('apply -f gone.yaml');
  await kubectl.run(
    'patch',
    'fj',
    'gone',
    '--type=merge',
    '-p',
    '{"metadata":{"finalizers":["flowjob.dev/operator"]}}',
  );
  const deleting = run('delete -f gone.yaml --timeout 30s');
  await kubectl.run('wait', '--for=jsonpath={.metadata.deletionTimestamp}', 'fj/gone', '--timeout=20s');
  expect((await run('apply -f gone.yaml')).err).toMatch(
    /"gone" is being deleted; .*kubectl flowjob -n default wait flowjob\/gone --for delete/,
  );
  await kubectl.run('patch', 'fj', 'gone', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  expect(await deleting).toMatchObject({ code: 0, out: 'flowjob/gone deleted\nconfigmap/gone-texts deleted' });
  expect(await run('delete -f gone.yaml')).toMatchObject({ code: 1, err: expect.stringContaining('"gone" not found') });
});

test('a name that is not there brings the one that was meant; a job without pods has no logs', async () => {
  file('flights.yaml', job('flights'));
  await run('apply -f flights.yaml');
  expect((await run('get flihgts')).err).toBe('error: flowjob "flihgts" not found; did you mean flights?');
  expect((await run('logs flights')).err).toMatch(/has no pod, so there is no log: it is Pending/);
  expect((await run('get -n empty')).err).toBe('No flowjobs in namespace empty of context "flowjob".');
});

test('a right that is missing is named by verb, resource and namespace, and reading alone is enough to read', async () => {
  expect((await run('get', 'reader')).err).toMatch(
    /^error: you may not list flowjobs\.flowjob\.dev in namespace default: user "reader".*kubectl auth can-i list flowjobs\.flowjob\.dev -n default$/,
  );
  await kubectl.run('create', 'role', 'read', '--verb=get', '--resource=flowjobs.flowjob.dev');
  await kubectl.run('create', 'rolebinding', 'read', '--role=read', '--user=reader');
  await until('the right has arrived', async () => (await run('get flights -o name', 'reader')).code === 0, {
    seconds: 60,
  });
  expect((await run('get nobody', 'reader')).err).toBe('error: flowjob "nobody" not found');
  file('mine.yaml', job('mine'));
  const { err } = await run('apply -f mine.yaml', 'reader');
  expect(err).toMatch(/FlowJob "mine": you may not patch flowjobs\.flowjob\.dev in namespace default/);
  expect(err).toMatch(/Nothing was changed\.$/);
});

test('kubectl finds it on the PATH and it works in the current context', async () => {
  await runProgram(process.execPath, ['scripts/build.ts', 'flowjob']);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(resolve('dist', 'flowjob.js'), join(bin, 'kubectl-flowjob'));
  const PATH = [bin, resolve('node_modules', '.bin'), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, KUBECONFIG: plane.kubeconfig(), FLOWJOB_CONTEXT: 'elsewhere' };
  const asPlugin = (...args: string[]): Promise<string> =>
    runProgram(kubectl.program, ['flowjob', ...args], { env, cwd: cli.directory });
  expect(await asPlugin('get', 'flights', '-o', 'name')).toBe('flowjob/flights\n');
  file('plugin.yaml', job('plugin').replace('SELECT 1', 'SELEC 1'));
  await expect(asPlugin('apply', '-f', 'plugin.yaml')).rejects.toThrow(/line 1, column 1.*SQL_SYNTAX/s);
  await expect(asPlugin('run', 'x.sql')).rejects.toThrow('run works on this machine alone');
});
