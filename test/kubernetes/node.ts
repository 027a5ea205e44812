// The node: containerd with CNI, kubelet, kube-proxy. Whatever they keep is below the cluster's folder.
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from '../harness/until.ts';
import { run, tryRun } from './command.ts';
import { BRIDGE, DNS_ADDRESS, KUBELET_PORT, NODE_ADDRESS, POD_RANGE } from './network.ts';
import type { Processes } from './processes.ts';

export const NODE_NAME = 'flowjob-node';
export const PAUSE_IMAGE = 'localhost/flowjob-pause:built';
const CNI_PROGRAMS = '/usr/lib/cni';
const OVERLAY_FS = 0x794c7630;

/** containerd's socket, by which its shims and everything they started are known as ours. */
export const containerdSocket = (folder: string): string => join(folder, 'containerd.sock');

export async function startContainerd(folder: string, processes: Processes): Promise<void> {
  const cni = join(folder, 'cni');
  mkdirSync(cni, { recursive: true });
  const network = {
    cniVersion: '1.0.0',
    name: 'flowjob',
    plugins: [
      {
        type: 'bridge',
        bridge: BRIDGE,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'addresses'),
          ranges: [[{ subnet: POD_RANGE }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
  writeFileSync(join(cni, '10-flowjob.conflist'), JSON.stringify(network, null, 2));
  const config = join(folder, 'containerd.toml');
  writeFileSync(config, containerdConfig(folder, cni));
  if (!processes.isAlive('containerd')) processes.start('containerd', 'containerd', ['--config', config]);
  await until('containerd answers', async () => (await ctr(folder, 'version')) !== null, {
    seconds: 30,
    explain: () => processes.tail('containerd'),
  });
}

/** Null when it fails. */
export async function ctr(folder: string, ...args: string[]): Promise<string | null> {
  return tryRun('ctr', '--address', containerdSocket(folder), '--namespace', 'k8s.io', ...args);
}

/** Names of the images on the node. */
export async function imagesOnNode(folder: string): Promise<string[]> {
  return ((await ctr(folder, 'images', 'list', '--quiet')) ?? '').split('\n').filter((line) => line !== '');
}

/** `archive` holds the image under `name` already. */
export async function importImage(folder: string, name: string, archive: string): Promise<void> {
  if ((await imagesOnNode(folder)).includes(name)) return;
  const snapshotter = snapshotterOf(folder);
  const options = ['--address', containerdSocket(folder), '--namespace', 'k8s.io'];
  await run('ctr', [...options, 'images', 'import', '--snapshotter', snapshotter, archive]);
}

export interface NodeAccess {
  bin: string;
  kubeletConfig: string;
  proxyConfig: string;
}

export function startKubelet(folder: string, processes: Processes, access: NodeAccess): void {
  const config = join(folder, 'kubelet.yaml');
  const never = '0%';
  const settings = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    port: KUBELET_PORT,
    healthzPort: 0,
    // See createRules(): who may speak to it at all is decided there.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    containerRuntimeEndpoint: `unix://${containerdSocket(folder)}`,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    resolvConf: '',
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: 'cluster.local',
    evictionHard: { 'memory.available': never, 'nodefs.available': never, 'imagefs.available': never },
    imageGCHighThresholdPercent: 100,
    makeIPTablesUtilChains: false,
    maxPods: 250,
    // How soon a folder that is larger than it may be is seen; the default is a minute.
    volumeStatsAggPeriod: '5s',
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
  };
  writeFileSync(config, stringify(settings));
  if (processes.isAlive('kubelet')) return;
  processes.start('kubelet', join(access.bin, 'kubelet'), [
    ...['--config', config],
    ...['--kubeconfig', access.kubeletConfig],
    ...['--root-dir', join(folder, 'kubelet')],
    ...['--cert-dir', join(folder, 'kubelet', 'certificates')],
    ...['--hostname-override', NODE_NAME],
    ...['--node-ip', NODE_ADDRESS],
  ]);
}

export function startKubeProxy(folder: string, processes: Processes, access: NodeAccess): void {
  const config = join(folder, 'kube-proxy.yaml');
  const settings = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig: access.proxyConfig },
    clusterCIDR: POD_RANGE,
    hostnameOverride: NODE_NAME,
    healthzBindAddress: '',
    nodePortAddresses: [`${NODE_ADDRESS}/32`],
    // It may not change them everywhere; zero leaves them as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
  writeFileSync(config, stringify(settings));
  if (!processes.isAlive('kube-proxy'))
    processes.start('kube-proxy', join(access.bin, 'kube-proxy'), ['--config', config]);
}

/** overlayfs cannot lie on overlayfs, on which containers have their files. */
function snapshotterOf(folder: string): string {
  return statfsSync(folder).type === OVERLAY_FS ? 'native' : 'overlayfs';
}

function containerdConfig(folder: string, cni: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const at = (name: string): string => JSON.stringify(join(folder, name));
  return `version = 2
root = ${at('containerd')}
state = ${at('containerd-state')}
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing"]

[grpc]
  address = ${JSON.stringify(containerdSocket(folder))}

[plugins."io.containerd.internal.v1.opt"]
  path = ${at('opt')}

[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  # Where root may not lower a process's OOM score, runc dies on it.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"

[${cri}.containerd]
  snapshotter = "${snapshotterOf(folder)}"
  default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = ${at('runc')}

[${cri}.cni]
  bin_dir = "${CNI_PROGRAMS}"
  conf_dir = ${JSON.stringify(cni)}
`;
}
