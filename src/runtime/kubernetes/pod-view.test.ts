// What the lifecycle is told of pods, as the API server describes them.
import { imageTroubleOf, leftOf, nodeTroubleOf, processOf, troubleOf, type Pod } from './pod-view.ts';

function pod(status: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: {
      name: 'orders-3-taskmanager-1',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      labels: {
        'flowjob.dev/role': 'taskmanager',
        'flowjob.dev/attempt': '3',
        'flowjob.dev/index': '1',
        'flowjob.dev/restarts': '2',
      },
      ...metadata,
    },
    ...(status === undefined ? {} : { status }),
  };
}
const container = (state: object) => [{ name: 'taskmanager', state }];

test('a pod is the process that its labels say, running until it has ended, also while it is deleted', () => {
  expect(processOf(pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toEqual({
    deleted: 'orders-3-taskmanager-1 was deleted.',
    epoch: 3,
    role: 'TaskManager',
    index: 1,
    state: 'Running',
    exit: null,
    restarts: 2,
  });
  expect(processOf(pod({ phase: 'Running' }, { labels: { 'flowjob.dev/role': 'storage' } }))).toBeNull();
});

test('a pod that was to end and is still there says where; one that has ended, has no node or has time left says nothing', () => {
  const due = Date.parse('2026-01-01T00:00:00Z');
  const going = (phase: 'Running' | 'Failed', more: object = { spec: { nodeName: 'worker-2' } }): Pod => ({
    ...pod({ phase }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ...more,
  });
  expect(leftOf(going('Running'), due + 10_000)).toMatch(
    /^orders-3-taskmanager-1 was to end and is still there: its node worker-2 does not answer.* -> .*kubectl get node worker-2/,
  );
  expect(leftOf(going('Running'), due + 9_999)).toBeNull();
  expect(leftOf(going('Failed'), due + 60_000)).toBeNull();
  expect(leftOf(going('Running', {}), due + 60_000)).toBeNull();
  expect(leftOf({ ...pod({ phase: 'Running' }), spec: { nodeName: 'worker-2' } }, due + 60_000)).toBeNull();
});

test('a pod whose init container failed tells which, when and why', () => {
  const failed = { exitCode: 1, message: 'tried\nJAR_WRONG: another', finishedAt: '2026-01-01T00:00:05Z' };
  const before = pod({
    phase: 'Failed',
    initContainerStatuses: [
      { name: 'vault', state: { terminated: { exitCode: 0 } } },
      { name: 'fetch-jar', state: { terminated: failed } },
    ],
    containerStatuses: container({ waiting: { reason: 'PodInitializing' } }),
  });
  expect(processOf(before)).toMatchObject({
    state: 'Exited',
    exit: {
      at: Date.parse('2026-01-01T00:00:05Z'),
      asked: false,
      reason:
        'orders-3-taskmanager-1 did not start: its init container fetch-jar ended with code 1: JAR_WRONG: another.',
    },
  });
});

test('a JobManager that found no class to run tells that, not the last line of its log', () => {
  const message =
    "a.b.E: outer\n\tat a.b.C(D.java:1)\nCaused by: a.b.P: The program's entry point class 'X' was not found in the jar file.\n\tat a.b.C(D.java:2)\n\t... 4 more";
  const ended = pod({ phase: 'Failed', containerStatuses: container({ terminated: { exitCode: 1, message } }) });
  expect(processOf(ended)?.exit?.reason).toBe(
    "orders-3-taskmanager-1 ended with code 1: The program's entry point class 'X' was not found in the jar file -> correct spec.job.jar.entryClass.",
  );
});

test('a pod that ended tells when and why: its code and last words, too little memory, an eviction', () => {
  const ended = (terminated: object): Pod =>
    pod({
      phase: 'Failed',
      containerStatuses: container({ terminated: { finishedAt: '2026-01-01T00:00:05Z', ...terminated } }),
    });
  expect(processOf(ended({ exitCode: 1, message: 'first\nFENCED: gone\n' }))?.exit).toEqual({
    at: Date.parse('2026-01-01T00:00:05Z'),
    asked: false,
    reason: 'orders-3-taskmanager-1 ended with code 1: FENCED: gone.',
  });
  const quiet = '2026-01-01 00:00:05,123 INFO  org.apache.flink.Entrypoint [] - Shutting down.';
  expect(processOf(ended({ exitCode: 239, message: `first\n${quiet}` }))?.exit?.reason).toBe(
    'orders-3-taskmanager-1 ended with code 239.',
  );
  expect(processOf(ended({ exitCode: 137, reason: 'OOMKilled' }))?.exit?.reason).toContain(
    'resources.limits.memory: raise it',
  );
  expect(processOf(ended({ exitCode: 137, reason: 'OOMKilled' }))?.exit?.outOfMemory).toBe(true);
  expect(processOf(ended({ exitCode: 137, reason: 'Error' }))?.exit?.outOfMemory).toBeUndefined();
  const deleted = { ...ended({ exitCode: 143, message: 'waiting for slots' }) };
  deleted.metadata = { ...deleted.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' };
  expect(processOf(deleted)?.exit).toMatchObject({ asked: true, reason: 'orders-3-taskmanager-1 was deleted.' });
  const failedBefore = { ...ended({ exitCode: 1, message: 'FENCED: gone' }), metadata: deleted.metadata };
  expect(processOf(failedBefore)?.exit?.reason).toBe('orders-3-taskmanager-1 ended with code 1: FENCED: gone.');
  const tooLarge = pod({
    phase: 'Failed',
    reason: 'Evicted',
    message: 'Usage of EmptyDir volume "tmp" exceeds the limit "1Mi".',
    containerStatuses: container({ terminated: { exitCode: 143, message: 'waiting for slots' } }),
  });
  expect(processOf(tooLarge)?.exit?.reason).toBe(
    'orders-3-taskmanager-1 was evicted: Usage of EmptyDir volume "tmp" exceeds the limit "1Mi".',
  );
  const evicted = pod({
    phase: 'Failed',
    conditions: [
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    ],
  });
  expect(processOf(evicted)?.exit?.reason).toContain('was evicted: EvictionByEvictionAPI');
});

test.each([
  [
    'ErrImagePull',
    {
      phase: 'Pending' as const,
      containerStatuses: container({ waiting: { reason: 'ErrImagePull', message: 'no such image' } }),
    },
    'no such image -> correct spec.engine.image',
  ],
  [
    'CreateContainerConfigError',
    {
      phase: 'Pending' as const,
      containerStatuses: container({
        waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' },
      }),
    },
    'secret "x" not found -> make the Secret',
  ],
  [
    'Unschedulable',
    {
      phase: 'Pending' as const,
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }],
    },
    '0/1 nodes -> lower resources.requests',
  ],
  [
    'a claim that is gone',
    {
      phase: 'Pending' as const,
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/1 nodes are available: persistentvolumeclaim "old-state" not found.',
        },
      ],
    },
    '"old-state" not found. -> make that claim',
  ],
  [
    'a volume of another node',
    {
      phase: 'Pending' as const,
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/2 nodes are available: 2 node(s) had volume node affinity conflict.',
        },
      ],
    },
    'conflict. -> bring the volumes of the job and of the savepoint that it starts from to one node',
  ],
])('%s is told with what to do', (_name, status, told) => {
  expect(troubleOf(pod(status))).toContain(told);
  expect(processOf(pod(status))?.pending?.trouble).toContain(told);
});

