import { referencesOf } from './waiting-on-node.ts';
import { imagesOf, readParts } from './pod-parts.ts';
import { processOf, type Pod } from './pod-view.ts';

/** As an API server fills it in, cut short. */
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'orders-3-jobmanager',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '7',
    labels: { 'flowjob.dev/role': 'jobmanager', 'flowjob.dev/attempt': '3', 'flowjob.dev/index': '0' },
    annotations: { note: 'of the user' },
    managedFields: [{ manager: 'flowjob-operator' }],
    ownerReferences: [{ uid: 'o', name: 'orders', kind: 'FlowJob', apiVersion: 'flowjob.dev/v1alpha1' }],
  },
  spec: {
    nodeName: 'node',
    tolerations: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }],
    initContainers: [{ name: 'first', image: 'busybox', volumeMounts: [{ name: 'seed', mountPath: '/seed' }] }],
    containers: [{ name: 'jobmanager', image: 'flowjob', volumeMounts: [{ name: 'secret', mountPath: '/secret' }] }],
    volumes: [
      { name: 'secret', secret: { secretName: 'orders-3' } },
      { name: 'seed', configMap: { name: 'seed' } },
      { name: 'idle', secret: { secretName: 'nobody-mounts-it' } },
    ],
  },
  status: { phase: 'Failed', reason: 'Evicted', podIP: '10.0.0.1' },
} as unknown as Pod;

test('what is kept of a pod says the same of its process, its owner, its node, its images and what it needs', () => {
  const kept = readParts(pod);
  expect(processOf(kept)).toEqual(processOf(pod));
  expect(referencesOf(kept)).toEqual(referencesOf(pod));
  expect(referencesOf(kept)).toHaveLength(2);
  expect(kept.spec?.nodeName).toBe('node');
  expect(imagesOf(kept)).toEqual(['busybox', 'flowjob']);
  expect(kept.metadata.ownerReferences).toEqual(pod.metadata.ownerReferences);
  expect(readParts(kept)).toEqual(kept);
});

test('what nobody reads is not kept', () => {
  const text = JSON.stringify(readParts(pod));
  for (const dropped of ['managedFields', 'annotations', 'tolerations', 'mountPath'])
    expect(text).not.toContain(dropped);
});
