// The runtime on a real API server, with exactly the rights that the chart gives: what it makes and finds, and that each of those rights is needed.
import { systemClock as clock } from '../../../engine/clock.ts';
import { render, RELEASE, type Request } from '../../../test/kubernetes/chart.ts';
import { KubernetesConfigMaps } from '../../store/kubernetes/kubernetes-config-maps.ts';
import { KubernetesLearned } from '../../store/kubernetes/kubernetes-learned.ts';
import { KubernetesRevisions } from '../../store/kubernetes/kubernetes-revisions.ts';
import { run } from '../../../test/kubernetes/command.ts';
import { startOperatorParts, type OperatorParts } from '../../../test/kubernetes/operator-parts.ts';
import { until } from '../../../test/harness/until.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import type { AttemptPlan } from '../port.ts';
import { attemptOf, planOf } from './attempt-plan.fixture.ts';
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
  parts = await startOperatorParts(['a', 'b'], 'flink.highAvailability.enabled=false');
  runtime = runtimeOf(parts.pods);
}, 900_000);

afterAll(async () => parts.stop(), 240_000);

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
  await runtime.ensureProcesses({ ...plan, attempt: attemptOf(2) }, []);
  const service = await kubectl.get<{ metadata: { labels: object }; spec: { ports: object[] } }>(
    ...['service', 'shared-rest', '-n', 'a'],
  );
  expect(service.spec.ports).toMatchObject([{ name: 'rest', port: 8081, targetPort: 'rest' }]);
  expect(service.metadata.labels).toMatchObject({ team: 'a', 'flowjob.dev/job': 'shared' });
  expect(await kubectl.run('get', 'networkpolicy', 'shared', '-n', 'a', '-o', 'name')).toContain('shared');

  // Another port under our name is somebody else's field, which no apply removes.
  await edit([{ name: 'rest', port: 80, protocol: 'TCP', targetPort: 'rest' }]);
  await runtime.ensureProcesses({ ...plan, attempt: attemptOf(3) }, []);
  expect(runtime.refusal(plan.key)?.reason).toMatch(
    /services\/shared-rest: 422 .*Duplicate value.* -> undo what somebody else changed of that object, or delete it/s,
  );
  await kubectl.run('delete', 'service', 'shared-rest', '-n', 'a');
  await runtime.ensureProcesses({ ...plan, attempt: attemptOf(3) }, []);
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
    (await until('it can be reached', async () => of.connection(plan.key, attemptOf(epoch)), { seconds: 60 })).token;
  const first = await tokenOf(runtime, 1);
  expect(first).toMatch(/^[0-9a-f]{48}$/);
  // From the Secret, as an operator that was started since reads it.
  expect(await tokenOf(runtimeOf(parts.pods), 1)).toBe(first);

  const next = { ...plan, attempt: attemptOf(2) };
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

test('what attempts that are over needed goes with the next one, and neither what is called alike nor what a pod may still need', async () => {
  const plan = planOf(await parts.applied('a', 'often'), 1);
  const { kubectl } = parts.rights;
  const labels = { 'flowjob.dev/job': 'often' };
  const attemptFiles = async (): Promise<string[]> =>
    (await kubectl.run('get', 'configmaps,secrets', '-n', 'a', '-l', 'flowjob.dev/job=often', '-o', 'name'))
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  const filesOf = (...epochs: number[]): string[] =>
    ['configmap', 'secret'].flatMap((kind) => epochs.map((epoch) => `${kind}/often-${epoch}`));
  const started = async (epoch: number): Promise<void> => {
    await runtime.ensureProcesses({ ...plan, attempt: attemptOf(epoch) }, []);
    await until('its pod is seen', () => podNames(plan).includes(`often-${epoch}-jobmanager`), { seconds: 20 });
  };
  const ended = async (epoch: number): Promise<void> => {
    runtime.stopProcesses(plan.key, epoch, false);
    const isOf = (name: string): boolean => name.startsWith(`often-${epoch}-`);
    await until('its pods are gone', () => !podNames(plan).some(isOf), { seconds: 20 });
  };
  await started(1);
  await ended(1);
  await started(3);
  // One that is prepared, and given up.
  await runtime.ahead.ensure({ ...plan, attempt: attemptOf(4) });
  await until('its pod is seen', () => podNames(plan).includes('often-4-jobmanager'), { seconds: 20 });
  const goneOf = async (epoch: number): Promise<boolean> =>
    !(await attemptFiles()).includes(`configmap/often-${epoch}`);
  await until('those of the first are gone', () => goneOf(1), { seconds: 20 });
  expect(await attemptFiles()).toEqual(filesOf(3, 4));
  // Named as those of an attempt are.
  const metadata = { namespace: 'a', name: 'often-2', labels };
  await kubectl.apply(['ConfigMap', 'Secret'].map((kind) => ({ apiVersion: 'v1', kind, metadata })));
  await ended(3);
  await started(5);
  await until('those of the third are gone', () => goneOf(3), { seconds: 20 });
  // The pod of the one that was prepared is still there.
  expect(await attemptFiles()).toEqual(filesOf(2, 4, 5));
}, 240_000);