test('a pod that only needs time has no trouble, and is pending', () => {
  const creating = pod({
    phase: 'Pending',
    containerStatuses: container({ waiting: { reason: 'ContainerCreating' } }),
  });
  expect(processOf(creating)?.pending).toEqual({ trouble: null });
});

test('a pod that is being evicted says so while it ends', () => {
  const conditions = [
    { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
  ];
  const going = pod({ phase: 'Running', conditions }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(processOf(going)?.deleted).toBe(
    'orders-3-taskmanager-1 was evicted: EvictionByEvictionAPI Eviction API: evicting.',
  );
});

const probe = (...states: object[]): Pod =>
  pod({ phase: 'Pending', containerStatuses: states.map((state, index) => ({ name: `image-${index}`, state })) });
const waiting = (reason: string, message = '') => ({ waiting: { reason, message } });

test.each(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable'])(
  'an image that a node cannot have (%s) is told with the remedy, whatever the other images of the pod',
  (reason) => {
    const there = { terminated: { exitCode: 0 } };
    expect(imageTroubleOf(probe(there, waiting(reason, 'no such image')))).toMatch(
      new RegExp(`^orders-3-taskmanager-1 does not start: ${reason}: no such image -> .*image`),
    );
  },
);

test.each([
  ['runs', { running: {} }],
  ['has ended', { terminated: { exitCode: 1 } }],
  ['cannot run what it was told to', waiting('CreateContainerError', 'exec: "node": not found')],
  ['was not allowed to', waiting('CreateContainerConfigError', 'runAsNonRoot')],
])('the image of a container that %s is there', (_, state) => {
  expect(imageTroubleOf(probe(state))).toBeNull();
});

test('nothing is known of images while the node says nothing, and nobody will know of a pod that it refused', () => {
  expect(imageTroubleOf(pod(undefined))).toBeUndefined();
  expect(imageTroubleOf(probe({ running: {} }, waiting('ContainerCreating')))).toBeUndefined();
  expect(imageTroubleOf(pod({ phase: 'Failed', reason: 'OutOfcpu' }))).toBeNull();
});

test('a pod on a node that is not ready says so: it is not ready while its containers are', () => {
  const on = (ready: string, containers: string, reason?: string): string | null =>
    nodeTroubleOf({
      ...pod({
        phase: 'Running',
        conditions: [
          { type: 'Ready', status: ready, ...(reason === undefined ? {} : { reason }) },
          { type: 'ContainersReady', status: containers },
        ],
      }),
      spec: { nodeName: 'worker-2' },
    });
  expect(on('False', 'True')).toMatch(/is on node worker-2, which is not ready -> see kubectl describe node worker-2/);
  expect(on('True', 'True')).toBeNull();
  expect(on('False', 'False', 'ContainersNotReady')).toBeNull();
  expect(on('False', 'True', 'ReadinessGatesNotReady')).toBeNull();
});
