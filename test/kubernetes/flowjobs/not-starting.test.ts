// Pods that cannot start: the condition says within seconds what keeps them and what to do, and the job goes on by itself when that is gone. The causes lie
// side by side, one job each, on one volume.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterFolder } from '../folder.ts';
import { ctr, NODE_NAME } from '../node.ts';
import { ownCluster } from '../own-cluster.ts';
import { IMAGE, installOperator, Jobs, kubectl, NAMESPACE, uninstallOperator } from './operator.ts';
import { condition, counting, expectEachOnce, makeSharedVolume, runs, untilEvent, untilMoreRows } from './streams.ts';

const folder = clusterFolder();
const onOurCluster = ownCluster(folder) === null;
const jobs = new Jobs(NAMESPACE);
const volume = mkdtempSync(join(tmpdir(), 'flowjob-volume-'));
/** Names of things that belong to no namespace. */
const unique = `not-starting-${NAMESPACE}`;

interface Cause {
  name: string;
  /** What is added to the spec. */
  spec: object;
  /** Of the condition Ready while it stands. */
  says: RegExp;
  /** Removes the cause. */
  cure: () => Promise<unknown>;
}

const onPods = (spec: object): object => ({ taskManager: { slots: 1, podTemplate: { spec } } });
const onContainer = (container: object): object => onPods({ containers: [{ name: 'taskmanager', ...container }] });
/** Only what a container mounts is waited for. */
const mounting = (volume: object): object =>
  onPods({
    volumes: [{ name: 'more', ...volume }],
    containers: [{ name: 'taskmanager', volumeMounts: [{ name: 'more', mountPath: '/more' }] }],
  });
const make = (kind: string, name: string) => async () =>
  kubectl.apply([
    {
      apiVersion: 'v1',
      kind,
      metadata: { name, namespace: NAMESPACE },
      ...(kind === 'Secret' ? { stringData: { key: 'v' } } : { data: { key: 'v' } }),
    },
  ]);
const checkpoint = { interval: '500ms' };
const onClaim = (persistentVolumeClaim: object): object => ({
  state: { checkpoint, storage: { persistentVolumeClaim } },
});

const causes: Cause[] = [
  {
    name: 'node',
    spec: onPods({ nodeSelector: { [`flowjob.dev/${unique}`]: 'yes' } }),
    says: /cannot be scheduled: .*affinity\/selector.* -> .*nodeSelector.* in podTemplate/,
    cure: async () => kubectl.run('label', 'node', NODE_NAME, `flowjob.dev/${unique}=yes`, '--overwrite'),
  },
  {
    name: 'too-large',
    spec: { taskManager: { slots: 1, resources: { requests: { cpu: '900' }, limits: { cpu: '900' } } } },
    says: /Insufficient cpu.* -> lower resources.requests/,
    cure: async () => jobs.apply('too-large', counting('too-large')),
  },
  {
    name: 'secret-in-env',
    spec: onContainer({ env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'in-env', key: 'key' } } }] }),
    says: /secret "in-env" not found -> make the Secret or ConfigMap that .*podTemplate names/,
    cure: make('Secret', 'in-env'),
  },
  {
    name: 'config-in-env',
    spec: onContainer({ envFrom: [{ configMapRef: { name: 'in-env' } }] }),
    says: /configmap "in-env" not found -> make the Secret or ConfigMap/,
    cure: make('ConfigMap', 'in-env'),
  },
  {
    name: 'secret-mounted',
    spec: mounting({ secret: { secretName: 'mounted' } }),
    says: /mounts Secret "mounted", which is not in namespace .* -> make it/,
    cure: make('Secret', 'mounted'),
  },
  {
    name: 'config-mounted',
    spec: mounting({ configMap: { name: 'mounted' } }),
    says: /mounts ConfigMap "mounted", which is not in namespace .* -> make it/,
    cure: make('ConfigMap', 'mounted'),
  },
  {
    name: 'pod-security',
    spec: onContainer({ securityContext: { capabilities: { add: ['SYS_TIME'] } } }),
    says: /violates PodSecurity "restricted.*unrestricted capabilities.* -> .*relax the level/s,
    cure: async () =>
      kubectl.run('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite'),
  },
  ...(onOurCluster
    ? [
        {
          name: 'image',
          spec: { engine: { image: `flowjob:${unique}` } },
          says: /not-starting-.* -> correct spec.engine.image, or see that the node may pull it/s,
          cure: async () =>
            ctr(
              folder,
              'images',
              'tag',
              '--force',
              `docker.io/library/${IMAGE}`,
              `docker.io/library/flowjob:${unique}`,
            ),
        },
        {
          name: 'volume',
          spec: onClaim({ storageClassName: unique }),
          says: /persistent ?volume.* -> see that the claim finds a volume/i,
          cure: async () =>
            kubectl.apply([
              {
                apiVersion: 'v1',
                kind: 'PersistentVolume',
                metadata: { name: unique },
                spec: {
                  storageClassName: unique,
                  capacity: { storage: '1Gi' },
                  accessModes: ['ReadWriteOnce'],
                  hostPath: { path: volume, type: 'Directory' },
                },
              },
            ]),
        },
      ]
    : []),
];