describe('before a version with another image takes over', () => {
  const probes = (plan: AttemptPlan): string[] => podNames(plan).filter((name) => name.includes('-image-'));
  const next = (plan: AttemptPlan, image = 'flowjob:next'): AttemptPlan => ({
    ...plan,
    spec: { ...plan.spec, engine: { ...plan.spec.engine, image } },
  });
  const says = (reason: string) => ({
    phase: 'Pending',
    containerStatuses: [
      {
        ...{ name: 'image-0', image: 'flowjob:next', imageID: '', ready: false, restartCount: 0 },
        state: { waiting: { reason, message: 'no such image' } },
      },
    ],
  });

  /** A job that runs on a node. */
  async function placed(name: string, podTemplate: object = {}): Promise<AttemptPlan> {
    const made = planOf(await parts.applied('a', name), 1);
    const plan = { ...made, spec: { ...made.spec, jobManager: { ...made.spec.jobManager, podTemplate } } };
    await placeJobManager(plan);
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: `${name}-1-jobmanager` },
      target: { apiVersion: 'v1', kind: 'Node', name: 'worker-2' },
    };
    const { program, kubeconfig } = parts.rights.kubectl;
    const path = `/api/v1/namespaces/a/pods/${name}-1-jobmanager/binding`;
    const args = ['--kubeconfig', kubeconfig, 'create', '--raw', path, '--filename', '-'];
    await run(program, args, { input: JSON.stringify(binding) });
    const node = (): string | undefined =>
      parts.pods.by('job', `a/${name}`).find(({ metadata }) => metadata.name.endsWith('jobmanager'))?.spec?.nodeName;
    await until('it has its node', () => node() === 'worker-2', { seconds: 20 });
    return plan;
  }

  test('a pod on the node of the JobManager asks for it, once, and is nobody’s process', async () => {
    await parts.rights.kubectl.run('create', 'serviceaccount', 'puller', '-n', 'a');
    const plan = await placed('asks', { spec: { imagePullSecrets: [{ name: 'pull' }], serviceAccountName: 'puller' } });
    expect(await runtime.newImages(plan.key, plan)).toBeNull();
    expect(probes(plan)).toEqual([]);
    expect(await runtime.newImages(plan.key, next(plan))).toEqual({ trouble: null });
    expect(await runtime.newImages(plan.key, next(plan))).toEqual({ trouble: null });
    // Another operator that knows nothing yet.
    expect(await runtimeOf(parts.pods).newImages(plan.key, next(plan))).toEqual({ trouble: null });
    // What pods of the two roles pull with is not the same.
    expect(probes(plan)).toHaveLength(2);
    expect(runtime.processes(plan.key).map(({ role }) => role)).toEqual(['JobManager']);
    const found = await Promise.all(
      probes(plan).map(async (name) =>
        parts.rights.kubectl.get<{ metadata: object; spec: { imagePullSecrets?: object[]; volumes?: object[] } }>(
          'pod',
          name,
          '-n',
          'a',
        ),
      ),
    );
    for (const pod of found)
      expect(pod).toMatchObject({
        metadata: { ownerReferences: [{ kind: 'FlowJob', uid: plan.uid }], labels: { 'flowjob.dev/role': 'image' } },
        spec: { nodeName: 'worker-2', containers: [{ image: 'flowjob:next' }] },
      });
    expect(found.flatMap(({ spec }) => spec.volumes ?? [])).toEqual([]);
    expect(found.flatMap(({ spec }) => spec.imagePullSecrets ?? [])).toEqual([{ name: 'pull' }]);
    await runtime.newImages(plan.key, null);
    await until('they are gone', () => probes(plan).length === 0, { seconds: 20 });
  }, 120_000);

  test('what the kubelet says of it is told until it is there, and the pod goes', async () => {
    const plan = await placed('missing');
    await runtime.newImages(plan.key, next(plan));
    const name = probes(plan)[0]!;
    await setPodStatus('a', name, says('ErrImagePull'));
    const told = async (): Promise<string | null | undefined> =>
      (await runtime.newImages(plan.key, next(plan)))?.trouble;
    const trouble = await until('it is told', told, { seconds: 20 });
    expect(trouble).toBe(
      `${name} does not start: ErrImagePull: no such image -> correct spec.engine.image, or see that the node may pull it`,
    );
    await setPodStatus('a', name, says('ImagePullBackOff'));
    const backedOff = (): boolean =>
      JSON.stringify(parts.pods.get({ namespace: 'a', name })?.status).includes('ImagePullBackOff');
    await until('it waits', backedOff, { seconds: 20 });
    expect(await told()).toBe(trouble);
    // It cannot run what it was told to, and it has its image.
    await setPodStatus('a', name, says('CreateContainerError'));
    await until('it is there', async () => (await runtime.newImages(plan.key, next(plan))) === null, { seconds: 20 });
    await until('the pod is gone', () => probes(plan).length === 0, { seconds: 20 });
    expect(await runtime.newImages(plan.key, next(plan))).toBeNull();
    expect(probes(plan)).toEqual([]);
  }, 120_000);

  test('a quota that lets no pod in keeps no version from taking over', async () => {
    const plan = await placed('no-room');
    const { kubectl } = parts.rights;
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: 'a' } };
    await kubectl.apply([{ ...quota, spec: { hard: { pods: '0' } } }]);
    const status = ['get', 'resourcequota', 'none', '-n', 'a', '-o', 'jsonpath={.status.hard.pods}'];
    await until('it counts', async () => (await kubectl.run(...status)) === '0', { seconds: 60 });
    expect(await runtime.newImages(plan.key, next(plan))).toBeNull();
    expect(probes(plan)).toEqual([]);
    await kubectl.run('delete', 'resourcequota', 'none', '-n', 'a');
  }, 120_000);
});

