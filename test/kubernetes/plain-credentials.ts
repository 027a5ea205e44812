// A server, its certificate authority and a token, as the operator's pod has them.
import { Agent } from 'node:https';
import type { Authentication, Credentials } from '../../src/kube/rest/auth.ts';

export class PlainCredentials implements Authentication {
  private readonly answer: Credentials;

  constructor(server: string, certificateAuthority: string, token: string) {
    const agent = new Agent({ keepAlive: true, ca: certificateAuthority });
    this.answer = { server: new URL(server), agent, headers: { authorization: `Bearer ${token}` } };
  }

  async credentials(): Promise<Credentials> {
    return this.answer;
  }

  renew(): void {
    // A token that lasts for an hour.
  }
}
