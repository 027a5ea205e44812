// The whole cluster on this machine: a control plane, a node, DNS and volumes. `up` finds it up or makes it from nothing; `down` leaves nothing.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InVain, until } from '../harness/until.ts';
import { CLUSTER_PROGRAMS, ensureBinaries, kubernetesCache, KUBERNETES_VERSION } from './binaries.ts';
import { startControlPlane, stopControlPlane, type ControlPlane } from './control-plane.ts';
import { KUBE_PROXY, nodeUser, SCHEDULER } from './credentials.ts';
import { DNS_IMAGE, dnsObjects } from './dns.ts';
import { kubeconfigFile } from './folder.ts';
import { loadProgramImage } from './image.ts';
import { Kubectl } from './kubectl.ts';
import {
  changeKernelSettings,
  createBridge,
  createRules,
  NODE_ADDRESS,
  removeNetwork,
  restoreKernelSettings,
  SERVICE_RANGE,
} from './network.ts';
import { NODE_NAME, PAUSE_IMAGE, startContainerd, startKubelet, startKubeProxy } from './node.ts';
import { ownCluster } from './own-cluster.ts';
import { installPackages } from './packages.ts';
import { Processes } from './processes.ts';
import { killContainers, killLeftovers, podsRun, removePodGroups, removeStrayFiles, unmountBelow } from './remains.ts';
import { createVolumes, reclaimVolumes } from './volumes.ts';
import { clearWork } from './work-folder.ts';

type Log = (line: string) => void;

const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager'];
const WHOLE = [...CONTROL_PLANE, 'kube-scheduler', 'containerd', 'kubelet', 'kube-proxy'];

