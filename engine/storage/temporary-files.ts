// The port to the disk for what need not outlive its machine: results between the stages of a batch job, state that is larger than memory. Synchronous:
// a task works on its slot's thread, and what it wrote a moment ago is in the system's page cache. A port, so that a simulated disk can take its place.
//
// Errors carry Node's codes: ENOENT (missing), EEXIST (an exclusive create that came second), ENOSPC (full).

/** An open file: it can be read after its name is gone. */
export interface TemporaryFile {
  append(bytes: Uint8Array): void;
  /** Fills `into` from `offset` on; returns fewer bytes only at the end of the file. */
  read(offset: number, into: Uint8Array): number;
  close(): void;
}

export interface TemporaryFiles {
  /** With its parents. Not an error when it is there. */
  makeFolder(path: string): void;
  /** A new empty file for its owner alone; `exclusive` fails with EEXIST when the name is taken, else what was there goes. */
  create(path: string, options: { exclusive: boolean }): TemporaryFile;
  /** For reading. */
  open(path: string): TemporaryFile;
  /** A whole file; what was there goes. One that fails, or is cut short, may leave a part. */
  writeText(path: string, text: string): void;
  readText(path: string): string;
  exists(path: string): boolean;
  /** Names in a folder; none when it cannot be read. */
  list(folder: string): string[];
  /** A file, or a folder with all that is in it. Never fails: what cannot be removed now is left to whoever removes the folder around it. */
  remove(path: string): void;
}
