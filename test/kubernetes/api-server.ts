// kube-apiserver as a process that tests can kill and start again: same port, same certificate, same tokens.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { InVain, until } from '../harness/until.ts';
import { ADMIN, type Credentials } from './credentials.ts';
import type { Processes } from './processes.ts';

export interface ApiServerSettings {
  program: string;
  folder: string;
  /** Where it listens: the loopback address, or one that pods can reach. */
  address: string;
  port: number;
  etcd: string;
  serviceRange: string;
}

const NAME = 'kube-apiserver';

export class ApiServer {
  /** https://ADDRESS:PORT */
  readonly url: string;
  /** What its certificate is checked against. There once it has been started. */
  readonly certificateAuthority: string;
  private readonly processes: Processes;
  private readonly credentials: Credentials;
  private readonly settings: ApiServerSettings;

  constructor(processes: Processes, credentials: Credentials, settings: ApiServerSettings) {
    this.processes = processes;
    this.credentials = credentials;
    this.settings = settings;
    this.url = `https://${settings.address}:${settings.port}`;
    this.certificateAuthority = join(settings.folder, 'certificates', 'apiserver.crt');
  }

  /** Returns when it is ready. */
  async start(): Promise<void> {
    if (!this.processes.isAlive(NAME)) this.processes.start(NAME, this.settings.program, this.args());
    await until('kube-apiserver is ready', async () => this.ready(), {
      seconds: 60,
      explain: () => this.processes.tail(NAME, 4000),
    });
  }

  /** SIGKILL: connections break, nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.processes.stop(NAME, 0);
  }

  /** SIGTERM: watches are ended in order. */
  async stop(): Promise<void> {
    await this.processes.stop(NAME, 15);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((answered, failed) => {
      const headers = { authorization: `Bearer ${this.credentials.token(ADMIN)}` };
      // A connection of its own each time: one that is kept may be to a server that was killed.
      const options = { ca: readFileSync(this.certificateAuthority), agent: false as const, headers, timeout: 5000 };
      const asked = request(this.url + path, options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => answered({ status: response.statusCode ?? 0, body }));
      });
      asked.on('timeout', () => asked.destroy(new Error(`${path}: no answer within 5 s`)));
      asked.on('error', failed);
      asked.end();
    });
  }

  private async ready(): Promise<boolean> {
    if (!this.processes.isAlive(NAME)) throw new InVain('it ended');
    const { status, body } = await this.get('/readyz?verbose');
    if (status !== 200) throw new Error(`/readyz answers ${status}: ${body}`);
    return true;
  }

  private args(): string[] {
    const { folder, address, port, etcd, serviceRange } = this.settings;
    const issuer = 'https://kubernetes.default.svc.cluster.local';
    const loopback = address.startsWith('127.');
    return [
      ['--etcd-servers', etcd],
      ['--bind-address', address],
      ['--advertise-address', address],
      ['--secure-port', String(port)],
      // It makes its own certificate, signed by an authority that stands in the same file.
      ['--cert-dir', join(folder, 'certificates')],
      ['--service-cluster-ip-range', serviceRange],
      ['--service-account-issuer', issuer],
      ['--service-account-signing-key-file', this.credentials.serviceAccountKey],
      ['--service-account-key-file', this.credentials.serviceAccountPublicKey],
      ['--token-auth-file', this.credentials.tokenFile],
      ['--authorization-mode', 'Node,RBAC'],
      ['--enable-admission-plugins', 'NodeRestriction'],
      // Endpoints of a Service may not be loopback addresses; without pods nobody needs the Service.
      ['--endpoint-reconciler-type', loopback ? 'none' : 'lease'],
      // Else logs and exec fail on a look-up of the node's name.
      ['--kubelet-preferred-address-types', 'InternalIP'],
      ['--shutdown-delay-duration', '0s'],
    ].flat();
  }
}
