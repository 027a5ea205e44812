// Store and runtime on a real API server, with exactly the rights that the chart gives: what they make and find, and that each of those rights is needed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock as clock } from '../../../engine/clock.ts';
import { operatorRights, render, RELEASE, type OperatorRights, type Request } from '../../../test/kubernetes/chart.ts';
import { startControlPlane, type ControlPlane } from '../../../test/kubernetes/control-plane.ts';
import { until } from '../../../test/harness/until.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { Attempt } from '../../api/status.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { Informers } from '../../kube/cache/informers.ts';
import { JobCaches } from '../../store/kubernetes/job-caches.ts';
import { KubernetesStore } from '../../store/kubernetes/kubernetes-store.ts';
import type { AttemptPlan } from '../port.ts';
import { KubernetesRuntime } from './kubernetes-runtime.ts';
import { podCache } from './pod-cache.ts';
import type { Pod } from './pod-view.ts';

const NAMESPACES = ['a', 'b'];
let folder: string;
let plane: ControlPlane;
let rights: OperatorRights;
let caches: JobCaches;
let pods: Informers<Pod>;
let store: KubernetesStore;
let runtime: KubernetesRuntime;
let recorder: EventRecorder;
const stop = new AbortController();
const troubles: unknown[] = [];
const random = Math.random;
const onTrouble = (error: unknown): void => void troubles.push(error);

const newRuntime = (): KubernetesRuntime =>
  new KubernetesRuntime({ client: rights.client, pods, image: 'flowjob:dev', clock, onTrouble });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flowjob-runtime-'));
  plane = await startControlPlane({ folder: join(folder, 'plane') });
  rights = await operatorRights(plane, NAMESPACES);
  const options = { client: rights.client, namespaces: NAMESPACES, clock, random, onTrouble };
  caches = new JobCaches(options);
  pods = podCache(options);
  void caches.run(stop.signal);
  void pods.run(stop.signal);
  await until('the caches are synced', () => caches.hasSynced && pods.hasSynced, { seconds: 30 });
  const { client } = rights;
  recorder = new EventRecorder({ client, controller: 'flowjob.dev/operator', instance: 'test', clock, random });
  store = new KubernetesStore({ client, recorder, caches });
  runtime = newRuntime();
}, 600_000);

afterAll(async () => {
  stop.abort();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const manifest = (namespace: string, name: string) => ({
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { namespace, name },
  spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } }, taskManager: { replicas: 2 } },
});

/** Applied by a user, and seen by the cache. */
async function applied(namespace: string, name: string): Promise<FlowJob> {
  await rights.kubectl.apply([manifest(namespace, name)]);
  return until(`${name} is seen`, async () => store.get('FlowJob', { namespace, name }), { seconds: 20 });
}

const attempt = (epoch: number): Attempt => ({
  epoch,
  jobId: String(epoch).repeat(32).slice(0, 32),
  specHash: 'x',
  startedAt: '2026-01-01T00:00:00Z',
  runStartedAt: '2026-01-01T00:00:00Z',
  healthy: false,
});
const planOf = (job: FlowJob, epoch: number): AttemptPlan => ({
  key: { namespace: job.metadata.namespace, name: job.metadata.name },
  uid: job.metadata.uid,
  attempt: attempt(epoch),
  spec: resolveSpec(job.spec),
});
const podNames = (plan: AttemptPlan): string[] =>
  pods
    .by('job', `${plan.key.namespace}/${plan.key.name}`)
    .map(({ metadata }) => metadata.name)
    .sort();
/** There is no kubelet to say so. */
async function setPodStatus(namespace: string, name: string, status: object): Promise<void> {
  await rights.kubectl.run(
    'patch',
    'pod',
    name,
    '-n',
    namespace,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  );
}

test('jobs of each namespace that was named are seen, and of no other one', async () => {
  await applied('a', 'one');
  await applied('b', 'one');
  await rights.kubectl.apply([manifest('default', 'one')]);
  const { items } = await store.list('FlowJob');
  expect(items.map(({ metadata }) => metadata.namespace).sort()).toEqual(['a', 'b']);
  expect(await store.get('FlowJob', { namespace: 'default', name: 'one' })).toBeNull();
}, 60_000);

