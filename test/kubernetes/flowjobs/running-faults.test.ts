// Pods that are taken from a job that runs: it comes back by itself, says what happened, and writes each row once. All at once, one job each, on one volume.
import { until } from '../../harness/until.ts';
import { run } from '../command.ts';
import { clusterFolder } from '../folder.ts';
import { full } from '../full.ts';
import { ownCluster } from '../own-cluster.ts';
import { reclaimVolumes } from '../volumes.ts';
import { installOperator, Jobs, kubectl, NAMESPACE, uninstallOperator } from './operator.ts';
import { counting, expectEachOnce, makeSharedVolume, runs, untilEvent, untilMoreRows } from './streams.ts';

const jobs = new Jobs(NAMESPACE);

type Role = 'jobmanager' | 'taskmanager';

interface Fault {
  name: string;
  spec?: object;
  victim: Role;
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

/** Writes so much into the folder for temporary files. The writer may die with the pod. */
const fillTemporary = (mebibytes: number) => async (pod: string) =>
  kubectl
    .run('exec', pod, '-n', NAMESPACE, '--', 'dd', 'if=/dev/zero', 'of=/tmp/filled', 'bs=1M', `count=${mebibytes}`)
    .catch(() => null);

const temporary = (emptyDir: object): object => ({ podTemplate: { spec: { volumes: [{ name: 'tmp', emptyDir }] } } });

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
  },
  {
    name: 'taskmanager-killed',
    victim: 'taskmanager',
    strike: async (pod) => kubectlPods('delete', pod, '--grace-period=0', '--force'),
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
    // Files of such a folder are memory of the container that writes them.
    name: 'out-of-memory',
    spec: { taskManager: { slots: 1, ...temporary({ medium: 'Memory' }) } },
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
  if (ownCluster(clusterFolder()) === null) await reclaimVolumes(clusterFolder(), kubectl);
}, 500_000);

test('all of them run', async () => {
  for (const { name } of faults) await jobs.until(name, 'runs', runs, 240);
}, 500_000);

/** The pod of a role that was made last. */
async function podOf(job: string, role: Role): Promise<{ name: string; uid: string }> {
  const pods = (await jobs.pods(job)).filter(({ metadata }) => metadata.labels?.['flowjob.dev/role'] === role);
  const age = ({ metadata }: (typeof pods)[number]): number =>
    1000 * Number(metadata.labels?.['flowjob.dev/attempt']) + Number(metadata.labels?.['flowjob.dev/restarts']);
  const newest = pods.sort((a, b) => age(b) - age(a))[0];
  if (newest === undefined) throw new Error(`${job} has no ${role}`);
  return newest.metadata;
}

describe.each(faults)('$name', ({ name, victim, strike, says, reason = 'ProcessLost' }) => {
  test('another pod takes its place, the job runs again, and each row is there once', async () => {
    await untilMoreRows(name, NAMESPACE);
    const before = await podOf(name, victim);
    await strike(before.name);
    await until(`another ${victim} of ${name}`, async () => (await podOf(name, victim)).uid !== before.uid || null, {
      // The kubelet looks at the size of folders each minute, unless it is told otherwise.
      seconds: 300,
      every: 100,
    });
    await jobs.until(name, 'runs again', runs, 180);
    await untilMoreRows(name, NAMESPACE);
    await expectEachOnce(jobs, name);
  }, 600_000);

  if (says !== undefined)
    test('an event says what happened', async () => {
      await untilEvent(name, NAMESPACE, reason, says);
    }, 300_000);
});
