// What helm makes of the chart: which values it takes, which rights it asks for, and whether a real API server takes every object of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHART, helm, operatorRights, render, RELEASE, SYSTEM, type Rendered } from './chart.ts';
import { run } from './command.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import type { Kubectl } from './kubectl.ts';

let folder: string;
let plane: ControlPlane;
let kubectl: Kubectl;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flowjob-chart-'));
  plane = await startControlPlane({ folder: join(folder, 'plane') });
  ({ kubectl } = await operatorRights(plane, ['a', 'b']));
  // A pod is admitted once its service account is there, which a dry run does not make.
  await kubectl.run('create', 'serviceaccount', `${RELEASE}-test`, '--namespace', SYSTEM);
}, 900_000);

afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}, 240_000);

const named = (objects: readonly Rendered[], ...kinds: string[]): string[] =>
  objects
    .filter(({ kind, metadata }) => kinds.includes(kind) && metadata.annotations?.['helm.sh/hook'] === undefined)
    .map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ?? '-'}/${name}`)
    .sort();

interface OperatorPodSpec {
  containers: { command: string[] }[];
  topologySpreadConstraints?: object[];
}
const podSpec = (objects: readonly Rendered[]): OperatorPodSpec =>
  (objects.find(({ kind }) => kind === 'Deployment')!['spec'] as { template: { spec: OperatorPodSpec } }).template.spec;

test('helm finds nothing to complain of', async () => {
  expect(await helm('lint', '--strict', CHART)).toContain('0 chart(s) failed');
});

test.each([
  ['a key that it does not know', 'watchNamespace=a', 'watchNamespace'],
  ['a nested key that it does not know', 'metrics.servceMonitor.enabled=true', 'servceMonitor'],
  ['what is no namespace', 'watchNamespaces={Not_One}', 'watchNamespaces'],
  ['a text where a list belongs', 'watchNamespaces=a', 'watchNamespaces'],
])('it refuses %s, by name', async (_what, value, name) => {
  await expect(render(value)).rejects.toThrow(name);
});

test.each([
  ['heapMegabytes=512', '512', '512Mi', '384'],
  ['resources.limits.memory=0.25Gi', '384', '0.25Gi', '192'],
  ['resources.limits.memory=402653184', '384', '402653184', '288'],
])(
  'it refuses a heap that does not fit into the memory limit, by both names and values: %s',
  async (value, heap, limit, fits) => {
    await expect(render(value)).rejects.toThrow(
      `heapMegabytes (${heap}) does not fit into resources.limits.memory (${limit}), in which the operator needs room beside its heap: lower heapMegabytes to ${fits}, or raise the limit`,
    );
  },
);

test.each([
  ['heapMegabytes=511'],
  ['heapMegabytes=900', 'resources.limits.memory=1G'],
  ['heapMegabytes=4096', 'resources.limits.memory=null'],
])('a heap that fits is taken: %s %s', async (...values) => {
  const { containers } = podSpec(await render(...values));
  expect(containers[0]!.command).toContain(`--max-old-space-size=${values[0].split('=')[1]}`);
});

test.each([
  [true, ['roles', 'rolebindings', 'serviceaccounts']],
  [false, []],
])('the operator gives rights away only where jobs on Flink are highly available: %s', async (enabled, made) => {
  const objects = await render(`flink.highAvailability.enabled=${enabled}`);
  const { rules } = objects.find(({ kind }) => kind === 'ClusterRole') as unknown as {
    rules: { resources: string[]; verbs: string[] }[];
  };
  const resources = rules.flatMap((rule) => rule.resources);
  expect(['roles', 'rolebindings', 'serviceaccounts'].filter((one) => resources.includes(one))).toEqual(made);
  const mayUpdate = rules.some((rule) => rule.resources.includes('configmaps') && rule.verbs.includes('update'));
  expect(mayUpdate).toBe(enabled);
  // What attempts needed that are over goes in each setting.
  for (const resource of ['configmaps', 'secrets'])
    expect(rules.some((rule) => rule.resources.includes(resource) && rule.verbs.includes('delete'))).toBe(true);
  const { command, args } = podSpec(objects).containers[0] as { command: string[]; args?: string[] };
  expect([...command, ...(args ?? [])].includes('--flink-high-availability')).toBe(enabled);
});

test('jobs on Flink are highly available unless the values say otherwise', async () => {
  const { command, args } = podSpec(await render()).containers[0] as { command: string[]; args?: string[] };
  expect([...command, ...(args ?? [])]).toContain('--flink-high-availability');
});

test('its replicas go to nodes of their own where they can, unless the values say otherwise', async () => {
  const matchLabels = { 'app.kubernetes.io/name': 'flowjob-operator', 'app.kubernetes.io/instance': RELEASE };
  expect(podSpec(await render()).topologySpreadConstraints).toEqual([
    {
      topologyKey: 'kubernetes.io/hostname',
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      matchLabelKeys: ['pod-template-hash'],
      labelSelector: { matchLabels },
    },
  ]);
  const constraint = 'topologySpreadConstraints[0]';
  const zones = await render(
    ...[`${constraint}.topologyKey=zone`, `${constraint}.maxSkew=2`, `${constraint}.whenUnsatisfiable=DoNotSchedule`],
    `${constraint}.labelSelector.matchLabels.x=y`,
  );
  expect(podSpec(zones).topologySpreadConstraints).toEqual([
    {
      topologyKey: 'zone',
      maxSkew: 2,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { x: 'y' } },
    },
  ]);
  expect(podSpec(await render('topologySpreadConstraints=null')).topologySpreadConstraints).toBeUndefined();
});

test('without names it looks after all namespaces, with a ClusterRole', async () => {
  const objects = await render();
  expect(named(objects, 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding')).toEqual([
    `ClusterRole -/${RELEASE}`,
    `ClusterRoleBinding -/${RELEASE}`,
    `Role ${SYSTEM}/${RELEASE}-leader`,
    `RoleBinding ${SYSTEM}/${RELEASE}-leader`,
  ]);
});

test('with names it has a Role in each of them, and no right beyond', async () => {
  const objects = await render('watchNamespaces={a,b}');
  expect(named(objects, 'ClusterRole', 'ClusterRoleBinding', 'Role')).toEqual([
    `Role a/${RELEASE}`,
    `Role b/${RELEASE}`,
    `Role ${SYSTEM}/${RELEASE}-leader`,
  ]);
  const can = async (...args: string[]): Promise<string> =>
    (
      await kubectl.run('auth', 'can-i', ...args, '--as', `system:serviceaccount:${SYSTEM}:${RELEASE}`).catch(String)
    ).trim();
  expect(await can('create', 'pods', '--namespace', 'a')).toBe('yes');
  expect(await can('list', 'flowjobs', '--namespace', 'b')).toBe('yes');
  expect(await can('list', 'flowjobs', '--namespace', 'default')).toContain('no');
  expect(await can('list', 'flowjobs', '--all-namespaces')).toContain('no');
  expect(await can('list', 'secrets', '--namespace', 'a')).toContain('no');
  expect(await can('delete', 'persistentvolumeclaims', '--namespace', 'a')).toContain('no');
}, 240_000);

test.each([
  ['by default', []],
  [
    'with everything on',
    [
      'watchNamespaces={a,b}',
      'priorityClassName=system-cluster-critical',
      'extraArgs={--http-port=8080}',
      'extraEnv[0].name=X',
      'extraEnv[0].value=y',
      'imagePullSecrets[0].name=s',
      'podAnnotations.x=y',
      'podLabels.x=y',
      'test.persistentVolumeClaim.size=1Gi',
    ],
  ],
])(
  'the API server takes every object, %s',
  async (_what, values) => {
    const objects = await render(...values);
    expect(objects.length).toBeGreaterThan(12);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const args = ['--kubeconfig', kubectl.kubeconfig, 'apply', '--server-side', '--dry-run=server', '--filename', '-'];
    const said = await run(kubectl.program, args, { input: list });
    expect(said.trim().split('\n')).toHaveLength(objects.length);
  },
  240_000,
);

test('monitors are off unless asked for, and take the place of the annotations', async () => {
  const annotationsOf = (objects: readonly Rendered[]): object =>
    (objects.find(({ kind }) => kind === 'Deployment')!['spec'] as { template: { metadata: { annotations?: object } } })
      .template.metadata.annotations ?? {};
  const plain = await render();
  expect(named(plain, 'ServiceMonitor', 'PodMonitor')).toEqual([]);
  expect(annotationsOf(plain)).toMatchObject({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' });
  const watched = await render('metrics.podMonitor.enabled=true');
  expect(named(watched, 'ServiceMonitor', 'PodMonitor')).toEqual([`PodMonitor ${SYSTEM}/${RELEASE}`]);
  expect(annotationsOf(watched)).toEqual({});
});

test('the job that helm test runs is one that the API server takes, and its pod is none of the operator’s', async () => {
  const objects = await render('watchNamespaces={a,b}');
  const pod = objects.find(({ kind }) => kind === 'Pod')!;
  const service = objects.find(({ kind }) => kind === 'Service')!;
  const { selector } = service['spec'] as { selector: Record<string, string> };
  expect(Object.entries(selector).every(([name, value]) => pod.metadata.labels[name] === value)).toBe(false);
  const { containers } = pod['spec'] as { containers: { args: string[]; env: { name: string; value: string }[] }[] };
  expect(containers[0]!.env).toContainEqual({ name: 'JOB_NAMESPACE', value: 'a' });
  expect(containers[0]!.args[0]).toContain("mode: 'Batch'");
  const sql = /const sql = `([^`]*)`/.exec(containers[0]!.args[0]!)![1]!;
  await kubectl.apply([
    {
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowJob',
      metadata: { name: 'flowjob-test', namespace: 'a' },
      spec: { mode: 'Batch', job: { sql: { inline: sql } }, state: { storage: { persistentVolumeClaim: {} } } },
    },
  ]);
}, 240_000);
