// The runtime on a real API server, with exactly the rights that the chart gives: what it makes and finds, and that each of those rights is needed.
import { systemClock as clock } from '../../../engine/clock.ts';
import { render, RELEASE, type Request } from '../../../test/kubernetes/chart.ts';
import { KubernetesConfigMaps } from '../../store/kubernetes/kubernetes-config-maps.ts';
import { KubernetesLearned } from '../../store/kubernetes/kubernetes-learned.ts';
import { KubernetesRevisions } from '../../store/kubernetes/kubernetes-revisions.ts';
import { startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import { until } from '../../../test/harness/until.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import type { Attempt } from '../../api/status.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import type { AttemptPlan } from '../port.ts';
import { KubernetesRuntime } from './kubernetes-runtime.ts';
import { podCache } from './pod-cache.ts';
import type { Pod } from './pod-view.ts';
import { EVENTS_OF_PODS, volumeTroubleOf } from './volume-events.ts';

let parts: OperatorParts;
let runtime: KubernetesRuntime;

const runtimeOf = (pods: Cache<Pod>): KubernetesRuntime => {
  const { client, onTrouble } = parts.options;
  return new KubernetesRuntime({ client, pods, image: 'flowjob:dev', clock, onTrouble });
};

beforeAll(async () => {
  parts = await startOperatorParts(['a', 'b']);
  runtime = runtimeOf(parts.pods);
}, 900_000);

afterAll(async () => parts.stop(), 240_000);

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
  parts.pods
    .by('job', `${plan.key.namespace}/${plan.key.name}`)
    .map(({ metadata }) => metadata.name)
    .sort();
/** There is no kubelet to say so. */
async function setPodStatus(namespace: string, name: string, status: object): Promise<void> {
  await parts.rights.kubectl.run(
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

/** Makes the attempt's JobManager, and says in the scheduler's stead that it has found its place; whoever listens is told. */
async function placeJobManager(plan: AttemptPlan): Promise<void> {
  const { key, attempt: of } = plan;
  const name = `${key.name}-${of.epoch}-jobmanager`;
  await runtime.ensureProcesses(plan, []);
  const isStarted = (): boolean =>
    parts.pods
      .by('job', `${key.namespace}/${key.name}`)
      .some(({ metadata, status }) => metadata.name === name && status?.phase === 'Running');
  const told = new Promise<void>((resolve) =>
    runtime.onChange((of) => (of.name === key.name && isStarted() ? resolve() : undefined)),
  );
  await setPodStatus(key.namespace, name, { phase: 'Running' });
  await told;
}

test('while the claim is not bound the TaskManagers wait for the JobManager to have its place', async () => {
  const plan = planOf(await parts.applied('a', 'first'), 1);
  await runtime.ensureProcesses(plan, []);
  await runtime.ensureProcesses(plan, []);
  await runtimeOf(parts.pods).ensureProcesses(plan, []);
  expect(podNames(plan)).toEqual(['first-1-jobmanager']);
  await placeJobManager(plan);
  await runtime.ensureProcesses(plan, []);
  expect(podNames(plan)).toEqual(['first-1-jobmanager', 'first-1-taskmanager-0', 'first-1-taskmanager-1']);
}, 60_000);

test('while nothing can be placed the JobManager says why', async () => {
  const plan = planOf(await parts.applied('a', 'nowhere'), 1);
  await runtime.ensureProcesses(plan, []);
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' };
  await setPodStatus('a', 'nowhere-1-jobmanager', { phase: 'Pending', conditions: [unschedulable] });
  const told = await until('it is told', () => runtime.processes(plan.key)[0]?.pending?.trouble, { seconds: 20 });
  expect(told).toContain('nowhere-1-jobmanager cannot be scheduled: 0/1 nodes');
}, 60_000);

test('on a claim that is bound all pods of an attempt are made at once', async () => {
  const plan = planOf(await parts.applied('a', 'bound'), 1);
  const capacity = { storage: '1Gi' };
  const accessModes = ['ReadWriteOnce'];
  await parts.rights.kubectl.apply([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'bound' },
      spec: { capacity, accessModes, hostPath: { path: '/tmp' }, claimRef: { namespace: 'a', name: 'bound-state' } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'bound-state', namespace: 'a' },
      spec: { accessModes, storageClassName: '', volumeName: 'bound', resources: { requests: capacity } },
    },
  ]);
  const phase = ['get', 'pvc', 'bound-state', '-n', 'a', '-o', 'jsonpath={.status.phase}'];
  await until('it is bound', async () => (await parts.rights.kubectl.run(...phase)) === 'Bound', { seconds: 30 });
  await runtime.ensureProcesses(plan, []);
  expect(podNames(plan)).toEqual(['bound-1-jobmanager', 'bound-1-taskmanager-0', 'bound-1-taskmanager-1']);
}, 60_000);

test('a JobManager that has gone is not made again where only TaskManagers are asked for', async () => {
  const plan = planOf(await parts.applied('a', 'stopping'), 1);
  await placeJobManager(plan);
  await parts.rights.kubectl.run('delete', 'pod', 'stopping-1-jobmanager', '-n', 'a', '--force', '--grace-period=0');
  await until('its end is seen', () => podNames(plan).length === 0, { seconds: 20 });
  await runtime.ensureProcesses(plan, [], 'TaskManagers');
  expect(podNames(plan)).not.toContain('stopping-1-jobmanager');
}, 60_000);

test('an attempt gets its pods and what they need, once, however often it is asked for', async () => {
  const plan = planOf(await parts.applied('a', 'orders'), 1);
  await placeJobManager(plan);
  await runtime.ensureProcesses(plan, []);
  await runtime.ensureProcesses(plan, []);
  // Another operator that knows nothing yet.
  const blind = runtimeOf(podCache(parts.options));
  await blind.ensureProcesses(plan, []);
  expect(podNames(plan)).toEqual(['orders-1-jobmanager', 'orders-1-taskmanager-0', 'orders-1-taskmanager-1']);
  expect(runtime.processes(plan.key).every(({ state, epoch }) => state === 'Running' && epoch === 1)).toBe(true);
  const owned = await parts.rights.kubectl.run(
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
}, 240_000);

test('what attempts share is brought back to what it is to be by the next one; what others added to it stays', async () => {
  const plan = planOf(await parts.applied('a', 'shared'), 1);
  await runtime.ensureProcesses(plan, []);
  const { kubectl } = parts.rights;
  await kubectl.run('label', 'service', 'shared-rest', '-n', 'a', 'team=a');
  const edit = async (ports: object[]): Promise<string> =>
    kubectl.run(
      ...['patch', 'service', 'shared-rest', '-n', 'a', '--type=merge', '-p'],
      JSON.stringify({ spec: { ports } }),
    );
  await edit([{ name: 'rest', port: 8081, protocol: 'TCP', targetPort: 9999 }]);
  await kubectl.run('delete', 'networkpolicy', 'shared', '-n', 'a');
  await runtime.ensureProcesses({ ...plan, attempt: attempt(2) }, []);
  const service = await kubectl.get<{ metadata: { labels: object }; spec: { ports: object[] } }>(
    ...['service', 'shared-rest', '-n', 'a'],
  );
  expect(service.spec.ports).toMatchObject([{ name: 'rest', port: 8081, targetPort: 'rest' }]);
  expect(service.metadata.labels).toMatchObject({ team: 'a', 'flowjob.dev/job': 'shared' });
  expect(await kubectl.run('get', 'networkpolicy', 'shared', '-n', 'a', '-o', 'name')).toContain('shared');

  // Another port under our name is somebody else's field, which no apply removes.
  await edit([{ name: 'rest', port: 80, protocol: 'TCP', targetPort: 'rest' }]);
  await runtime.ensureProcesses({ ...plan, attempt: attempt(3) }, []);
  expect(runtime.refusal(plan.key)?.reason).toMatch(
    /services\/shared-rest: 422 .*Duplicate value.* -> undo what somebody else changed of that object, or delete it/s,
  );
  await kubectl.run('delete', 'service', 'shared-rest', '-n', 'a');
  await runtime.ensureProcesses({ ...plan, attempt: attempt(3) }, []);
  expect(runtime.refusal(plan.key)).toBeNull();
}, 240_000);

test('a pod whose name somebody else has taken is left alone, and said to be so', async () => {
  const plan = planOf(await parts.applied('b', 'taken'), 1);
  const container = { name: 'c', image: 'x' };
  await parts.rights.kubectl.apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'taken-1-jobmanager', namespace: 'b' },
      spec: { containers: [container] },
    },
  ]);
  await expect(runtime.ensureProcesses(plan, [])).rejects.toThrow('nobody controls');
}, 240_000);

