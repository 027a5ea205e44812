// What is known of pods that somebody has deleted.
import { GonePods } from './gone-pods.ts';
import type { Pod } from './pod-view.ts';

const key = { namespace: 'default', name: 'orders' };

function pod(epoch: number, status: Pod['status'], role = 'jobmanager', more: object = {}): Pod {
  const labels = {
    'flowjob.dev/job': 'orders',
    'flowjob.dev/role': role,
    'flowjob.dev/attempt': String(epoch),
    'flowjob.dev/index': '0',
    'flowjob.dev/restarts': '0',
  };
  return {
    metadata: {
      name: `orders-${epoch}-${role}`,
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      labels,
      ...more,
    },
    ...(status === undefined ? {} : { status }),
  };
}

test('a pod that went before anybody saw it end was deleted, at the time when that was noticed', () => {
  const gone = new GonePods();
  gone.note(pod(1, { phase: 'Running' }), 7_000);
  expect(gone.of(key)).toEqual([
    {
      epoch: 1,
      role: 'JobManager',
      index: 0,
      state: 'Exited',
      restarts: 0,
      exit: { at: 7_000, asked: true, reason: 'orders-1-jobmanager was deleted.' },
    },
  ]);
});

test('of a pod that had ended it stays known how', () => {
  const gone = new GonePods();
  const terminated = { exitCode: 1, message: 'no disk', finishedAt: '2026-01-01T00:00:00Z' };
  gone.note(pod(1, { phase: 'Failed', containerStatuses: [{ name: 'jobmanager', state: { terminated } }] }), 7_000);
  expect(gone.of(key)).toMatchObject([
    {
      state: 'Exited',
      exit: {
        at: Date.parse('2026-01-01T00:00:00Z'),
        asked: false,
        reason: 'orders-1-jobmanager ended with code 1: no disk.',
      },
    },
  ]);
});

test('only the newest attempt is remembered, and nothing of other pods or of a job that is let go', () => {
  const gone = new GonePods();
  gone.note(pod(1, { phase: 'Running' }), 0);
  gone.note(pod(2, { phase: 'Running' }), 0);
  gone.note(pod(2, { phase: 'Running' }, 'taskmanager'), 0);
  gone.note(pod(1, { phase: 'Running' }, 'taskmanager'), 0);
  gone.note(pod(3, { phase: 'Succeeded' }, 'storage'), 0);
  expect(gone.of(key).map(({ epoch, role }) => `${epoch} ${role}`)).toEqual(['2 JobManager', '2 TaskManager']);
  gone.forget(key);
  expect(gone.of(key)).toEqual([]);
});
