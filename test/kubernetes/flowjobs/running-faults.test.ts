// Pods that are taken from a job that runs: it comes back by itself, says what happened, and writes each row once. All at once, one job each, on one volume.
import { until } from '../../harness/until.ts';
import { run } from '../command.ts';
import { full } from '../full.ts';
import { installOperator, Jobs, kubectl, NAMESPACE, type PodRole, uninstallOperator } from './operator.ts';
import { counting, expectEachOnce, makeSharedVolume, runs, untilEvent, untilMoreRows } from './streams.ts';
import { fillTemporary, temporary, temporaryInMemory } from './temporary-files.ts';

const jobs = new Jobs(NAMESPACE);

interface Fault {
  name: string;
  spec?: object;
  victim: PodRole;
  strike: (pod: string) => Promise<unknown>;
  /** What an event says of it, and the event's reason unless that is ProcessLost. */
  says?: RegExp;
  reason?: string;
}

const kubectlPods = async (verb: string, pod: string, ...args: string[]): Promise<string> =>
  kubectl.run(verb, 'pod', pod, '-n', NAMESPACE, ...args);

/** As `kubectl drain` does it. */
async function evict(pod: string): Promise<void> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: NAMESPACE } };
  const args = ['--kubeconfig', kubectl.kubeconfig, 'create', '--raw', path, '--filename', '-'];
  await run(kubectl.program, args, { input: JSON.stringify(eviction) });
}

const faults: Fault[] = [
  {
    name: 'jobmanager-deleted',
    victim: 'jobmanager',
    strike: async (pod) => kubectlPods('delete', pod, '--wait=false'),
    says: /-jobmanager was deleted\. .*the job goes on/,
    reason: 'Recovering',
  },
  {
    name: 'jobmanager-killed',
    victim: 'jobmanager',
    strike: async (pod) => kubectlPods('delete', pod, '--grace-period=0', '--force'),
    says: /-jobmanager was deleted\. .*the job goes on/,
    reason: 'Recovering',
  },
  {
    name: 'taskmanager-killed',
    victim: 'taskmanager',
    strike: async (pod) => kubectlPods('delete', pod, '--grace-period=0', '--force'),
    says: /-taskmanager-0 was deleted\./,
  },
  {
    name: 'jobmanager-evicted',
    victim: 'jobmanager',
    strike: evict,
    says: /-jobmanager was evicted: EvictionByEvictionAPI .*the job goes on/,
    reason: 'Recovering',
  },
  {
    name: 'taskmanager-evicted',
    victim: 'taskmanager',
    strike: evict,
    says: /-taskmanager-0 was evicted: EvictionByEvictionAPI/,
  },
  // The kubelet takes its time to look at the size of folders.
  ...(full
    ? [
        {
          name: 'out-of-disk',
          spec: { jobManager: temporary({ sizeLimit: '1Mi' }) },
          victim: 'jobmanager',
          strike: fillTemporary(20),
          says: /was evicted: .*exceeds the limit/,
        } satisfies Fault,
      ]
    : []),
  {
    name: 'out-of-memory',
    spec: { taskManager: { slots: 1, ...temporaryInMemory } },
    victim: 'taskmanager',
    strike: fillTemporary(600),
    says: /needed more memory than resources.limits.memory: raise it/,
  },
];

beforeAll(async () => {
  await jobs.createNamespace();
  await installOperator();
  await makeSharedVolume(jobs);
  for (const { name, spec } of faults) await jobs.apply(name, counting(name, spec));
}, 500_000);

afterAll(async () => {
  await jobs.removeNamespace();
  await uninstallOperator();
}, 500_000);

test('all of them run', async () => {
  for (const { name } of faults) await jobs.until(name, 'runs', runs, 240);
}, 500_000);

describe.each(faults)('$name', ({ name, victim, strike, says, reason = 'ProcessLost' }) => {
  test('another pod takes its place, the job runs again, and each row is there once', async () => {
    await untilMoreRows(name, NAMESPACE);
    const { metadata: before } = await jobs.newestPod(name, victim);
    await strike(before.name);
    await until(
      `another ${victim} of ${name}`,
      async () => (await jobs.newestPod(name, victim)).metadata.uid !== before.uid || null,
      {
        // The kubelet looks at the size of folders each minute, unless it is told otherwise.
        seconds: 300,
        every: 100,
      },
    );
    await jobs.until(name, 'runs again', runs, 180);
    await untilMoreRows(name, NAMESPACE);
    await expectEachOnce(jobs, name);
  }, 600_000);

  if (says !== undefined)
    test('an event says what happened', async () => {
      await untilEvent(name, NAMESPACE, reason, says);
    }, 300_000);
});