test('a TaskManager that ended is replaced under the next name', async () => {
  const plan = planOf(await parts.applied('a', 'replaced'), 1);
  await placeJobManager(plan);
  await runtime.ensureProcesses(plan, []);
  await setPodStatus('a', 'replaced-1-taskmanager-0', { phase: 'Failed', reason: 'Evicted' });
  await until('its end is seen', () => runtime.processes(plan.key).some(({ state }) => state === 'Exited'), {
    seconds: 60,
  });
  await runtime.ensureProcesses(plan, [0]);
  expect(podNames(plan)).not.toContain('replaced-1-taskmanager-0-1');
  await runtime.ensureProcesses(plan, []);
  expect(podNames(plan)).toContain('replaced-1-taskmanager-0-1');
  const all = [...runtime.processes(plan.key), ...runtime.ended(plan.key)];
  expect(all.filter(({ role, index }) => role === 'TaskManager' && index === 0)).toMatchObject([
    { state: 'Running', restarts: 1 },
    { state: 'Exited', restarts: 0 },
  ]);
}, 240_000);

test('what belongs to an attempt and was deleted by hand is there again for its next pod, with the token that its JobManager has', async () => {
  const plan = planOf(await parts.applied('a', 'bereft'), 1);
  const { kubectl } = parts.rights;
  await placeJobManager(plan);
  await runtime.ensureProcesses(plan, []);
  const token = async (): Promise<string> =>
    kubectl.run('get', 'secret', 'bereft-1', '-n', 'a', '-o', 'jsonpath={.data.token}');
  const before = await token();
  await kubectl.run('delete', 'secret/bereft-1', 'configmap/bereft-1', '-n', 'a');
  await setPodStatus('a', 'bereft-1-taskmanager-0', { phase: 'Failed' });
  await until('its end is seen', () => runtime.processes(plan.key).some(({ state }) => state === 'Exited'), {
    seconds: 60,
  });
  await runtime.ensureProcesses(plan, []);
  expect(podNames(plan)).toContain('bereft-1-taskmanager-0-1');
  expect(await token()).toBe(before);
  expect(await kubectl.run('get', 'configmap', 'bereft-1', '-n', 'a', '-o', 'name')).toContain('bereft-1');
}, 120_000);

