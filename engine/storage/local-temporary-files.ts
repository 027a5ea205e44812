// Temporary files on the disk of this machine.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { TemporaryFile, TemporaryFiles } from './temporary-files.ts';

/** They hold rows: for nobody else's eyes. */
const OWNER_ONLY = 0o600;

class LocalTemporaryFile implements TemporaryFile {
  private descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.descriptor, bytes, at);
  }

  read(offset: number, into: Uint8Array): number {
    let at = 0;
    while (at < into.length) {
      const count = readSync(this.descriptor, into, at, into.length - at, offset + at);
      if (count === 0) break;
      at += count;
    }
    return at;
  }

  /** Once: the number of a closed descriptor may be another file's by then. */
  close(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
  }
}

export const localTemporaryFiles: TemporaryFiles = {
  makeFolder: (path) => void mkdirSync(path, { recursive: true }),
  create: (path, { exclusive }) => new LocalTemporaryFile(openSync(path, exclusive ? 'wx+' : 'w+', OWNER_ONLY)),
  open: (path) => new LocalTemporaryFile(openSync(path, 'r')),
  writeText: (path, text) => writeFileSync(path, text, { mode: OWNER_ONLY }),
  readText: (path) => readFileSync(path, 'utf8'),
  exists: (path) => existsSync(path),
  list: (folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  remove: (path) => {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A task that has to leave is not kept by it.
    }
  },
};
