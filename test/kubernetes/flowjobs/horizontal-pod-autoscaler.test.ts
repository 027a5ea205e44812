// A HorizontalPodAutoscaler on a stream's scale subresource, in real pods, with a real metrics-server. With --full: it looks every 15 s, at what pods used before.
import { clusterFolder } from '../folder.ts';
import { full } from '../full.ts';
import { removeMetricsServer, startMetricsServer } from '../metrics-server.ts';
import { ownCluster } from '../own-cluster.ts';
import { Jobs, kubectl, NAMESPACE, withOperator } from './operator.ts';
import { condition, counting, expectPartsOnce, has, heavySql, makeSharedVolume, smallCpu } from './streams.ts';

const jobs = new Jobs(NAMESPACE);
const onOurCluster = ownCluster(clusterFolder()) === null;

/** Little, more than a TaskManager can handle, and next to nothing. */
const STEPS = '0s:100, 20s:1500, 100s:10';

const load = (autoscaling?: object): object =>
  counting('sized', { taskManager: smallCpu, ...(autoscaling && { autoscaling }) }, 1, heavySql('sized', STEPS));

const hpa = (minReplicas: number): object => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'sized', namespace: NAMESPACE },
  spec: {
    scaleTargetRef: { apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', name: 'sized' },
    minReplicas,
    maxReplicas: 2,
    // Of the 300m that each may use.
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '150m' } } }],
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
  },
});

interface HorizontalPodAutoscaler {
  status?: {
    currentMetrics?: { resource?: { current: { averageValue: string } } }[];
    conditions?: { type: string; status: string; reason: string }[];
  };
}

(full && onOurCluster ? describe : describe.skip)('a HorizontalPodAutoscaler', () => {
  withOperator(jobs);

  beforeAll(async () => {
    await makeSharedVolume(jobs);
    await startMetricsServer(clusterFolder(), kubectl);
  }, 900_000);
  afterAll(() => removeMetricsServer(kubectl), 120_000);

  test('finds the TaskManagers by the selector of the scale subresource, and takes the stream up and down in place by what they use', async () => {
    await jobs.apply('sized', load());
    await jobs.until('sized', 'runs', has(1), 240);
    await kubectl.apply([hpa(1)]);
    const up = await jobs.until('sized', 'has two TaskManagers', has(2), 300);
    expect(up.status?.attempt?.epoch).toBe(1);
    expect(up.spec.taskManager.replicas).toBe(2);
    const { status } = await kubectl.get<HorizontalPodAutoscaler>('hpa', 'sized', '-n', NAMESPACE);
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' }),
    );
    const down = await jobs.until('sized', 'has one', has(1), 400);
    expect(down.status?.attempt?.epoch).toBe(1);
  }, 1_200_000);

  test('beside the autoscaler is told of in a condition until one of the two goes', async () => {
    await jobs.apply('sized', load({ enabled: true, maxParallelism: 1 }));
    await jobs.until('sized', 'is autoscaled', ({ status }) => status?.autoscaling?.replicasInSpec === 1);
    await kubectl.apply([hpa(2)]);
    const told = await jobs.until(
      'sized',
      'tells of both',
      (job) => condition(job, 'ScaleConflict')?.status === 'True',
    );
    expect(condition(told, 'ScaleConflict')?.message).toMatch(/was set to 2 \(from 1\).*HorizontalPodAutoscaler/);
    expect(told.status?.parallelism).toBe(1);
    await kubectl.run('delete', 'hpa', 'sized', '-n', NAMESPACE);
    await kubectl.run('scale', 'flowjob', 'sized', '-n', NAMESPACE, '--replicas=1');
    await jobs.until('sized', 'has one master again', (job) => condition(job, 'ScaleConflict') === undefined);
    await expectPartsOnce(jobs, 'sized');
  }, 600_000);
});
