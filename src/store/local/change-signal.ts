// Wakes watches when the store changed: told by this process at once, by others through the file system, and in any case after a while.
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

export class ChangeSignal {
  private readonly waiting = new Set<() => void>();
  private readonly file: string;
  private readonly rescanMs: number;
  private watcher: FSWatcher | undefined;

  /** `file` is replaced by each change. `rescanMs`: how long a change can stay unseen where the file system tells nothing. */
  constructor(file: string, rescanMs = 500) {
    this.file = file;
    this.rescanMs = rescanMs;
  }

  /** Settles at the next change after this call, after `rescanMs`, or when `signal` aborts. Ask before looking, so that no change falls in between. */
  next(signal: AbortSignal): Promise<void> {
    this.watchFile();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, this.rescanMs);
      this.waiting.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  notify(): void {
    for (const done of [...this.waiting]) done();
  }

  close(): void {
    this.watcher?.close();
    this.watcher = undefined;
    this.notify();
  }

  private watchFile(): void {
    if (this.watcher !== undefined) return;
    const name = basename(this.file);
    this.watcher = watch(dirname(this.file), { persistent: false }, (_, changed) => {
      if (changed === name) this.notify();
    });
    // Without notifications (too many watches, a network file system) the rescan still finds every change.
    this.watcher.on('error', () => this.watcher?.close());
  }
}