/** Why the whole cluster cannot run on this machine; null when it can. */
export function cannotRunHere(): string | null {
  if (process.platform !== 'linux') return `the node needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'the node needs root';
  return null;
}

/** Brings up the control plane alone. */
export async function controlPlaneUp(folder: string, log: Log): Promise<void> {
  if (allAlive(folder, CONTROL_PLANE)) return log('the control plane is up already');
  await down(folder, log);
  const plane = await startControlPlane({ folder, detached: true, log }).catch(async (error: unknown) =>
    giveUp(folder, error, log),
  );
  writeKubeconfig(plane);
}

/** Brings up control plane and node. Throws, with everything taken away again, when that fails. */
export async function clusterUp(folder: string, log: Log): Promise<void> {
  await installPackages(log);
  const bin = await ensureBinaries(CLUSTER_PROGRAMS, log);
  if (allAlive(folder, WHOLE)) {
    const reclaimed = await reclaimVolumes(folder, kubectlOf(folder));
    if (reclaimed.length > 0) log(`emptied the volumes of deleted claims: ${reclaimed.join(', ')}`);
    return log('the cluster is up already');
  }
  await down(folder, log);
  if (podsRun())
    throw new Error(
      'this machine is a node of another cluster (there are processes below the control group kubepods): use that one with --context NAME',
    );
  try {
    await start(folder, bin, log);
  } catch (error) {
    await giveUp(folder, error, log);
  }
}

async function start(folder: string, bin: string, log: Log): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  changeKernelSettings(kernelSettings(folder));
  await createBridge();
  await createRules();
  log(`starting Kubernetes ${KUBERNETES_VERSION}: control plane and containerd`);
  const processes = new Processes(folder, false);
  const [plane] = await Promise.all([
    startControlPlane({
      folder,
      detached: true,
      address: NODE_ADDRESS,
      serviceRange: SERVICE_RANGE,
      users: [SCHEDULER, KUBE_PROXY, nodeUser(NODE_NAME)],
      log,
    }),
    startContainerd(folder, processes).then(async () => {
      await loadProgramImage(folder, join(bin, 'pause'), PAUSE_IMAGE);
      await loadProgramImage(folder, join(bin, 'coredns'), DNS_IMAGE);
    }),
  ]);
  writeKubeconfig(plane);
  log('starting the scheduler, the kubelet, kube-proxy and CoreDNS');
  processes.start('kube-scheduler', join(bin, 'kube-scheduler'), [
    ...['--kubeconfig', plane.kubeconfig(SCHEDULER.name)],
    ...['--leader-elect=false', '--secure-port', '0'],
  ]);
  const access = {
    bin,
    kubeletConfig: plane.kubeconfig(nodeUser(NODE_NAME).name),
    proxyConfig: plane.kubeconfig(KUBE_PROXY.name),
  };
  startKubelet(folder, processes, access);
  startKubeProxy(folder, processes, access);
  const kubectl = kubectlOf(folder);
  await kubectl.apply(dnsObjects);
  await createVolumes(folder, kubectl);
  await until('the node is ready and CoreDNS answers', async () => ready(kubectl, processes), {
    seconds: 90,
    every: 200,
    explain: () => ['kubelet', 'containerd', 'kube-proxy'].map((name) => processes.tail(name)).join('\n'),
  });
}

async function ready(kubectl: Kubectl, processes: Processes): Promise<boolean> {
  const ended = WHOLE.filter((name) => !processes.isAlive(name));
  if (ended.length > 0) throw new InVain(`${ended.join(', ')} ended`);
  const dns = await kubectl.get<{ status: { availableReplicas?: number } }>(
    'deployment',
    'coredns',
    '-n',
    'kube-system',
  );
  if ((dns.status.availableReplicas ?? 0) > 0) return true;
  throw new Error(await kubectl.run('get', 'nodes,pods', '--all-namespaces'));
}

/** Takes everything away, in the order in which nothing is started again. Does nothing where nothing is. */
export async function down(folder: string, log: Log): Promise<void> {
  rmSync(keptLogs(folder), { recursive: true, force: true });
  await takeAway(folder, log);
}

async function takeAway(folder: string, log: Log): Promise<void> {
  await clearWork();
  if (!existsSync(folder)) return;
  log('taking the cluster down');
  const processes = new Processes(folder, false);
  // Written before anything else of a node is made: where it is not, containers and rules on this machine are somebody else's.
  const hadNode = existsSync(kernelSettings(folder));
  for (const name of ['kubelet', 'kube-proxy']) await processes.stop(name, 0);
  // Among them a kubelet that is on no record: it would start containers again.
  await killLeftovers(folder, ['kubelet', 'kube-proxy']);
  if (hadNode) await killContainers();
  await processes.stop('containerd', 0);
  await stopControlPlane(processes);
  await killLeftovers(folder);
  await unmountBelow(folder);
  if (hadNode) {
    await removePodGroups();
    await removeNetwork();
    restoreKernelSettings(kernelSettings(folder));
    removeStrayFiles(folder);
  }
  // The marker last: a `down` that is cut short here is done again in full.
  for (const name of readdirSync(folder))
    if (join(folder, name) !== kernelSettings(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** The logs stay beside the folder, for whoever wants to know why; the next `up` or `down` removes them. */
async function giveUp(folder: string, error: unknown, log: Log): Promise<never> {
  const kept = keptLogs(folder);
  if (existsSync(join(folder, 'logs'))) cpSync(join(folder, 'logs'), kept, { recursive: true });
  await takeAway(folder, log);
  if (existsSync(kept)) log(`logs: ${kept}`);
  throw error;
}

/** Whether each of `names` runs. */
export function allAlive(folder: string, names: readonly string[]): boolean {
  const processes = new Processes(folder, false);
  return names.every((name) => processes.isAlive(name)) && existsSync(kubeconfigFile(folder));
}

export const isWholeClusterUp = (folder: string): boolean => allAlive(folder, WHOLE);

/** Of a cluster of the user's, the kubectl on PATH, which is made for it. */
export function kubectlOf(folder: string): Kubectl {
  const program = ownCluster(folder) === null ? kubernetesCache('bin', 'kubectl') : 'kubectl';
  return new Kubectl(program, kubeconfigFile(folder));
}

function writeKubeconfig(plane: ControlPlane): void {
  writeFileSync(kubeconfigFile(plane.folder), readFileSync(plane.kubeconfig()), { mode: 0o600 });
}

const keptLogs = (folder: string): string => `${folder}.logs`;
const kernelSettings = (folder: string): string => join(folder, 'kernel-settings.json');
