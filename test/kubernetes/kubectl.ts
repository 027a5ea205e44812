// kubectl, as a user would run it.
import { run } from './command.ts';

export class Kubectl {
  readonly program: string;
  readonly kubeconfig: string;

  constructor(program: string, kubeconfig: string) {
    this.program = program;
    this.kubeconfig = kubeconfig;
  }

  /** Returns what it prints; throws with what it said when it fails. */
  async run(...args: string[]): Promise<string> {
    return run(this.program, ['--kubeconfig', this.kubeconfig, ...args]);
  }

  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.run('get', ...args, '--output', 'json')) as T;
  }

  async apply(objects: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const args = ['--kubeconfig', this.kubeconfig, 'apply', '--server-side', '--force-conflicts', '--filename', '-'];
    await run(this.program, args, { input: list });
  }
}
