// What runs of the cluster, for people.
import { existsSync } from 'node:fs';
import { KUBERNETES_VERSION } from './binaries.ts';
import { isWholeClusterUp, kubectlOf } from './cluster.ts';
import { kubeconfigFile } from './folder.ts';
import { imagesOnNode } from './node.ts';
import { ownCluster } from './own-cluster.ts';
import { Processes } from './processes.ts';

export async function printStatus(folder: string, log: (line: string) => void): Promise<void> {
  const context = ownCluster(folder);
  if (context !== null) return log(`your cluster ${context} is in use; kubeconfig: ${kubeconfigFile(folder)}`);
  if (!existsSync(folder)) return log('nothing is up');
  const processes = new Processes(folder, false).states();
  log(`Kubernetes ${KUBERNETES_VERSION} in ${folder}`);
  for (const { name, pid, alive } of processes) log(`  ${name.padEnd(24)} ${alive ? `pid ${pid}` : 'ended'}`);
  if (processes.some(({ alive }) => !alive)) log('not all of it runs: `up` starts it anew, `down` takes it away');
  if (!processes.some(({ name, alive }) => name === 'kube-apiserver' && alive)) return;
  const kubectl = kubectlOf(folder);
  if (!isWholeClusterUp(folder)) return log(`no node; kubeconfig: ${kubeconfigFile(folder)}`);
  log((await kubectl.run('get', 'nodes,pods,persistentvolumeclaims', '--all-namespaces')).trimEnd());
  const images = (await imagesOnNode(folder)).filter((name) => /\/flowjob(-flink)?:/.test(name));
  log(`images: ${images.length === 0 ? 'not loaded' : images.join(', ')}`);
  log(`kubeconfig: ${kubeconfigFile(folder)}`);
}
