// A job is in the way of a change of its cluster from its submission to its end, and at no other time.
import type { Attempt } from '../../api/status.ts';
import type { ClusterProcess } from './observation.ts';
import { runsOn } from './runs-on.ts';

const jobManager = (state: ClusterProcess['state']): ClusterProcess => ({
  ...{ name: 'shared-cluster-jobmanager', uid: 'jm-1', role: 'JobManager', index: 0, specHash: 'h', state },
  ...{ jobManagerUid: undefined, address: '10.0.0.9', ready: true, exit: null, ending: false, trouble: null },
});
const job = (more: Partial<Attempt>) => ({
  status: {
    ...{ observedGeneration: 1, conditions: [] },
    attempt: {
      ...{ epoch: 1, jobId: 'a'.repeat(32), specHash: '', healthy: false },
      ...{ startedAt: '2026-01-01T00:00:00Z', runStartedAt: '2026-01-01T00:00:00Z', ...more },
    },
  },
});

test.each([
  ['was submitted to the JobManager', job({ jobManagerUid: 'jm-1' }), true],
  ['waits for a JobManager', job({}), false],
  ['was on another one', job({ jobManagerUid: 'jm-0' }), false],
  ['has ended', job({ jobManagerUid: 'jm-1', ended: 'Stopped' }), false],
  ['has never been started', { status: { observedGeneration: 1, conditions: [] } }, false],
])('a job that %s is one that runs on the cluster, or is not', (_, one, expected) => {
  expect(runsOn(one, [jobManager('Running')])).toBe(expected);
});

test('where the JobManager has ended nothing runs on the cluster', () => {
  expect(runsOn(job({ jobManagerUid: 'jm-1' }), [jobManager('Exited')])).toBe(false);
});
