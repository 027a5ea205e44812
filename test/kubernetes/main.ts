// `npm run cluster -- up|down|status|load|load-flink`: a real Kubernetes for tests and for trying FlowJob out.
import { parseArgs } from 'node:util';
import { kubernetesCache } from './binaries.ts';
import { cannotRunHere, clusterUp, controlPlaneUp, down, isWholeClusterUp, kubectlOf } from './cluster.ts';
import { FLINK_IMAGE, loadFlinkImage } from './flink-image.ts';
import { clusterFolder, kubeconfigFile, withClusterLock } from './folder.ts';
import { IMAGE, loadProjectImage } from './image.ts';
import { findOwnCluster, forgetOwnCluster, howToLoad, ownCluster, useOwnCluster } from './own-cluster.ts';
import { printStatus } from './status.ts';

const USAGE = `usage: npm run cluster -- COMMAND
  up                    start etcd, Kubernetes and a node on this machine (root on Linux); elsewhere use your current kubectl context
  up --control-plane    etcd, API server and controller manager only; no root needed
  up --context NAME     use a cluster of yours: kind, minikube, any
  load                  build the project's image and put it on the node
  load-flink            the same of Apache Flink's image, from Dockerfile.flink
  status                what runs
  down                  take away all that \`up\` made`;

const folder = clusterFolder();
const begun = performance.now();
const log = (line: string): void => console.log(line);
const took = (): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'control-plane': { type: 'boolean', default: false }, context: { type: 'string' } },
  });
  const [command, ...others] = positionals;
  if (others.length > 0) throw new UsageError(`one command at a time, not ${positionals.join(' ')}`);
  switch (command) {
    case 'up':
      return withClusterLock(folder, async () => up(values['control-plane'], values.context));
    case 'load':
      return withClusterLock(folder, load);
    case 'load-flink':
      return withClusterLock(folder, loadFlink);
    case 'down':
      return withClusterLock(folder, takeDown);
    case 'status':
      return printStatus(folder, log);
    default:
      throw new UsageError(command === undefined ? 'no command' : `there is no command ${command}`);
  }
}

async function up(controlPlane: boolean, context: string | undefined): Promise<void> {
  if (context !== undefined && controlPlane)
    throw new UsageError('--control-plane starts one; --context uses one that is there');
  const impossible = controlPlane ? null : cannotRunHere();
  if (context !== undefined || impossible !== null) {
    if (context === undefined) log(`${impossible}: no cluster is started here, yours is used`);
    const own = await findOwnCluster(context);
    await takeDown();
    useOwnCluster(folder, own);
    log(`using your cluster ${own.context} (Kubernetes ${own.version}); nothing was started`);
  } else {
    if (ownCluster(folder) !== null) forgetOwnCluster(folder);
    await (controlPlane ? controlPlaneUp(folder, log) : clusterUp(folder, log));
  }
  log(`up after ${took()}. To speak to it:`);
  log(`  export KUBECONFIG=${kubeconfigFile(folder)}`);
  log(`  ${kubectlOf(folder).program} get namespaces`);
  if (ownCluster(folder) === null && !controlPlane) log(`  ${kubernetesCache('bin', 'helm')} list`);
}

async function load(): Promise<void> {
  const context = ownCluster(folder);
  if (context !== null) return log(howToLoad(context));
  if (!isWholeClusterUp(folder)) throw new Error('there is no node to load the image to: npm run cluster -- up');
  const name = await loadProjectImage(folder, log);
  log(`loaded after ${took()}: ${name}, also called ${IMAGE}`);
}

async function loadFlink(): Promise<void> {
  const context = ownCluster(folder);
  if (context !== null) return log(howToLoad(context, 'flowjob-flink:dev', 'Dockerfile.flink'));
  if (!isWholeClusterUp(folder)) throw new Error('there is no node to load the image to: npm run cluster -- up');
  const name = await loadFlinkImage(folder, log);
  log(`loaded after ${took()}: ${name}, also called ${FLINK_IMAGE}`);
}

async function takeDown(): Promise<void> {
  if (ownCluster(folder) !== null) return forgetOwnCluster(folder);
  await down(folder, log);
}

class UsageError extends Error {}

try {
  await main();
} catch (error) {
  console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError) console.error(USAGE);
  process.exit(error instanceof UsageError ? 2 : 1);
}
