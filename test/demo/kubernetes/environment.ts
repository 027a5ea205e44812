// What the demo in pods needs before it begins: a cluster, the image on its node, an operator, a namespace. What it made itself it takes away again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { kubernetesCache } from '../../kubernetes/binaries.ts';
import { cannotRunHere, isWholeClusterUp, kubectlOf } from '../../kubernetes/cluster.ts';
import { run } from '../../kubernetes/command.ts';
import { clusterFolder } from '../../kubernetes/folder.ts';
import { projectImageTag } from '../../kubernetes/image.ts';
import type { Kubectl } from '../../kubernetes/kubectl.ts';
import { ownCluster } from '../../kubernetes/own-cluster.ts';

type Say = (text: string) => void;

export const NAMESPACE = 'flowjob-demo';
const SYSTEM = 'flowjob-demo-system';

export interface Environment {
  kubectl: Kubectl;
  /** Of JobManagers and TaskManagers. */
  image: string;
  /** Was not up before. */
  broughtUp: boolean;
  /** Was not there before. */
  installed: boolean;
  /** The CustomResourceDefinitions were not there before. */
  madeKinds: boolean;
}

interface Deployment {
  metadata: { namespace: string; name: string };
  spec: { template: { spec: { containers: { image: string; env?: { name: string; value?: string }[] }[] } } };
}

/** Throws, with what it made taken away again, when it cannot be had. */
export async function prepare(say: Say, signal: AbortSignal): Promise<Environment> {
  const folder = clusterFolder();
  const broughtUp = ownCluster(folder) === null && !isWholeClusterUp(folder);
  if (broughtUp) {
    const impossible = cannotRunHere();
    say(
      impossible === null
        ? 'No cluster is up. One is started on this machine: Debian packages, and the first time 15 CPU minutes of building Kubernetes; afterwards 20 s.'
        : `No cluster can be started here (${impossible}): the one of your current kubectl context is used.`,
    );
    await cluster('up', signal);
  }
  const own = ownCluster(folder);
  const tag = own === null ? projectImageTag() : 'dev';
  const environment = {
    kubectl: kubectlOf(folder),
    image: `flowjob:${tag}`,
    broughtUp,
    installed: false,
    madeKinds: false,
  };
  try {
    say(
      own === null
        ? 'The image is put on the node (built first when its sources changed: a minute).'
        : `Cluster: ${own}.`,
    );
    await cluster('load', signal);
    await renewNamespace(environment.kubectl);
    await ensureOperator(environment, { own: own !== null, tag }, say);
    return environment;
  } catch (error) {
    await clearAway(environment, say);
    throw error;
  }
}

async function ensureOperator(
  environment: Environment,
  { own, tag }: { own: boolean; tag: string },
  say: Say,
): Promise<void> {
  const found = await operatorOf(environment.kubectl);
  if (found !== null) {
    say(`The operator ${found.name} runs already, with image ${found.image}.`);
    environment.image = found.image;
    return;
  }
  say(`No operator looks after namespace ${NAMESPACE}: it is installed with helm.`);
  environment.installed = true;
  environment.madeKinds = !(await hasKinds(environment.kubectl));
  await installOperator(environment, own, tag);
}

/** Empty, whatever a demo with --keep left in it; there before an operator that looks after it alone. */
async function renewNamespace(kubectl: Kubectl): Promise<void> {
  await removeNamespace(kubectl);
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }]);
}

/** The namespace goes with all that is in it, then what the demo installed, then the cluster if it brought that up. */
export async function clearAway(environment: Environment, say: Say): Promise<void> {
  const { kubectl, installed, madeKinds, broughtUp } = environment;
  await removeNamespace(kubectl);
  if (broughtUp && ownCluster(clusterFolder()) === null) {
    say('The cluster is taken down: it was not up before.');
    return cluster('down', new AbortController().signal);
  }
  if (!installed) return;
  await helm(kubectl, ownCluster(clusterFolder()) !== null, 'uninstall', 'flowjob', '--wait', '--ignore-not-found');
  await kubectl.run('delete', 'namespace', SYSTEM, '--timeout=60s');
  if (madeKinds) await removeKinds(kubectl);
}

/** Helm would not install the chart elsewhere beside them. They stay where somebody has made objects of them meanwhile. */
async function removeKinds(kubectl: Kubectl): Promise<void> {
  const kinds = ['flowjobs', 'flowsavepoints', 'flowclusters'];
  const left = await kubectl.run('get', kinds.join(), '--all-namespaces', '--output', 'name');
  if (left.trim() === '') await kubectl.run('delete', 'crd', ...kinds.map((kind) => `${kind}.flowjob.dev`));
}

/** Its jobs first: an operator that looks after this namespace alone loses its rights with the namespace, before it has let them go. */
async function removeNamespace(kubectl: Kubectl): Promise<void> {
  const found = await kubectl.run('get', 'namespace', NAMESPACE, '--ignore-not-found', '--output', 'name');
  if (found.trim() === '') return;
  const kinds = ['flowjobs,flowsavepoints', '--all', '--namespace', NAMESPACE];
  if (await hasKinds(kubectl)) await kubectl.run('delete', ...kinds, '--timeout=180s');
  await kubectl.run('delete', 'namespace', NAMESPACE, '--timeout=180s');
}

async function hasKinds(kubectl: Kubectl): Promise<boolean> {
  const crd = ['crd', 'flowjobs.flowjob.dev', '--ignore-not-found', '--output', 'name'];
  return (await kubectl.run('get', ...crd)).trim() !== '';
}

/** An operator that looks after the demo's namespace or after all of them. */
async function operatorOf(kubectl: Kubectl): Promise<{ name: string; image: string } | null> {
  const selector = 'app.kubernetes.io/name=flowjob-operator';
  const { items } = await kubectl.get<{ items: Deployment[] }>(
    'deployments',
    '--all-namespaces',
    '--selector',
    selector,
  );
  for (const { metadata, spec } of items) {
    const [container] = spec.template.spec.containers;
    const watched = container?.env?.find(({ name }) => name === 'FLOWJOB_NAMESPACE')?.value ?? '';
    if (container !== undefined && (watched === '' || watched === NAMESPACE))
      return { name: `${metadata.namespace}/${metadata.name}`, image: container.image };
  }
  return null;
}

async function installOperator({ kubectl, madeKinds }: Environment, own: boolean, tag: string): Promise<void> {
  await helm(
    kubectl,
    own,
    ...[
      'upgrade',
      '--install',
      'flowjob',
      'helm/flowjob-operator',
      '--create-namespace',
      '--wait',
      '--timeout',
      '120s',
    ],
    ...['--set', 'image.repository=flowjob', '--set-string', `image.tag=${tag}`, '--set', 'replicas=1'],
    ...['--set', `watchNamespaces={${NAMESPACE}}`, '--set', `crds.install=${madeKinds}`],
  );
}

async function helm(kubectl: Kubectl, own: boolean, ...args: string[]): Promise<void> {
  const program = own ? 'helm' : kubernetesCache('bin', 'helm');
  await run(program, [...args, '--namespace', SYSTEM, '--kubeconfig', kubectl.kubeconfig]);
}

/** `npm run cluster -- COMMAND`, seen by the user. */
async function cluster(command: string, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, ['test/kubernetes/main.ts', command], { stdio: 'inherit', signal });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm run cluster -- ${command} failed`);
}
