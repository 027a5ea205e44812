// A FlowJob that is deleted while a quota leaves no room for the pod that looks at its volume, on a real API server.
import { pino } from 'pino';
import { systemClock as clock } from '../../engine/clock.ts';
import { until } from '../../test/harness/until.ts';
import { startOperatorParts, type OperatorParts } from '../../test/kubernetes/operator-parts.ts';
import type { FlowJob } from '../api/flowjob.ts';
import { KubernetesRuntime } from '../runtime/kubernetes/kubernetes-runtime.ts';
import { KubernetesRevisions } from '../store/kubernetes/kubernetes-revisions.ts';
import { Controller } from './controller.ts';

let parts: OperatorParts;

beforeAll(async () => {
  parts = await startOperatorParts(['a']);
}, 900_000);

afterAll(async () => parts.stop(), 240_000);

/** Bound to a volume that nothing mounts: no node is there. */
async function boundClaim(name: string): Promise<void> {
  const capacity = { storage: '1Gi' };
  const accessModes = ['ReadWriteOnce'];
  await parts.rights.kubectl.apply([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: { capacity, accessModes, hostPath: { path: '/tmp' }, claimRef: { namespace: 'a', name } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: 'a' },
      spec: { accessModes, storageClassName: '', volumeName: name, resources: { requests: capacity } },
    },
  ]);
  const phase = ['get', 'pvc', name, '-n', 'a', '-o', 'jsonpath={.status.phase}'];
  await until('it is bound', async () => (await parts.rights.kubectl.run(...phase)) === 'Bound', { seconds: 30 });
}

const pods = (): string[] => parts.pods.by('job', 'a/full').map(({ metadata }) => metadata.name);

/** In the kubelet's stead: what the pod that looks at the volume would say of one that is empty. */
async function answerLook(): Promise<void> {
  const name = await until('it is looked at', () => pods().find((one) => one.includes('-storage-')) ?? null, {
    seconds: 60,
  });
  const view = { epoch: 0, newest: null, unreadable: { checkpoints: null, savepoint: null }, pendingSavepoint: null };
  const message = JSON.stringify({ ...view, result: null, found: null, savepoint: null });
  const status = {
    phase: 'Succeeded',
    containerStatuses: [
      {
        ...{ name: 'storage', image: 'x', imageID: 'x', ready: false, restartCount: 0 },
        state: { terminated: { exitCode: 0, message } },
      },
    ],
  };
  const patch = JSON.stringify({ status });
  await parts.rights.kubectl.run(
    ...['patch', 'pod', name, '-n', 'a', '--subresource=status', '--type=merge', '-p', patch],
  );
}

test('says so with the remedy, and goes by itself once there is room', async () => {
  const { kubectl } = parts.rights;
  const { client, onTrouble } = parts.options;
  const runtime = new KubernetesRuntime({ client, pods: parts.pods, image: 'flowjob:dev', clock, onTrouble });
  const controller = new Controller({
    store: parts.store,
    runtime,
    checkSql: () => null,
    revisions: new KubernetesRevisions(client),
    now: Date.now,
    log: pino({ level: 'silent' }),
  });
  const ending = new AbortController();
  const running = controller.run(ending.signal);
  try {
    await boundClaim('full-state');
    await parts.applied('a', 'full');
    await answerLook();
    await until('its pods are there', () => pods().length === 3, { seconds: 60 });
    await kubectl.run('create', 'quota', 'none', '--hard=pods=0', '-n', 'a');
    const hard = ['get', 'quota', 'none', '-n', 'a', '-o', 'jsonpath={.status.hard.pods}'];
    await until('the quota holds', async () => (await kubectl.run(...hard)) === '0', { seconds: 60 });

    await kubectl.run('delete', 'flowjob', 'full', '-n', 'a', '--wait=false');
    const job = async (): Promise<FlowJob | null> => parts.store.get('FlowJob', { namespace: 'a', name: 'full' });
    const ready = await until(
      'it says why',
      async () =>
        (await job())?.status?.conditions.find(({ type, message }) => type === 'Ready' && /quota/.test(message)) ??
        null,
      { seconds: 60 },
    );
    expect(ready).toMatchObject({ status: 'False', reason: 'OperatorError' });
    expect(ready.message).toMatch(
      /the job's volume cannot be looked at: .*exceeded quota: none, .* -> raise the ResourceQuota, free some of it, or ask for less/,
    );
    expect(pods()).toEqual([]);

    await kubectl.run('delete', 'quota', 'none', '-n', 'a');
    await answerLook();
    await until('it is gone', async () => (await job()) === null, { seconds: 60 });
  } finally {
    ending.abort();
    await running;
    runtime.close();
    await parts.recorder.close();
  }
}, 300_000);
