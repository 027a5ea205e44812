import { asBatch, withMeanDelay } from '../manifests.ts';
import { exampleInPods, inPods } from './manifests.ts';

test('in pods the examples read and write on the volume alone', () => {
  for (const file of ['flights-by-origin.yaml', 'flights-per-day.yaml']) {
    const { spec } = exampleInPods(file, 'node-1');
    const paths = [...spec.job.sql.inline.matchAll(/'path' = '([^']+)'/g)].map(([, path]) => path);
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) expect(path).toMatch(/^\/flowjob\/state\//);
  }
});

test('the stream keeps its TaskManagers and its checkpoints, and the batch that checks it runs on the same node', () => {
  const stream = exampleInPods('flights-per-day.yaml', 'node-1');
  expect(stream.spec).toMatchObject({
    state: { checkpoint: { interval: '1s' }, storage: { persistentVolumeClaim: { claimName: 'flights' } } },
    taskManager: {
      replicas: 2,
      slots: 1,
      podTemplate: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } } },
    },
  });
  const check = inPods(
    asBatch(withMeanDelay(stream), 'check', { from: '/flowjob/state/out/per-day', to: '/flowjob/state/out/check' }),
    'node-1',
  );
  expect(check.spec).toMatchObject({ mode: 'Batch', state: { storage: {} }, jobManager: { podTemplate: {} } });
  expect(check.spec.job.sql.inline).toContain("'/flowjob/state/out/check'");
});