test('what was written is read at once, and whoever writes from an older state is told of the conflict', async () => {
  const job = await applied('a', 'written');
  const status = { observedGeneration: 1, state: 'Pending' as const, conditions: [] };
  const after = await store.updateStatus<'FlowJob'>({ ...job, status });
  const read = await store.get('FlowJob', job.metadata);
  expect(read?.status?.state).toBe('Pending');
  expect(read?.metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  await expect(store.updateStatus<'FlowJob'>({ ...job, status })).rejects.toMatchObject({ reason: 'Conflict' });
  await expect(
    store.update<'FlowJob'>({ ...after, metadata: { ...after.metadata, name: 'not-there' } }),
  ).rejects.toMatchObject({ reason: 'NotFound' });
}, 60_000);

test('a watch tells of what there is, of changes and of the end, and ends with its store', async () => {
  await applied('b', 'watched');
  const own = new KubernetesStore({ client: rights.client, recorder, caches });
  const told: string[] = [];
  const watching = (async () => {
    for await (const { type, object } of own.watch('FlowJob', { signal: stop.signal }))
      if (object.metadata.name === 'watched') told.push(type);
  })();
  await until('it is told of', () => told.length > 0, { seconds: 20 });
  await rights.kubectl.run('delete', 'flowjob', 'watched', '-n', 'b');
  await until('its end is told', () => told.at(-1) === 'Deleted', { seconds: 20 });
  expect(told[0]).toBe('Changed');
  await own.close();
  await watching;
}, 60_000);

test('after a refresh a cache knows what was written the moment before', async () => {
  await rights.kubectl.apply([manifest('a', 'fresh')]);
  await caches.refresh();
  expect(await store.get('FlowJob', { namespace: 'a', name: 'fresh' })).not.toBeNull();
}, 60_000);

test('an attempt gets its pods and what they need, once, however often it is asked for', async () => {
  const plan = planOf(await applied('a', 'orders'), 1);
  await runtime.ensureProcesses(plan, []);
  await runtime.ensureProcesses(plan, []);
  // Another operator that knows nothing yet.
  const blind = new KubernetesRuntime({
    client: rights.client,
    pods: podCache({ client: rights.client, namespaces: NAMESPACES, clock, random, onTrouble }),
    image: 'flowjob:dev',
    clock,
    onTrouble,
  });
  await blind.ensureProcesses(plan, []);
  expect(podNames(plan)).toEqual(['orders-1-jobmanager', 'orders-1-taskmanager-0', 'orders-1-taskmanager-1']);
  expect(runtime.processes(plan.key).every(({ state, epoch }) => state === 'Running' && epoch === 1)).toBe(true);
  const owned = await rights.kubectl.run(
    ...[
      'get',
      'configmaps,secrets,services,networkpolicies,persistentvolumeclaims',
      '-n',
      'a',
      '-l',
      'flowjob.dev/job=orders',
    ],
    ...['-o', 'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.ownerReferences[0].uid}{"\\n"}{end}'],
  );
  const uid = plan.uid;
  expect(
    owned
      .trim()
      .split('\n')
      .map((line) => line.trim())
      .sort(),
  ).toEqual([
    `ConfigMap orders-1 ${uid}`,
    `NetworkPolicy orders ${uid}`,
    'PersistentVolumeClaim orders-state',
    `Secret orders-1 ${uid}`,
    `Service orders-rest ${uid}`,
  ]);
}, 60_000);

test('a pod whose name somebody else has taken is left alone, and said to be so', async () => {
  const plan = planOf(await applied('b', 'taken'), 1);
  const container = { name: 'c', image: 'x' };
  await rights.kubectl.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'taken-1-jobmanager', namespace: 'b' },
      spec: { containers: [container] },
    },
  ]);
  await expect(runtime.ensureProcesses(plan, [])).rejects.toThrow('nobody controls');
}, 60_000);

test('a TaskManager that ended is replaced under the next name', async () => {
  const plan = planOf(await applied('a', 'replaced'), 1);
  await runtime.ensureProcesses(plan, []);
  await setPodStatus('a', 'replaced-1-taskmanager-0', { phase: 'Failed', reason: 'Evicted' });
  await until('its end is seen', () => runtime.processes(plan.key).some(({ state }) => state === 'Exited'), {
    seconds: 20,
  });
  await runtime.ensureProcesses(plan, [0]);
  expect(podNames(plan)).not.toContain('replaced-1-taskmanager-0-1');
  await runtime.ensureProcesses(plan, []);
  expect(podNames(plan)).toContain('replaced-1-taskmanager-0-1');
}, 60_000);

