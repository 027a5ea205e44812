// A real control plane without a node: etcd, kube-apiserver, kube-controller-manager. Enough for whatever speaks to the API and needs no pod to run; up in a
// few seconds. Several run side by side, each in its folder. Nothing else of the cluster depends on a node being there.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../harness/until.ts';
import { ApiServer, type ApiServerSettings } from './api-server.ts';
import { ensureBinaries, type ProgramName } from './binaries.ts';
import { ADMIN, CONTROLLER_MANAGER, Credentials, type User } from './credentials.ts';
import { Etcd } from './etcd.ts';
import { freePorts } from './ports.ts';
import { Processes } from './processes.ts';

export const CONTROL_PLANE_PROGRAMS: readonly ProgramName[] = ['control-plane', 'kubectl'];

export interface ControlPlaneOptions {
  /** Holds data, logs, certificates, tokens; made when it is not there, removed by `stop`. */
  folder: string;
  /** Beside `admin`, who may do everything. RBAC decides what these may do. */
  users?: readonly User[];
  /** Lives on when this process ends; else its processes end with this one, however it ends. */
  detached?: boolean;
  /** Where the API server listens. Default: the loopback address. */
  address?: string;
  serviceRange?: string;
  log?: (line: string) => void;
}

export interface ControlPlane {
  readonly folder: string;
  /** The API's address. */
  readonly server: string;
  readonly certificateAuthority: string;
  readonly apiServer: ApiServer;
  readonly etcd: Etcd;
  readonly processes: Processes;
  /** The path of a kubeconfig file for `admin` or for one of the users. */
  kubeconfig(user?: string): string;
  token(user?: string): string;
  /** Ends every process and removes the folder. */
  stop(): Promise<void>;
}

/** Builds the programs first if they are not there (minutes; says so on `log`). Returns when the API server is ready and namespace `default` is filled. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { folder, users = [], detached = false, address = '127.0.0.1' } = options;
  const bin = await ensureBinaries(CONTROL_PLANE_PROGRAMS, options.log ?? console.log);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const processes = new Processes(folder, !detached);
  const credentials = new Credentials(join(folder, 'credentials'), [ADMIN, CONTROLLER_MANAGER, ...users]);
  const ports = await savedPorts(folder, address);
  const etcd = new Etcd(processes, ports.etcd);
  const settings: ApiServerSettings = {
    program: join(bin, 'kube-apiserver'),
    folder,
    address,
    port: ports.api,
    etcd: etcd.url,
    serviceRange: options.serviceRange ?? '10.124.0.0/24',
  };
  const apiServer = new ApiServer(processes, credentials, settings);
  const stop = async (): Promise<void> => {
    await stopControlPlane(processes);
    rmSync(folder, { recursive: true, force: true });
  };
  const kubeconfig = (user = ADMIN.name): string =>
    credentials.kubeconfig({ name: user }, apiServer.url, apiServer.certificateAuthority);
  try {
    await etcd.start(join(bin, 'etcd'), folder, ports.etcdPeer);
    await apiServer.start();
    processes.start('kube-controller-manager', join(bin, 'kube-controller-manager'), [
      ...['--kubeconfig', kubeconfig(CONTROLLER_MANAGER.name)],
      ...['--service-account-private-key-file', credentials.serviceAccountKey],
      // Without it clients in pods have nothing to check the API server's certificate against.
      ...['--root-ca-file', apiServer.certificateAuthority],
      '--use-service-account-credentials',
      '--leader-elect=false',
      // Its own limits are for servers that have other work: they make it wait for seconds at its start.
      ...['--kube-api-qps', '500', '--kube-api-burst', '1000'],
      // No port: it would be one more that two control planes could meet on.
      ...['--secure-port', '0'],
    ]);
    await until('the controller manager fills the namespace default', async () => filled(apiServer), {
      seconds: 60,
      explain: () => processes.tail('kube-controller-manager'),
    });
  } catch (error) {
    if (!detached) await stop();
    throw error;
  }
  return {
    folder,
    server: apiServer.url,
    certificateAuthority: apiServer.certificateAuthority,
    apiServer,
    etcd,
    processes,
    kubeconfig,
    token: (user = ADMIN.name) => credentials.token({ name: user }),
    stop,
  };
}

/** Nothing of it is needed again, so nothing is asked to end in order. */
export async function stopControlPlane(processes: Processes): Promise<void> {
  for (const name of ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'])
    await processes.stop(name, 0);
}

interface Ports {
  etcd: number;
  etcdPeer: number;
  api: number;
}

/** The ports that the folder's control plane had before, or new ones. */
async function savedPorts(folder: string, address: string): Promise<Ports> {
  const file = join(folder, 'ports.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Ports;
  } catch {
    const [etcd, etcdPeer] = await freePorts(2);
    const [api] = await freePorts(1, address);
    const ports: Ports = { etcd: etcd!, etcdPeer: etcdPeer!, api: api! };
    writeFileSync(file, JSON.stringify(ports));
    return ports;
  }
}

/** Pods can be made in a namespace once it has its service account and the certificate to check the API server against. */
async function filled(apiServer: ApiServer): Promise<boolean> {
  const wanted = ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'];
  const answers = await Promise.all(wanted.map((path) => apiServer.get(`/api/v1/namespaces/default/${path}`)));
  return answers.every(({ status }) => status === 200);
}
