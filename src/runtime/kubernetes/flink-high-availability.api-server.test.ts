// What the high availability of a job on Apache Flink has on a real API server: who may touch it, and what becomes of it from attempt to attempt.
import { systemClock as clock } from '../../../engine/clock.ts';
import { RELEASE, render } from '../../../test/kubernetes/chart.ts';
import { startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import { until } from '../../../test/harness/until.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { AttemptPlan } from '../port.ts';
import { KubernetesRuntime } from './kubernetes-runtime.ts';

const AVAILABLE = 'flink.highAvailability.enabled=true';

let parts: OperatorParts;
let runtime: KubernetesRuntime;

beforeAll(async () => {
  parts = await startOperatorParts(['a'], AVAILABLE);
  const { pods, options } = parts;
  const { client, onTrouble } = options;
  runtime = new KubernetesRuntime({
    client,
    pods,
    image: 'flowjob:dev',
    flinkHighAvailability: true,
    clock,
    onTrouble,
  });
}, 900_000);

afterAll(async () => parts.stop(), 240_000);

const onFlink = (job: FlowJob, epoch: number): AttemptPlan => ({
  key: { namespace: job.metadata.namespace, name: job.metadata.name },
  uid: job.metadata.uid,
  attempt: {
    ...{ epoch, jobId: String(epoch).repeat(32).slice(0, 32), specHash: 'x', healthy: false },
    ...{ startedAt: '2026-01-01T00:00:00Z', runStartedAt: '2026-01-01T00:00:00Z' },
  },
  spec: resolveSpec({ ...job.spec, engine: { type: 'Flink', version: '2.3' } }),
});
const podNames = (plan: AttemptPlan): string[] =>
  parts.pods.by('job', `${plan.key.namespace}/${plan.key.name}`).map(({ metadata }) => metadata.name);

interface Map {
  metadata: { name: string; annotations?: Record<string, string> };
  data?: Record<string, string>;
}
const maps = async (job = 'available'): Promise<Map[]> => {
  const selector = `flowjob.dev/job=${job},configmap-type=high-availability`;
  return (await parts.rights.kubectl.get<{ items: Map[] }>('configmaps', '-n', 'a', '-l', selector)).items;
};
const leaderOf = (all: Map[]): Map => all.find(({ metadata }) => metadata.name.endsWith('-cluster-config-map'))!;
const lease = ({ metadata }: Map): string =>
  (JSON.parse(metadata.annotations!['control-plane.alpha.kubernetes.io/leader']!) as { holderIdentity: string })
    .holderIdentity;
/** Has the account of the job's pods do something; null when the API server lets it, else why not. */
const asFlink = async (...args: string[]): Promise<string | null> =>
  parts.rights.kubectl.run(...args, '-n', 'a', '--as=system:serviceaccount:a:available-flink').then(
    () => null,
    (error: Error) => error.message,
  );
const forbidden = (verb: string, resource: string): unknown =>
  expect.stringContaining(
    `forbidden: User "system:serviceaccount:a:available-flink" cannot ${verb} resource "${resource}" in API group "" in the namespace "a"`,
  );

test('a job with values of Secrets in its SQL is not highly available: Flink would keep them beside its checkpoints', async () => {
  const plan = onFlink(await parts.applied('a', 'secretive'), 1);
  const inline = "CREATE TABLE a (x INT) WITH ('password' = '${secret:db:password}'); INSERT INTO b SELECT * FROM a";
  const job = { ...plan.spec.job, sql: { ...plan.spec.job.sql!, inline } };
  await runtime.ensureProcesses({ ...plan, spec: { ...plan.spec, job } }, []);
  await until('its JobManager’s pod is made', () => podNames(plan).length === 1, { seconds: 30 });
  expect(await maps('secretive')).toEqual([]);
});

test('each attempt finds a lease that nobody has; its run’s checkpoints stay, and the job may touch these ConfigMaps alone', async () => {
  const job = await parts.applied('a', 'available');
  const plan = onFlink(job, 1);
  await runtime.ensureProcesses(plan, []);
  const made = await maps();
  expect(made).toHaveLength(2);
  const [leader, checkpoints] = [leaderOf(made), made.find((one) => one !== leaderOf(made))!];
  expect(lease(leader)).toBe('');
  for (const { metadata } of made) {
    expect(await asFlink('get', 'configmap', metadata.name)).toBeNull();
    expect(await asFlink('annotate', 'configmap', metadata.name, 'touched=yes')).toBeNull();
  }
  // Its own configuration, what another job has, and anything new.
  const foreign = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'a', name: 'other-cluster-config-map' },
  };
  await parts.rights.kubectl.apply([foreign]);
  for (const name of ['available-1', foreign.metadata.name]) {
    expect(await asFlink('get', 'configmap', name)).toEqual(forbidden('get', 'configmaps'));
    // kubectl itself gets before it changes anything.
    for (const verb of ['update', 'patch'])
      expect(await asFlink('auth', 'can-i', verb, `configmaps/${name}`)).toMatch(/ failed: no$/);
    expect(await asFlink('delete', 'configmap', name)).toEqual(forbidden('delete', 'configmaps'));
  }
  expect(await asFlink('create', 'configmap', 'new', '--from-literal=a=b')).toEqual(forbidden('create', 'configmaps'));
  expect(await asFlink('get', 'configmaps')).toEqual(forbidden('list', 'configmaps'));
  expect(await asFlink('get', 'secrets')).toEqual(forbidden('list', 'secrets'));
  expect(await asFlink('get', 'pods')).toEqual(forbidden('list', 'pods'));

  // As Flink leaves them.
  const newest = `checkpointID-${'7'.padStart(19, '0')}`;
  const had = { 'control-plane.alpha.kubernetes.io/leader': JSON.stringify({ holderIdentity: 'one' }) };
  const patch = async (name: string, change: object): Promise<void> => {
    await parts.rights.kubectl.run('patch', 'configmap', name, '-n', 'a', '--type=merge', '-p', JSON.stringify(change));
  };
  await patch(leader.metadata.name, { data: { executionPlan: 'x' }, metadata: { annotations: had } });
  await patch(checkpoints.metadata.name, { data: { [newest]: 'x', counter: '8' } });
  runtime.stopProcesses(plan.key, 1, false);
  await until('it is gone', () => podNames(plan).length === 0, { seconds: 20 });
  const resumeFrom = '/flowjob/state/available/flink/checkpoints/x/chk-7';
  const next = { ...plan, attempt: { ...plan.attempt, epoch: 2, resumeFrom } };
  await runtime.ensureProcesses(next, []);
  const found = await maps();
  expect(lease(leaderOf(found))).toBe('');
  expect(leaderOf(found).data).toBeUndefined();
  expect(found.find((one) => one.metadata.name === checkpoints.metadata.name)?.data).toHaveProperty(newest);
  runtime.stopProcesses(plan.key, 2, false);
  await until('it is gone', () => podNames(plan).length === 0, { seconds: 20 });
}, 120_000);

