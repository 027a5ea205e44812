// What a pod waits for on its node, and when it is looked for.
import type { Client } from '../../kube/rest/client.ts';
import type { Resource } from '../../kube/object.ts';
import { WaitingOnNode, referencesOf } from './waiting-on-node.ts';
import type { Pod } from './pod-view.ts';

const volumes = [
  { name: 'a', secret: { secretName: 'password' } },
  { name: 'b', configMap: { name: 'settings' } },
  { name: 'c', secret: { secretName: 'perhaps', optional: true } },
  { name: 'd', projected: { sources: [{ configMap: { name: 'more' } }, { secret: { name: 'token' } }] } },
  { name: 'e', emptyDir: {} },
  { name: 'f', secret: { secretName: 'mounted-by-nobody' } },
];
const mounts = (...names: string[]): object => ({
  volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })),
});
const waitingPod = {
  metadata: { name: 'orders-1-jobmanager', namespace: 'default', uid: 'u', resourceVersion: '1' },
  spec: { nodeName: 'node', volumes, initContainers: [mounts('a')], containers: [mounts('b', 'c'), mounts('d', 'e')] },
  status: {
    phase: 'Pending',
    containerStatuses: [{ name: 'jobmanager', state: { waiting: { reason: 'ContainerCreating' } } }],
  },
} as unknown as Pod;

test('secrets and ConfigMaps that must be there are found in every place where a pod mounts them', () => {
  expect(referencesOf(waitingPod).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'Secret password',
    'ConfigMap settings',
    'ConfigMap more',
    'Secret token',
  ]);
});

const waitingOn = (client: object, monotonic: () => number): WaitingOnNode =>
  new WaitingOnNode({
    client: client as Client,
    clock: { monotonic } as never,
    secrets: {} as Resource,
    configMaps: {} as Resource,
    onTrouble: (error) => {
      throw error;
    },
  });

test('they are looked for once the pod has waited on its node, and again while it waits', async () => {
  let now = 0;
  const missing = new Set(['password']);
  const client = { find: (_: Resource, { name }: { name: string }) => Promise.resolve(missing.has(name) ? null : {}) };
  const references = waitingOn(client, () => now);
  const look = async (pod = waitingPod): Promise<string | null> => {
    references.troubleOf(pod);
    await new Promise((done) => setImmediate(done));
    return references.troubleOf(pod);
  };
  expect(await look()).toBeNull();
  now = 2_000;
  expect(await look()).toMatch(/mounts Secret "password", which is not in namespace default -> make it/);
  missing.clear();
  now = 4_000;
  expect(await look()).toBeNull();
});

test('events are read of a pod that waits for long: a volume that another node still has, until it is attached', async () => {
  let now = 0;
  const asked: unknown[] = [];
  const event = (reason: string, note: string, at: string) => ({ reason, note, deprecatedLastTimestamp: at });
  const events = [
    event('FailedMount', 'Unable to attach or mount volumes: timed out', '2026-01-01T00:00:01Z'),
    event('FailedAttachVolume', 'Multi-Attach error for volume "v" Volume is already used', '2026-01-01T00:00:02Z'),
    event(
      'FailedMount',
      'MountVolume.SetUp failed for volume "a" : secret "password" not found',
      '2026-01-01T00:00:03Z',
    ),
    event('Pulling', 'image', '2026-01-01T00:00:04Z'),
  ].map((one) => ({ metadata: {}, ...one }));
  const client = {
    find: () => Promise.resolve({}),
    list: (_: Resource, scope: object) => {
      asked.push(scope);
      return Promise.resolve({ items: events });
    },
  };
  const waits = waitingOn(client, () => now);
  const lookAt = async (time: number): Promise<string | null> => {
    now = time;
    waits.troubleOf(waitingPod);
    await new Promise((done) => setImmediate(done));
    return waits.troubleOf(waitingPod);
  };
  await lookAt(0);
  expect(await lookAt(8_000)).toBeNull();
  expect(asked).toEqual([]);
  expect(await lookAt(10_000)).toMatch(
    /^orders-1-jobmanager does not start: FailedAttachVolume: Multi-Attach error .* -> a node that had the volume before/,
  );
  expect(asked).toEqual([{ namespace: 'default', fieldSelector: 'regarding.uid=u' }]);
  events.push({ metadata: {}, ...event('FailedMount', 'mount failed: exit status 32', '2026-01-01T00:00:05Z') });
  expect(await lookAt(20_000)).toMatch(
    /FailedMount: mount failed: exit status 32 -> see that the volume can be attached/,
  );
  events.push({ metadata: {}, ...event('SuccessfulAttachVolume', 'attached', '2026-01-01T00:00:06Z') });
  expect(await lookAt(25_000)).not.toBeNull();
  expect(await lookAt(30_000)).toBeNull();
});

test('a Secret is looked for also where a container is to run before the others', async () => {
  let now = 0;
  const references = waitingOn({ find: () => Promise.resolve(null) }, () => now);
  const initializing = { waiting: { reason: 'PodInitializing' } };
  const first = (state: object): Pod =>
    ({
      ...waitingPod,
      status: {
        phase: 'Pending',
        initContainerStatuses: [{ name: 'first', state }],
        containerStatuses: [{ name: 'jobmanager', state: initializing }],
      },
    }) as unknown as Pod;
  const look = async (pod: Pod): Promise<string | null> => {
    references.troubleOf(pod);
    now += 2_000;
    references.troubleOf(pod);
    await new Promise((done) => setImmediate(done));
    return references.troubleOf(pod);
  };
  expect(await look(first(initializing))).toMatch(/mounts Secret "password"/);
  // Its volumes are there.
  expect(await look(first({ running: {} }))).toBeNull();
});
