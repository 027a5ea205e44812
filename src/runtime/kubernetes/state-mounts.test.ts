import { claimOf, pathInPod, restoreMount, templateMounts } from './state-mounts.ts';

const key = { namespace: 'default', name: 'orders' };
const attempt = {
  epoch: 1,
  jobId: '0'.repeat(32),
  specHash: '',
  startedAt: '2026-01-01T00:00:00Z',
  runStartedAt: '2026-01-01T00:00:00Z',
  healthy: false,
};

test('state is on a claim of its own, on one that the spec names, or on none when the spec names a folder', () => {
  expect(claimOf({ key, storage: undefined })).toBe('orders-state');
  const persistentVolumeClaim = { claimName: 'shared', size: '1Gi', accessMode: 'ReadWriteOnce' as const };
  expect(claimOf({ key, storage: { persistentVolumeClaim } })).toBe('shared');
  expect(claimOf({ key, storage: { uri: 'file:///mnt/states' } })).toBeNull();
});

test('the volume of another job is mounted, read-only, until the first checkpoint is complete', () => {
  expect(restoreMount(attempt)).toEqual({ volumes: [], volumeMounts: [] });
  expect(restoreMount({ ...attempt, restoreClaim: 'old-state' })).toEqual({
    volumes: [{ name: 'restore', persistentVolumeClaim: { claimName: 'old-state', readOnly: true } }],
    volumeMounts: [{ name: 'restore', mountPath: '/flowjob/restore', readOnly: true }],
  });
  expect(restoreMount({ ...attempt, restoreClaim: 'old-state', healthy: true }).volumes).toEqual([]);
});

test('a savepoint on the volume of another job is found where that is mounted, any other where its path says', () => {
  const path = '/flowjob/state/old/savepoints/s';
  expect(pathInPod({ path, claimName: 'old-state' })).toBe('/flowjob/restore/old/savepoints/s');
  expect(pathInPod({ path })).toBe(path);
  expect(pathInPod({ path: 'file:///mnt/s' })).toBe('/mnt/s');
  expect(pathInPod({ path: '/flowjob/states/s', claimName: 'old-state' })).toBe('/flowjob/states/s');
});

test('of the volumes of podTemplate only those are mounted that a path is on', () => {
  const template = {
    spec: {
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', secret: {} },
      ],
      containers: [
        {
          name: 'jobmanager',
          volumeMounts: [
            { name: 'a', mountPath: '/mnt/a' },
            { name: 'b', mountPath: '/mnt/b' },
          ],
        },
      ],
    },
  };
  expect(templateMounts(template, ['/mnt/a/savepoints/s'])).toEqual({
    volumes: [{ name: 'a', emptyDir: {} }],
    volumeMounts: [{ name: 'a', mountPath: '/mnt/a' }],
  });
  expect(templateMounts(template, ['/mnt/ab/s']).volumes).toEqual([]);
});
