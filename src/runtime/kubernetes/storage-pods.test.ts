// Pods that look at volumes: what they take from the job's template, and how their answer, or what keeps them from one, is waited for.
import type { StorageCommand } from '../../../engine/storage-command.ts';
import { Store } from '../../kube/cache/store.ts';
import type { Client } from '../../kube/rest/client.ts';
import { VirtualClock } from '../../kube/testing/virtual-clock.ts';
import type { Pod } from './pod-view.ts';
import { storagePod, type Volume } from './storage-pod.ts';
import { StoragePods } from './storage-pods.ts';

const key = { namespace: 'default', name: 'orders' };
const volume: Volume = {
  key,
  engine: 'Embedded',
  root: '/flowjob/state/orders',
  volumes: [{ name: 'state', persistentVolumeClaim: { claimName: 'orders-state' } }],
  volumeMounts: [{ name: 'state', mountPath: '/flowjob/state' }],
  template: undefined,
};
const command: StorageCommand = { kind: 'removeState' };

let clock: VirtualClock;
let pods: Store<Pod>;
/** Names of the pods that were made, in their order. */
let made: string[];
let storagePods: StoragePods;
let ending: AbortController;
let version: number;

const metadataOf = (name: string, uid: string) => ({
  ...{ name, namespace: 'default', uid, resourceVersion: String(++version) },
  labels: { 'flowjob.dev/job': 'orders', 'flowjob.dev/role': 'storage' },
});
const theOnly = (): Pod => {
  expect(pods.list()).toHaveLength(1);
  return pods.list()[0]!;
};
/** The kubelet tells how the pod is. */
function tell(status: object): void {
  const { name, uid } = theOnly().metadata;
  pods.record({ metadata: metadataOf(name, uid), status });
}
const ended = (exitCode: number, message: string): object => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [
    { name: 'a-sidecar', state: { running: {} } },
    { name: 'storage', state: { terminated: { exitCode, message } } },
  ],
});
const unschedulable = {
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }],
};

beforeEach(() => {
  clock = new VirtualClock();
  version = 0;
  made = [];
  ending = new AbortController();
  pods = new Store<Pod>({
    indexers: { job: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.['flowjob.dev/job']}`] },
    onTrouble: (error) => {
      throw error;
    },
  });
  const client = {
    create: async (_: object, { metadata }: { metadata: { name: string } }) => {
      made.push(metadata.name);
      return { metadata: metadataOf(metadata.name, `uid-${made.length}`) };
    },
    delete: async (_: object, { name }: { name: string }) => {
      const { uid } = pods.get({ namespace: 'default', name })!.metadata;
      pods.follow('DELETED', String(++version), { metadata: { ...metadataOf(name, uid) } });
    },
  };
  storagePods = new StoragePods({
    ...{ client: client as unknown as Client, pods: pods, image: 'flowjob:dev', clock },
    ending: ending.signal,
  });
});

/** Begins a call and lets its pod be made. */
async function begun(): Promise<{ answer: Promise<string> }> {
  const answer = storagePods.run(volume, command, 'v');
  answer.catch(() => undefined);
  await clock.advance(0);
  return { answer };
}

test('the answer is that of its own container, and the pod goes', async () => {
  const { answer } = await begun();
  tell(ended(0, '{"found":null}'));
  expect(await clock.until(answer)).toBe('{"found":null}');
  expect(pods.list()).toEqual([]);
});

test('what keeps the pod from starting is told within seconds; the next call waits for the same pod, and has its answer', async () => {
  const first = await begun();
  tell(unschedulable);
  await expect(clock.until(first.answer)).rejects.toThrow(/cannot be scheduled: 0\/1 nodes -> .*nodeSelector/);
  expect(clock.monotonic()).toBeLessThan(5_000);
  await expect(clock.until((await begun()).answer)).rejects.toThrow(/cannot be scheduled/);
  tell({ phase: 'Running' });
  const { answer } = await begun();
  tell(ended(0, '{}'));
  expect(await clock.until(answer)).toBe('{}');
  expect(made).toHaveLength(1);
});

test('what passes by itself is not told', async () => {
  const { answer } = await begun();
  tell(unschedulable);
  await clock.advance(2_000);
  tell({ phase: 'Pending' });
  await clock.advance(10_000);
  tell(ended(0, '{}'));
  expect(await clock.until(answer)).toBe('{}');
});

test.each([
  ['that failed', ended(1, 'CHECKPOINT_CORRUPT: no'), /CHECKPOINT_CORRUPT: no/],
  ['that a node refused', { phase: 'Failed', reason: 'OutOfcpu', message: 'no room' }, /OutOfcpu: no room/],
])('a pod %s is told at once, goes, and the next call has another', async (_, status, says) => {
  const { answer } = await begun();
  tell(status);
  await expect(clock.until(answer)).rejects.toThrow(says);
  expect(clock.monotonic()).toBeLessThan(1_000);
  expect(pods.list()).toEqual([]);
  await begun();
  expect(new Set(made).size).toBe(2);
});

test('a pod that was taken away is made anew by the next call', async () => {
  const { answer } = await begun();
  const { name, uid } = theOnly().metadata;
  await clock.advance(100);
  pods.follow('DELETED', String(++version), { metadata: metadataOf(name, uid) });
  await expect(clock.until(answer)).rejects.toThrow(/deleted, or evicted/);
  await begun();
  expect(made).toHaveLength(2);
});

test('nobody waits for an answer any more once the operator ends', async () => {
  const { answer } = await begun();
  ending.abort(new Error('ending'));
  await expect(answer).rejects.toThrow('ending');
});

test('it runs where the job’s pods may, as whom they do, and pulls as they pull; it takes nothing else of the template', () => {
  const template = {
    metadata: { labels: { team: 'a', 'flowjob.dev/role': 'x' }, annotations: { 'sidecar.istio.io/inject': 'false' } },
    spec: {
      imagePullSecrets: [{ name: 'registry' }],
      tolerations: [{ key: 'dedicated', operator: 'Exists' }],
      nodeSelector: { pool: 'jobs' },
      securityContext: { runAsUser: 2000, fsGroup: 2000 },
      initContainers: [{ name: 'put' }],
      volumes: [{ name: 'more', emptyDir: {} }],
      containers: [
        { name: 'jobmanager', env: [{ name: 'X', value: '1' }], securityContext: { runAsGroup: 2001 } },
        { name: 'sidecar', image: 's' },
      ],
    },
  };
  const { metadata, spec } = storagePod({ ...volume, template }, { name: 'p', image: 'flowjob:dev', command });
  expect(metadata.labels).toMatchObject({ team: 'a', 'flowjob.dev/role': 'storage' });
  expect(spec).toMatchObject({
    imagePullSecrets: [{ name: 'registry' }],
    tolerations: [{ key: 'dedicated', operator: 'Exists' }],
    nodeSelector: { pool: 'jobs' },
    securityContext: { runAsNonRoot: true, runAsUser: 2000, runAsGroup: 10001, fsGroup: 2000 },
    volumes: volume.volumes,
    automountServiceAccountToken: false,
  });
  expect(spec).not.toHaveProperty('initContainers');
  const containers = spec['containers'] as { name: string; env?: object; securityContext: object }[];
  expect(containers.map(({ name }) => name)).toEqual(['storage']);
  expect(containers[0]).not.toHaveProperty('env');
  expect(containers[0]?.securityContext).toMatchObject({ runAsGroup: 2001, readOnlyRootFilesystem: true });
});