beforeAll(async () => {
  chmodSync(volume, 0o777);
  await jobs.createNamespace();
  await installOperator();
  await makeSharedVolume(jobs);
}, 500_000);

afterAll(async () => {
  await jobs.removeNamespace();
  await uninstallOperator();
  await kubectl.run('label', 'node', NODE_NAME, `flowjob.dev/${unique}-`);
  await kubectl.run('delete', 'persistentvolume', unique, '--ignore-not-found');
  if (onOurCluster) await ctr(folder, 'images', 'rm', `docker.io/library/flowjob:${unique}`);
  rmSync(volume, { recursive: true });
}, 500_000);

(onOurCluster ? test : test.skip)(
  'a running version goes on while the image of the next one cannot be had, and is upgraded by itself when it can',
  async () => {
    const image = `flowjob:next-${unique}`;
    await jobs.apply('next', counting('next'));
    await jobs.until('next', 'runs', runs, 240);
    const { metadata: before } = await jobs.newestPod('next', 'jobmanager');
    await jobs.apply('next', counting('next', { engine: { image } }, 2));
    const told = (one: Parameters<typeof condition>[0]): string => condition(one, 'Ready')?.message ?? '';
    const says = /^The running version goes on.*next-not-starting-.* -> correct spec.engine.image/s;
    const job = await jobs.until('next', 'says why', (one) => says.test(told(one)), 120);
    expect(job.status).toMatchObject({ state: 'Running', attempt: { epoch: 1 } });
    expect(condition(job, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
    await untilEvent('next', NAMESPACE, 'PodNotStarting', says);
    await untilMoreRows('next', NAMESPACE);
    expect((await jobs.newestPod('next', 'jobmanager')).metadata.uid).toBe(before.uid);
    await ctr(folder, 'images', 'tag', '--force', `docker.io/library/${IMAGE}`, `docker.io/library/${image}`);
    await jobs.until('next', 'is upgraded', (one) => runs(one) && one.status?.attempt?.epoch === 2, 240);
    const left = (await jobs.pods('next')).filter(({ metadata }) => metadata.labels?.['flowjob.dev/role'] === 'image');
    expect(left).toEqual([]);
    const rows = await expectEachOnce(jobs, 'next');
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set([1, 2]));
    await ctr(folder, 'images', 'rm', `docker.io/library/${image}`);
  },
  800_000,
);

/** All at once: each test waits for its own. */
const started = new Map<string, Promise<void>>();

test('a quota that is used up is told, and the job starts when there is room', async () => {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'none', namespace: NAMESPACE },
    spec: { hard: { pods: '0' } },
  };
  await kubectl.apply([quota]);
  await jobs.apply('quota', counting('quota', { state: { checkpoint } }));
  const job = await jobs.until('quota', 'says why', (one) => condition(one, 'Ready')?.reason === 'PodNotStarting');
  expect(condition(job, 'Ready')?.status).toBe('Unknown');
  expect(condition(job, 'Ready')?.message).toMatch(/exceeded quota: none.* -> raise the ResourceQuota/);
  await kubectl.run('delete', 'resourcequota', 'none', '-n', NAMESPACE);
  await jobs.until('quota', 'runs', runs, 120);
  for (const { name, spec } of causes) started.set(name, jobs.apply(name, counting(name, spec)));
  await Promise.all(started.values());
}, 400_000);

test.each(causes)(
  '$name: cause and remedy stand in the condition',
  async ({ name, says }) => {
    const told = (one: Parameters<typeof condition>[0]): string => condition(one, 'Ready')?.message ?? '';
    const job = await jobs.until(name, 'says why', (one) => says.test(told(one)), 120);
    expect(condition(job, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'PodNotStarting' });
    expect(condition(job, 'Reconciling')?.status).toBe('True');
  },
  300_000,
);

test('each goes on by itself when its cause is gone, and writes each row once', async () => {
  await Promise.all(causes.map(async ({ cure }) => cure()));
  for (const { name } of causes) {
    await jobs.until(name, 'runs', runs, 400);
    if (name !== 'volume') await expectEachOnce(jobs, name);
  }
}, 900_000);