test('how a pod ended that somebody has deleted is known when it is gone, also of one that is deleted by force', async () => {
  const plan = planOf(await parts.applied('a', 'deleted'), 1);
  await placeJobManager(plan);
  await runtime.ensureProcesses(plan, []);
  const left = (): string[] => podNames(plan);
  const byForce = async (name: string): Promise<void> => {
    await parts.rights.kubectl.run('delete', 'pod', name, '-n', 'a', '--force', '--grace-period=0');
    await until('it is gone', () => !left().includes(name), { seconds: 20 });
  };
  await byForce('deleted-1-taskmanager-0');
  expect(runtime.processes(plan.key).filter(({ state }) => state === 'Exited')).toMatchObject([
    { role: 'TaskManager', exit: { asked: true, reason: 'deleted-1-taskmanager-0 was deleted.' } },
  ]);
  await runtime.ensureProcesses(plan, []);
  expect(left()).toEqual(['deleted-1-jobmanager', 'deleted-1-taskmanager-0-1', 'deleted-1-taskmanager-1']);
  await byForce('deleted-1-jobmanager');
  const jobManager = { role: 'JobManager', exit: { asked: true, reason: 'deleted-1-jobmanager was deleted.' } };
  expect(runtime.processes(plan.key).filter(({ state }) => state === 'Exited')).toMatchObject([jobManager]);
  // That attempt is lost, and nobody makes the same one twice.
  await runtime.ensureProcesses(plan, []);
  expect(left()).toEqual(['deleted-1-taskmanager-0-1', 'deleted-1-taskmanager-1']);
  runtime.stopProcesses(plan.key, 1, false);
  await until('those are gone', () => left().length === 0, { seconds: 20 });
  // The operator's own doing is no news to it: of TaskManagers it knows the one that somebody else has deleted.
  expect(runtime.processes(plan.key).filter(({ role, index }) => role === 'TaskManager' && index === 1)).toEqual([]);
  await runtime.forget(plan.key);
  expect(runtime.processes(plan.key)).toEqual([]);
}, 120_000);

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
  await parts.rights.kubectl.apply([
    {
      apiVersion: 'flowjob.dev/v1alpha1',
      kind: 'FlowCluster',
      metadata: { namespace: 'a', name: 'shared' },
      spec: { engine: { version: '2.3' } },
    },
  ]);
  const cluster = await until(
    'the cluster is seen',
    async () => parts.store.get('FlowCluster', { namespace: 'a', name: 'shared' }),
    { seconds: 60 },
  );
  const taken = await parts.store.update<'FlowCluster'>({
    ...cluster,
    metadata: { ...cluster.metadata, finalizers: ['flowjob.dev/operator'] },
  });
  await parts.store.updateStatus<'FlowCluster'>({ ...taken, status: { observedGeneration: 1, conditions: [] } });
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
  await runtime.removeState({ key: { namespace: 'a', name: 'never-there' }, engine: 'Embedded', storage: undefined });

  expect(parts.troubles).toEqual([]);
  const key = ({ group, resource, verb }: Request): string => `${verb} ${resource}.${group}`;
  const used = new Set(parts.rights.requests.map(key));
  const role = (await render('watchNamespaces={a}', 'flink.highAvailability.enabled=false')).find(
    ({ kind, metadata }) => kind === 'Role' && metadata.name === RELEASE,
  )!;
  const granted = (role['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[])
    .filter(({ resources }) => !resources.includes('flowjobs/finalizers'))
    .flatMap(({ apiGroups, resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => key({ group: apiGroups[0]!, resource, verb }))),
    );
  expect([...used].sort()).toEqual(granted.sort());
}, 240_000);
