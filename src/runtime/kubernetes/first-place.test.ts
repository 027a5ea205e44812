import { isPlaced } from './first-place.ts';

const pod = (nodeName: string | undefined, phase: 'Pending' | 'Running' | undefined) => ({
  metadata: { name: 'orders-1-jobmanager', namespace: 'default', uid: '1' },
  spec: nodeName === undefined ? {} : { nodeName },
  status: phase === undefined ? {} : { phase },
});

test('a pod has its place once it has a node, long before it runs', () => {
  expect(isPlaced(pod(undefined, undefined) as never)).toBe(false);
  expect(isPlaced(pod(undefined, 'Pending') as never)).toBe(false);
  expect(isPlaced(pod('node-1', 'Pending') as never)).toBe(true);
  expect(isPlaced(pod(undefined, 'Running') as never)).toBe(true);
});
