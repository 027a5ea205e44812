// What the operator is put together from, beside an API server without a node: caches, store and events, with exactly the rights that the chart gives.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock as clock } from '../../engine/clock.ts';
import type { FlowJob } from '../../src/api/flowjob.ts';
import type { Informers } from '../../src/kube/cache/informers.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { podCache } from '../../src/runtime/kubernetes/pod-cache.ts';
import type { Pod } from '../../src/runtime/kubernetes/pod-view.ts';
import { JobCaches, type CacheOptions } from '../../src/store/kubernetes/job-caches.ts';
import { KubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import { until } from '../harness/until.ts';
import { operatorRights, type OperatorRights } from './chart.ts';
import { startControlPlane } from './control-plane.ts';

export interface OperatorParts {
  rights: OperatorRights;
  options: CacheOptions;
  caches: JobCaches;
  pods: Informers<Pod>;
  recorder: EventRecorder;
  store: KubernetesStore;
  /** What went wrong beside a call. */
  troubles: unknown[];
  /** Has a user apply a small stream of that name; answers once the cache has it. */
  applied(namespace: string, name: string): Promise<FlowJob>;
  stop(): Promise<void>;
}

/** A small stream. */
export const manifest = (namespace: string, name: string) => ({
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { namespace, name },
  spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } }, taskManager: { replicas: 2 } },
});

/** `values`: of the chart. */
export async function startOperatorParts(namespaces: readonly string[], ...values: string[]): Promise<OperatorParts> {
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-operator-'));
  const plane = await startControlPlane({ folder: join(folder, 'plane') });
  const rights = await operatorRights(plane, namespaces, ...values);
  const { client } = rights;
  const troubles: unknown[] = [];
  const ending = new AbortController();
  const random = Math.random;
  const onTrouble = (error: unknown): void => {
    // Lists of a kind that was installed just now are put off for a moment: "storage is (re)initializing".
    if (!(error instanceof ApiError && error.status === 429)) troubles.push(error);
  };
  const options = { client, namespaces, clock, random, onTrouble };
  const caches = new JobCaches(options);
  const pods = podCache(options);
  const reading = Promise.all([caches.run(ending.signal), pods.run(ending.signal)]);
  await until('the caches are synced', () => caches.hasSynced && pods.hasSynced, { seconds: 90 });
  const recorder = new EventRecorder({ client, controller: 'flowjob.dev/operator', instance: 'test', clock, random });
  const store = new KubernetesStore({ client, recorder, caches });
  return {
    ...{ rights, options, caches, pods, recorder, store, troubles },
    applied: async (namespace, name) => {
      await rights.kubectl.apply([manifest(namespace, name)]);
      return until(`${name} is seen`, async () => store.get('FlowJob', { namespace, name }), { seconds: 60 });
    },
    stop: async () => {
      await recorder.close();
      await store.close();
      ending.abort();
      await reading;
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
