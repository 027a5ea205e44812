// etcd, the API server's memory. Tests compact it to see what clients do whose resourceVersion is gone.
import { join } from 'node:path';
import { InVain, until } from '../harness/until.ts';
import type { Processes } from './processes.ts';

export class Etcd {
  readonly url: string;
  private readonly processes: Processes;

  constructor(processes: Processes, port: number) {
    this.processes = processes;
    this.url = `http://127.0.0.1:${port}`;
  }

  async start(program: string, folder: string, peerPort: number): Promise<void> {
    const peer = `http://127.0.0.1:${peerPort}`;
    this.processes.start('etcd', program, [
      '--data-dir',
      join(folder, 'etcd'),
      '--listen-client-urls',
      this.url,
      '--advertise-client-urls',
      this.url,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
      '--log-level',
      'warn',
      // A test's data need not survive the machine's end.
      '--unsafe-no-fsync',
    ]);
    await until('etcd answers', async () => this.healthy(), {
      seconds: 30,
      explain: () => this.processes.tail('etcd'),
    });
  }

  /** The newest revision: the number that the API server hands out as resourceVersion. */
  async revision(): Promise<number> {
    const answer = await this.call<{ header: { revision: string } }>('/v3/kv/range', { key: base64('\0') });
    return Number(answer.header.revision);
  }

  /**
   * Forgets everything before `revision`, by default before the newest. A list that is continued from before it gets 410; a watch from before it gets 410 as
   * soon as the API server's own cache does not reach back so far either, which a restart of the API server brings about.
   */
  async compact(revision?: number): Promise<number> {
    const upTo = revision ?? (await this.revision());
    await this.call('/v3/kv/compaction', { revision: String(upTo), physical: true });
    return upTo;
  }

  private async healthy(): Promise<boolean> {
    if (!this.processes.isAlive('etcd')) throw new InVain('it ended');
    return (await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(2000) })).ok;
  }

  private async call<T>(path: string, body: object): Promise<T> {
    const response = await fetch(this.url + path, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd answers ${path} with ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
