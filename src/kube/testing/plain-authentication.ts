// A server by its address and nothing else: for tests that speak over real sockets, or through nock.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Authentication, Credentials } from '../rest/auth.ts';

export class PlainAuthentication implements Authentication {
  readonly renewed: string[] = [];
  readonly agent: HttpAgent;
  private readonly server: URL;
  token = 'first';

  constructor(server: string) {
    this.server = new URL(server);
    this.agent = server.startsWith('https:') ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  async credentials(): Promise<Credentials> {
    return { server: this.server, agent: this.agent, headers: { authorization: `Bearer ${this.token}` } };
  }

  renew(cause: 'credentials' | 'connections'): void {
    this.renewed.push(cause);
    if (cause === 'credentials') this.token = 'second';
  }
}
