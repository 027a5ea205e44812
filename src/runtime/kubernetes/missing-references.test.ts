// What a pod mounts, and when it is looked for.
import type { Client } from '../../kube/rest/client.ts';
import type { Resource } from '../../kube/object.ts';
import { MissingReferences, referencesOf } from './missing-references.ts';
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

test('they are looked for once the pod has waited on its node, and again while it waits', async () => {
  let now = 0;
  const missing = new Set(['password']);
  const client = { find: (_: Resource, { name }: { name: string }) => Promise.resolve(missing.has(name) ? null : {}) };
  const references = new MissingReferences({
    client: client as unknown as Client,
    clock: { monotonic: () => now } as never,
    secrets: {} as Resource,
    configMaps: {} as Resource,
    onTrouble: (error) => {
      throw error;
    },
  });
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