test('the ConfigMaps of the run before go, and one that is only called alike stays', async () => {
  const job = await parts.applied('a', 'available');
  const before = (await maps()).map(({ metadata }) => metadata.name);
  const foreign = 'available-99999999-cluster-config-map';
  const labels = {
    'flowjob.dev/job': 'available',
    'configmap-type': 'high-availability',
    type: 'flink-native-kubernetes',
  };
  await parts.rights.kubectl.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'a', name: foreign, labels } },
  ]);
  const plan = onFlink(job, 3);
  await runtime.ensureProcesses(plan, []);
  const names = (await maps()).map(({ metadata }) => metadata.name);
  expect(names).toHaveLength(3);
  expect(names).toContain(foreign);
  expect(names.filter((name) => before.includes(name))).toEqual([]);
}, 120_000);

test('while two live each has the right to its ConfigMaps; then those of the one that took over alone, and the others go with the next', async () => {
  const job = await parts.applied('a', 'ahead');
  const plans = [1, 2, 3].map((epoch) => onFlink(job, epoch));
  const [first, second, third] = plans as [AttemptPlan, AttemptPlan, AttemptPlan];
  const namesOf = ({ attempt }: AttemptPlan): string[] => {
    const id = `ahead-${attempt.jobId.slice(0, 8)}`;
    return [`${id}-${attempt.jobId}-config-map`, `${id}-cluster-config-map`];
  };
  const session = (plan: AttemptPlan, beside: AttemptPlan, podTemplate?: object): AttemptPlan => ({
    ...plan,
    attempt: { ...plan.attempt, session: true },
    spec: {
      ...plan.spec,
      jobManager: { ...plan.spec.jobManager, ...(podTemplate === undefined ? {} : { podTemplate }) },
    },
    beside,
  });
  const rights = async (): Promise<{ names: string[]; accounts: string[] }> => {
    const { kubectl } = parts.rights;
    const [role, binding] = await Promise.all([
      kubectl.get<{ rules: { resourceNames: string[] }[] }>('role', 'ahead-flink', '-n', 'a'),
      kubectl.get<{ subjects: { name: string }[] }>('rolebinding', 'ahead-flink', '-n', 'a'),
    ]);
    return {
      names: role.rules.flatMap(({ resourceNames }) => resourceNames).sort(),
      accounts: binding.subjects.map(({ name }) => name).sort(),
    };
  };
  const there = async (): Promise<string[]> => (await maps('ahead')).map(({ metadata }) => metadata.name).sort();
  const both = (...of: AttemptPlan[]): string[] => of.flatMap(namesOf).sort();

  await runtime.ensureProcesses(first, []);
  await until('its pod is seen', () => podNames(first).length === 1, { seconds: 20 });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'a', name: 'mine' } };
  await parts.rights.kubectl.apply([account]);
  const next = session(second, first, { spec: { serviceAccountName: 'mine' } });
  await runtime.ahead.ensure(next);
  await until('its pod is seen', () => podNames(first).length === 2, { seconds: 20 });
  expect(await rights()).toEqual({ names: both(first, second), accounts: ['ahead-flink', 'mine'] });
  expect(await there()).toEqual(both(first, second));

  await runtime.ahead.takeOver({ ...next, beside: undefined });
  expect((await rights()).names).toEqual(both(second));
  // Its JobManager may still be ending.
  expect(await there()).toEqual(both(first, second));

  await runtime.ahead.ensure(session(third, next));
  expect(await rights()).toEqual({ names: both(second, third), accounts: ['ahead-flink', 'mine'] });
  expect(await there()).toEqual(both(second, third));
}, 120_000);

