// Who may speak to a control plane, and as whom: tokens, the key of service accounts, kubeconfig files.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

export interface User {
  name: string;
  /** RBAC groups. `system:masters` may do everything. */
  groups?: string[];
}

export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };
export const CONTROLLER_MANAGER: User = { name: 'system:kube-controller-manager' };
export const SCHEDULER: User = { name: 'system:kube-scheduler' };
export const KUBE_PROXY: User = { name: 'system:kube-proxy' };
export const nodeUser = (node: string): User => ({ name: `system:node:${node}`, groups: ['system:nodes'] });

export class Credentials {
  readonly folder: string;
  /** The API server's token file. */
  readonly tokenFile: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  private readonly tokens = new Map<string, string>();

  /** Makes what is not there yet; a control plane that is started again on the same folder keeps its tokens. */
  constructor(folder: string, users: readonly User[]) {
    this.folder = folder;
    this.tokenFile = join(folder, 'tokens.csv');
    this.serviceAccountKey = join(folder, 'service-accounts.key');
    this.serviceAccountPublicKey = join(folder, 'service-accounts.pub');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.writeTokens(users);
    if (!existsSync(this.serviceAccountPublicKey)) this.writeServiceAccountKeys();
  }

  token(user: User): string {
    const token = this.tokens.get(user.name);
    if (token === undefined) throw new Error(`no user ${user.name}: name it when the control plane is started`);
    return token;
  }

  /** Writes a kubeconfig for `user` and returns its path. */
  kubeconfig(user: User, server: string, certificateAuthority: string): string {
    const file = join(this.folder, `${user.name.replaceAll(':', '-')}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'flowjob',
          cluster: {
            server,
            'certificate-authority-data': readFileSync(certificateAuthority).toString('base64'),
          },
        },
      ],
      users: [{ name: user.name, user: { token: this.token(user) } }],
      contexts: [{ name: 'flowjob', context: { cluster: 'flowjob', user: user.name } }],
      'current-context': 'flowjob',
    };
    writeFileSync(file, stringify(config), { mode: 0o600 });
    return file;
  }

  private writeTokens(users: readonly User[]): void {
    if (existsSync(this.tokenFile))
      for (const line of readFileSync(this.tokenFile, 'utf8').split('\n')) {
        const [token, name] = line.split(',');
        if (token !== undefined && name !== undefined) this.tokens.set(name, token);
      }
    const lines = users.map((user) => {
      const token = this.tokens.get(user.name) ?? randomBytes(16).toString('hex');
      this.tokens.set(user.name, token);
      return `${token},${user.name},${user.name},"${(user.groups ?? []).join(',')}"\n`;
    });
    writeFileSync(this.tokenFile, lines.join(''), { mode: 0o600 });
  }

  private writeServiceAccountKeys(): void {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    writeFileSync(this.serviceAccountKey, privateKey, { mode: 0o600 });
    writeFileSync(this.serviceAccountPublicKey, publicKey);
  }
}
