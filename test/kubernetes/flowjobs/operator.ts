// The operator as a user installs it, and a namespace that lets only the most restricted pods in: what tests of FlowJobs in pods share.
//
// With FLOWJOB_TEST_SCOPE=NAME in the environment the operator and its namespaces carry that name, it looks after that namespace alone, and the
// CustomResourceDefinitions of the cluster are used as they are: so the tests of several checkouts can run on one cluster.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { until } from '../../harness/until.ts';
import { kubernetesCache } from '../binaries.ts';
import { kubectlOf } from '../cluster.ts';
import { clusterFolder } from '../folder.ts';
import { projectImageTag } from '../image.ts';
import { ownCluster } from '../own-cluster.ts';
import { reclaimVolumes } from '../volumes.ts';
import { tellingItsEnd, wholeLog } from '../whole-log.ts';

const run = promisify(execFile);
const folder = clusterFolder();
export const kubectl = kubectlOf(folder);
const scope = process.env['FLOWJOB_TEST_SCOPE'];
const scoped = (name: string): string => (scope === undefined ? name : `${name}-${scope}`);
/** The namespace of the operator. */
export const SYSTEM = scoped('flowjob-system');
/** The namespace of the tests' FlowJobs. */
export const NAMESPACE = scoped('flowjobs-test');
/** The tag of the image of these sources; a cluster of the user's has the one that the user gave it. */
const TAG = ownCluster(folder) === null ? projectImageTag() : 'dev';
/** Of operator and jobs. */
export const IMAGE = `flowjob:${TAG}`;

/** Installs the chart with helm, as its users do; answers when its replicas are ready. `more`: for helm. */
export async function installOperator(...more: string[]): Promise<void> {
  // Those that share a cluster share the CRDs, which no release of theirs may own.
  if (scope !== undefined) await kubectl.run('apply', '--server-side', '--force-conflicts', '-f', 'crds');
  await helm(
    'upgrade',
    '--install',
    'flowjob',
    'helm/flowjob-operator',
    '--create-namespace',
    '--wait',
    '--timeout',
    '240s',
    // A tag of digits is a tag, too.
    ...['--set', 'image.repository=flowjob', '--set-string', `image.tag=${TAG}`],
    ...(scope === undefined ? [] : ['--set', `watchNamespaces={${NAMESPACE}}`, '--set', 'crds.install=false']),
    ...more,
  );
}

export async function uninstallOperator(): Promise<void> {
  await helm('uninstall', 'flowjob', '--wait');
  await kubectl.run('delete', 'namespace', SYSTEM);
}

/** helm, in the namespace of the operator. */
export async function helm(...args: string[]): Promise<void> {
  await run(kubernetesCache('bin', 'helm'), [...args, '--namespace', SYSTEM, '--kubeconfig', kubectl.kubeconfig]);
}

/** The pod of the replica that leads. Between two leaders the lease names nobody. */
export async function leader(): Promise<string> {
  return until(
    'a replica leads',
    async () => {
      const { spec } = await kubectl.get<{ spec: { holderIdentity: string } }>('lease', 'flowjob', '-n', SYSTEM);
      return spec.holderIdentity === '' ? null : spec.holderIdentity.replace(/-[0-9a-f]{8}$/, '');
    },
    { seconds: 60, every: 200 },
  );
}

export async function killOperator(): Promise<void> {
  await kubectl.run(
    ...['delete', 'pod', await leader(), '-n', SYSTEM, '--grace-period=0', '--force', '--ignore-not-found'],
  );
}

export interface PodInfo {
  metadata: { name: string; uid: string; labels?: Record<string, string>; deletionTimestamp?: string };
  spec: { containers: { name: string; resources: { limits?: { memory?: string; cpu?: string } } }[] };
  status: { phase: string };
}

export type PodRole = 'jobmanager' | 'taskmanager';

/** FlowJobs in one namespace. */
export class Jobs {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  async createNamespace(): Promise<void> {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace, labels } }]);
  }

  async removeNamespace(): Promise<void> {
    // An operator of this namespace alone has its Role in it: that goes first when the namespace goes, and nobody could remove the finalizers any more.
    await kubectl.run('delete', 'flowjobs,flowsavepoints,flowclusters', '--all', '-n', this.namespace);
    await kubectl.run('delete', 'namespace', this.namespace);
    if (ownCluster(folder) === null) await reclaimVolumes(folder, kubectl);
  }

  async apply(name: string, spec: object): Promise<void> {
    const metadata = { name, namespace: this.namespace };
    await kubectl.apply([{ apiVersion: 'flowjob.dev/v1alpha1', kind: 'FlowJob', metadata, spec }]);
  }

  async get(name: string): Promise<FlowJob> {
    return kubectl.get<FlowJob>('flowjob', name, '-n', this.namespace);
  }

  /** Waits for a FlowJob of which `holds`. */
  async until(name: string, what: string, holds: (job: FlowJob) => boolean, seconds = 120): Promise<FlowJob> {
    return until(
      `${name} ${what}`,
      async () => {
        const job = await this.get(name);
        if (holds(job)) return job;
        throw new Error(JSON.stringify(job.status));
      },
      { seconds, every: 200 },
    );
  }

  async pods(job: string): Promise<PodInfo[]> {
    const { items } = await kubectl.get<{ items: PodInfo[] }>(
      'pods',
      '-n',
      this.namespace,
      '-l',
      `flowjob.dev/job=${job}`,
    );
    return items;
  }

  /** The pod of a role that was made last. */
  async newestPod(job: string, role: PodRole): Promise<PodInfo> {
    const pods = (await this.pods(job)).filter(({ metadata }) => metadata.labels?.['flowjob.dev/role'] === role);
    const age = ({ metadata }: PodInfo): number =>
      1000 * Number(metadata.labels?.['flowjob.dev/attempt']) + Number(metadata.labels?.['flowjob.dev/restarts']);
    const newest = pods.sort((a, b) => age(b) - age(a))[0];
    if (newest === undefined) throw new Error(`${job} has no ${role}`);
    return newest;
  }

  async untilNoPods(job: string): Promise<void> {
    await until(
      `the pods of ${job} are gone`,
      async () => {
        const left = await this.pods(job);
        if (left.length === 0) return true;
        throw new Error(left.map(({ metadata }) => metadata.name).join(', '));
      },
      { seconds: 120, every: 200 },
    );
  }

  /** Runs a shell script in a pod that mounts the job's volume; what it printed. */
  async onVolume(job: string, script: string): Promise<string> {
    const name = `look-${job}`;
    const spec = {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'look',
          image: IMAGE,
          command: tellingItsEnd(['sh', '-c', script]),
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'state', mountPath: '/flowjob/state' }],
        },
      ],
      volumes: [{ name: 'state', persistentVolumeClaim: { claimName: `${job}-state` } }],
    };
    await kubectl.apply([{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: this.namespace }, spec }]);
    const printed = await wholeLog(kubectl, name, this.namespace);
    await kubectl.run('delete', 'pod', name, '-n', this.namespace, '--grace-period=0', '--force');
    return printed;
  }
}

/** For a test file that needs no more than that: the operator and the namespace of `jobs` are there before its tests, and gone after them. `more`: for helm. */
export function withOperator(jobs: Jobs, ...more: string[]): void {
  beforeAll(async () => {
    await jobs.createNamespace();
    await installOperator(...more);
  }, 600_000);
  afterAll(async () => {
    await jobs.removeNamespace();
    await uninstallOperator();
  }, 500_000);
}
