// A disk of a few MiB that can be filled: a tmpfs in a mount namespace of its own, which the kernel unmounts when the last process in it has
// gone, however this one ends. Needs root.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill } from '../e2e/engine-cluster.ts';
import { eventually } from '../harness/cli.ts';

const CHUNK = Buffer.alloc(4096);

export class SmallDisk {
  /** Where it is, as processes that run under `enter` see it. */
  readonly path: string;
  private readonly holder: ChildProcess;

  private constructor(path: string, holder: ChildProcess) {
    this.path = path;
    this.holder = holder;
  }

  /** Why there can be none here; null when there can. */
  static impossible(): string | null {
    if (process.getuid?.() !== 0) return 'mounting needs root';
    const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', tmpdir()], { encoding: 'utf8' });
    return tried.status === 0 ? null : `no tmpfs can be mounted: ${tried.error?.message ?? tried.stderr.trim()}`;
  }

  static async mount(mebibytes: number): Promise<SmallDisk> {
    const path = mkdtempSync(join(tmpdir(), 'flowjob-disk-'));
    // `cat` ends when this process does: its standard input is a pipe from here.
    const script = `mount -t tmpfs -o size=${mebibytes}m none "$0" && echo mounted && exec cat`;
    const holder = spawn('unshare', ['--mount', 'sh', '-c', script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const disk = new SmallDisk(path, holder);
    const mounted = new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('exit', (code) => reject(new Error(`the tmpfs could not be mounted: exit code ${code}`)));
    });
    try {
      await mounted;
    } catch (error) {
      await disk.remove();
      throw error;
    }
    return disk;
  }

  /** The command behind which a program sees the disk. */
  get enter(): string[] {
    return ['nsenter', '--mount', '--target', String(this.holder.pid)];
  }

  /** A path on the disk as this process, which is outside, can read it. */
  seen(...names: string[]): string {
    return join(`/proc/${this.holder.pid}/root${this.path}`, ...names);
  }

  /** Not a byte is left, until `meanwhile` has resolved; what others free meanwhile is taken too. */
  async full(meanwhile: () => Promise<unknown>): Promise<void> {
    const ballast = this.seen('ballast');
    const fill = (): void => {
      const file = openSync(ballast, 'a');
      try {
        for (;;) writeSync(file, CHUNK);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    };
    const timer = setInterval(fill, 5);
    try {
      fill();
      await meanwhile();
    } finally {
      clearInterval(timer);
      rmSync(ballast, { force: true });
    }
  }

  /** Everything on it is gone. Its other processes must have ended. */
  async remove(): Promise<void> {
    await kill(this.holder);
    await eventually('the disk is unmounted', 10, () => {
      try {
        rmdirSync(this.path);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
        throw error;
      }
    });
  }
}