test('of a pod the events are found that tell of its volumes, as the attach-detach controller writes them', async () => {
  const plan = planOf(await parts.applied('a', 'attached'), 1);
  await runtime.ensureProcesses(plan, []);
  const { uid, name } = parts.pods.by('job', 'a/attached')[0]!.metadata;
  const at = new Date().toISOString().replace(/\.\d+/, '');
  const event = (of: string, reason: string, message: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${reason.toLowerCase()}-${of.slice(0, 4)}`, namespace: 'a' },
    involvedObject: { kind: 'Pod', namespace: 'a', name, uid: of },
    type: 'Warning',
    ...{ reason, message, firstTimestamp: at, lastTimestamp: at, count: 1 },
    source: { component: 'attachdetach-controller' },
  });
  await parts.rights.kubectl.apply([
    event(uid, 'FailedAttachVolume', 'Multi-Attach error for volume "v" Volume is already used by pod(s) x'),
    event('another', 'SuccessfulAttachVolume', 'AttachVolume.Attach succeeded for volume "v"'),
  ]);
  const { items } = await parts.options.client.list(EVENTS_OF_PODS, {
    namespace: 'a',
    fieldSelector: `regarding.uid=${uid}`,
  });
  expect(volumeTroubleOf(parts.pods.by('job', 'a/attached')[0]!, items)).toMatch(
    /^attached-1-jobmanager does not start: FailedAttachVolume: Multi-Attach error .* -> a node that had the volume/,
  );
}, 60_000);

test('the TaskManagers of a job that was rescaled need not be the first ones, and those that it is left without go, no others', async () => {
  const plan = planOf(await parts.applied('a', 'rescaled'), 1);
  const sized = (taskManagers: number[]): AttemptPlan => ({ ...plan, attempt: { ...plan.attempt, taskManagers } });
  await placeJobManager(plan);
  await runtime.ensureProcesses(sized([0, 1, 4]), []);
  const [jobManager, ...workers] = ['jobmanager', 'taskmanager-0', 'taskmanager-1', 'taskmanager-4'];
  const names = (ends: string[]): string[] => ends.map((end) => `rescaled-1-${end}`);
  expect(podNames(plan)).toEqual(names([jobManager, ...workers]));
  // Nothing runs a pod here, so nothing ends one either: without a node it goes at once.
  runtime.stopTaskManagers(plan.key, 2, [4]);
  runtime.stopTaskManagers(plan.key, 1, [1, 4]);
  await until('one has gone', () => podNames(plan).length === 3, { seconds: 20 });
  runtime.stopTaskManagers(plan.key, 1, [4]);
  await until('two have gone', () => podNames(plan).length === 2, { seconds: 20 });
  expect(podNames(plan)).toEqual(names([jobManager, 'taskmanager-4']));
  await runtime.ensureProcesses(sized([1, 4]), []);
  expect(podNames(plan)).toEqual(names([jobManager, 'taskmanager-1', 'taskmanager-4']));
}, 60_000);

test('the token of an attempt is kept for that attempt alone: neither the next one nor a job made anew gets it', async () => {
  const plan = planOf(await parts.applied('a', 'tokens'), 1);
  await runtime.ensureProcesses(plan, []);
  await setPodStatus('a', 'tokens-1-jobmanager', { phase: 'Running', podIP: '10.9.9.9', podIPs: [{ ip: '10.9.9.9' }] });
  const tokenOf = async (of: KubernetesRuntime, epoch: number): Promise<string | null> =>
    (await until('it can be reached', async () => of.connection(plan.key, attempt(epoch)), { seconds: 60 })).token;
  const first = await tokenOf(runtime, 1);
  expect(first).toMatch(/^[0-9a-f]{48}$/);
  // From the Secret, as an operator that was started since reads it.
  expect(await tokenOf(runtimeOf(parts.pods), 1)).toBe(first);

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
      await parts.rights.kubectl.run(
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
    { seconds: 90 },
  );
  await runtime.forget(plan.key);
  expect((runtime as unknown as { tokens: Map<string, unknown> }).tokens.has('a/tokens')).toBe(false);
}, 300_000);

const isWatchOfConfigMaps = ({ resource, verb }: Request): boolean => resource === 'configmaps' && verb === 'watch';

test('the rights of the chart are enough for all of it, and each of them is used', async () => {
  const job = await parts.applied('a', 'rights');
  const event = {
    regarding: { kind: 'FlowJob' as const, ...job.metadata },
    type: 'Normal' as const,
    reason: 'Running',
    message: 'it runs',
  };
  await parts.store.recordEvent(event);
  await parts.store.recordEvent(event);
  await parts.recorder.close();
  const held = await parts.store.update<'FlowJob'>({
    ...job,
    metadata: { ...job.metadata, finalizers: ['flowjob.dev/operator'] },
  });
  await parts.store.updateStatus<'FlowJob'>({
    ...held,
    status: { observedGeneration: 1, state: 'Pending', conditions: [] },
  });
  await parts.rights.kubectl.apply([
    {
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowSavepoint',
      metadata: { namespace: 'a', name: 's' },
      spec: { jobRef: { name: 'rights' } },
    },
  ]);
  const savepoint = await until(
    'the savepoint is seen',
    async () => parts.store.get('FlowSavepoint', { namespace: 'a', name: 's' }),
    { seconds: 60 },
  );
  const kept = await parts.store.update<'FlowSavepoint'>({
    ...savepoint,
    metadata: { ...savepoint.metadata, finalizers: ['flowjob.dev/operator'] },
  });
  await parts.store.updateStatus<'FlowSavepoint'>({
    ...kept,
    status: { observedGeneration: 1, state: 'Pending', conditions: [] },
  });
  // What is kept of each version, what jobs read, what a schedule makes, and what goes by itself.
  const revisions = new KubernetesRevisions(parts.options.client);
  const owner = { key: { namespace: 'a', name: 'rights' }, uid: job.metadata.uid };
  const { spec } = planOf(job, 1);
  for (const revision of [1, 2]) await revisions.put(owner, { name: 'rights-x', revision, spec });
  for (const { name } of await revisions.list(owner)) await revisions.remove(owner, name);
  await new KubernetesLearned(parts.options.client).write(owner, '{}');
  const configMaps = new KubernetesConfigMaps(parts.options);
  expect(await configMaps.read({ namespace: 'a', name: 'rights' })).toBeNull();
  await until('its ConfigMaps are watched', () => parts.rights.requests.some(isWatchOfConfigMaps), { seconds: 60 });
  configMaps.close();
  await parts.store.create<'FlowSavepoint'>({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowSavepoint',
    metadata: { namespace: 'a', name: 'scheduled' },
    spec: { jobRef: { name: 'rights' } },
  });
  await parts.store.delete('FlowSavepoint', { namespace: 'a', name: 'scheduled' });
  await parts.store.delete('FlowJob', { namespace: 'a', name: 'rights' });
  // Whether there is a volume to look at.
  await runtime.removeState({ key: { namespace: 'a', name: 'never-there' }, storage: undefined });

  expect(parts.troubles).toEqual([]);
  const key = ({ group, resource, verb }: Request): string => `${verb} ${resource}.${group}`;
  const used = new Set(parts.rights.requests.map(key));
  const role = (await render('watchNamespaces={a}')).find(
    ({ kind, metadata }) => kind === 'Role' && metadata.name === RELEASE,
  )!;
  const granted = (role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[])
    .filter(({ resources }) => !resources.includes('flowjobs/finalizers'))
    .flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => key({ group: apiGroups[0]!, resource, verb }))),
    );
  expect([...used].sort()).toEqual(granted.sort());
}, 240_000);