test('the token of an attempt is kept for that attempt alone: neither the next one nor a job made anew gets it', async () => {
  const plan = planOf(await applied('a', 'tokens'), 1);
  await runtime.ensureProcesses(plan, []);
  await setPodStatus('a', 'tokens-1-jobmanager', { phase: 'Running', podIP: '10.9.9.9', podIPs: [{ ip: '10.9.9.9' }] });
  const tokenOf = async (of: KubernetesRuntime, epoch: number): Promise<string | null> =>
    (await until('it can be reached', async () => of.connection(plan.key, attempt(epoch)), { seconds: 20 })).token;
  const first = await tokenOf(runtime, 1);
  expect(first).toMatch(/^[0-9a-f]{48}$/);
  // From the Secret, as an operator that was started since reads it.
  expect(await tokenOf(newRuntime(), 1)).toBe(first);

  const next = { ...plan, attempt: attempt(2) };
  await runtime.ensureProcesses(next, []);
  await setPodStatus('a', 'tokens-2-jobmanager', { phase: 'Running', podIP: '10.9.9.8', podIPs: [{ ip: '10.9.9.8' }] });
  const second = await tokenOf(runtime, 2);
  expect(second).toMatch(/^[0-9a-f]{48}$/);
  expect(second).not.toBe(first);
  expect((runtime as unknown as { tokens: Map<string, unknown> }).tokens.get('a/tokens')).toMatchObject({ epoch: 2 });

  await until(
    'its pods are gone',
    async () => {
      runtime.stopProcesses(plan.key, 2, false);
      await rights.kubectl.run(
        'delete',
        'pods',
        '-n',
        'a',
        '-l',
        'flowjob.dev/job=tokens',
        '--force',
        '--grace-period=0',
      );
      return podNames(plan).length === 0;
    },
    { seconds: 30 },
  );
  await runtime.forget(plan.key);
  expect((runtime as unknown as { tokens: Map<string, unknown> }).tokens.has('a/tokens')).toBe(false);
}, 90_000);

test('the rights of the chart are enough for all of it, and each of them is used', async () => {
  const job = await applied('a', 'rights');
  const event = {
    regarding: { kind: 'FlowJob' as const, ...job.metadata },
    type: 'Normal' as const,
    reason: 'Running',
    message: 'it runs',
  };
  await store.recordEvent(event);
  await store.recordEvent(event);
  await recorder.close();
  await store.update<'FlowJob'>({ ...job, metadata: { ...job.metadata, finalizers: ['flowjob.dev/operator'] } });
  await rights.kubectl.apply([
    {
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowSavepoint',
      metadata: { namespace: 'a', name: 's' },
      spec: { jobRef: { name: 'rights' } },
    },
  ]);
  const savepoint = await until(
    'the savepoint is seen',
    async () => store.get('FlowSavepoint', { namespace: 'a', name: 's' }),
    { seconds: 20 },
  );
  const held = await store.update<'FlowSavepoint'>({
    ...savepoint,
    metadata: { ...savepoint.metadata, finalizers: ['flowjob.dev/operator'] },
  });
  await store.updateStatus<'FlowSavepoint'>({
    ...held,
    status: { observedGeneration: 1, state: 'Pending', conditions: [] },
  });
  // Whether there is a volume to look at.
  await runtime.removeState({ key: { namespace: 'a', name: 'never-there' }, storage: undefined });

  expect(troubles).toEqual([]);
  const key = ({ group, resource, verb }: Request): string => `${verb} ${resource}.${group}`;
  const used = new Set(rights.requests.map(key));
  const role = (await render('watchNamespaces={a}')).find(
    ({ kind, metadata }) => kind === 'Role' && metadata.name === RELEASE,
  )!;
  const granted = (role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[])
    .filter(({ resources }) => !resources.includes('flowjobs/finalizers'))
    .flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => key({ group: apiGroups[0]!, resource, verb }))),
    );
  expect([...used].sort()).toEqual(granted.sort());
}, 60_000);
