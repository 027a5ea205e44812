// A real S3-compatible server as a process on this machine: Versity's S3 gateway (github.com/versity/versitygw, Apache-2.0), which keeps each object in a file of
// a folder. Built once from its Go module.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InVain, until } from '../harness/until.ts';
import { ensureBinaries } from '../kubernetes/binaries.ts';
import { freePorts } from '../kubernetes/ports.ts';
import { endWithStarter } from './session-cluster.ts';

export const S3_CREDENTIALS = { accessKeyId: 'flowjob', secretAccessKey: 'only-for-tests' } as const;

export class S3Server {
  readonly endpoint: string;
  private readonly command: readonly string[];
  private readonly work: string;
  private child: ChildProcess | undefined;

  private constructor(endpoint: string, command: readonly string[], work: string) {
    this.endpoint = endpoint;
    this.command = command;
    this.work = work;
  }

  /** Has the bucket `bucket`. `address`: where it listens. It ends when this process does, however that ends (on Linux). */
  static async start(bucket: string, address = '127.0.0.1'): Promise<S3Server> {
    const bin = await ensureBinaries(['versitygw'], console.log);
    const work = mkdtempSync(join(tmpdir(), 'flowjob-s3-'));
    for (const folder of [`objects/${bucket}`, 'metadata']) mkdirSync(join(work, folder), { recursive: true });
    const [port] = await freePorts(1, address);
    const { accessKeyId, secretAccessKey } = S3_CREDENTIALS;
    const server = new S3Server(
      `http://${address}:${port}`,
      [
        ...[join(bin, 'versitygw'), '--quiet', '--port', `${address}:${port}`],
        ...['--access', accessKeyId, '--secret', secretAccessKey],
        // Not every file system that /tmp is on has extended attributes.
        ...['posix', '--sidecar', join(work, 'metadata'), join(work, 'objects')],
      ],
      work,
    );
    try {
      await server.launch();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  private async launch(): Promise<void> {
    const log = openSync(join(this.work, 'log'), 'a');
    const [program = '', ...args] = [...endWithStarter(), ...this.command];
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    await until(
      `the S3 server answers at ${this.endpoint}`,
      async () => {
        if (child.exitCode !== null) throw new InVain('it ended');
        return (await fetch(this.endpoint)).status > 0;
      },
      { seconds: 60, explain: () => readFileSync(join(this.work, 'log'), 'utf8').slice(-2000) },
    );
  }

  /** The file that an object is in. */
  fileOf(uri: string): string {
    return join(this.work, 'objects', uri.slice('s3://'.length));
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((ended) => child.once('exit', ended));
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.work, { recursive: true, force: true });
  }
}