test('of a job that goes on elsewhere than in pods of its own nothing is left of its runs, once these pods are gone', async () => {
  const job = await parts.applied('a', 'moved');
  const plan = onFlink(job, 1);
  await runtime.ensureProcesses(plan, []);
  await until('its pod is seen', () => podNames(plan).length === 1, { seconds: 20 });
  await runtime.clearEarlier(onFlink(job, 2));
  expect(await maps('moved')).toHaveLength(2);
  runtime.stopProcesses(plan.key, 1, false);
  await until('it is gone', () => podNames(plan).length === 0, { seconds: 20 });
  await runtime.clearEarlier(onFlink(job, 3));
  expect(await maps('moved')).toEqual([]);
}, 120_000);

async function granted(...values: string[]): Promise<string[]> {
  const role = (await render('watchNamespaces={a}', ...values)).find(
    ({ kind, metadata }) => kind === 'Role' && metadata.name === RELEASE,
  )!;
  return (role['rules'] as { resources: string[]; verbs: string[] }[]).flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
}

test('each right that the chart gives for it is used, but for one that is only given away', async () => {
  const without = await granted('flink.highAvailability.enabled=false');
  const more = (await granted(AVAILABLE)).filter((right) => !without.includes(right));
  const used = new Set(parts.rights.requests.map(({ verb, resource }) => `${verb} ${resource}`));
  expect(more.filter((right) => !used.has(right))).toEqual(['update configmaps']);
}, 120_000);

test('a job on Flink has none of it unless the operator is told so', async () => {
  const { pods, options, applied, rights } = parts;
  const { client, onTrouble } = options;
  const plain = new KubernetesRuntime({ client, pods, image: 'flowjob:dev', clock, onTrouble });
  const plan = onFlink(await applied('a', 'plain'), 1);
  await plain.ensureProcesses(plan, []);
  await until('its pod is seen', () => podNames(plan).length > 0, { seconds: 20 });
  const [pod] = pods.by('job', 'a/plain');
  expect(pod?.metadata.labels).not.toHaveProperty('flowjob.dev/high-availability');
  const { data } = await rights.kubectl.get<Map>('configmap', 'plain-1', '-n', 'a');
  expect(data?.['config.yaml']).not.toMatch(/high-availability|job-result-store/);
  for (const kind of ['serviceaccounts', 'roles', 'rolebindings'])
    expect(
      (await rights.kubectl.get<{ items: object[] }>(kind, '-n', 'a', '-l', 'flowjob.dev/job=plain')).items,
    ).toEqual([]);
  const ofFlink = 'flowjob.dev/job=plain,configmap-type=high-availability';
  expect((await rights.kubectl.get<{ items: object[] }>('configmaps', '-n', 'a', '-l', ofFlink)).items).toEqual([]);
}, 120_000);
