// The port to a file system: what checkpoint storage and file sinks need of one, and no more, so that a simulated disk can take its place.
//
// Errors carry Node's codes: ENOENT (missing), EEXIST (an exclusive create or link that came second), ENOSPC (full), ENOTEMPTY.

/** An open file. Bytes are appended; nothing is promised to survive a crash before `sync` has resolved. */
export interface OpenFile {
  /** `bytes` may change once it has resolved. */
  append(bytes: Uint8Array): Promise<void>;
  /** For a sink's thread, which writes between rows. */
  appendSync(bytes: Uint8Array): void;
  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Makes the file's bytes durable; its name in the directory only with `syncDirectory`. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** A new empty file for appending; `exclusive` fails with EEXIST when the name is taken, else what was there goes. */
  create(path: string, options: { exclusive: boolean }): Promise<OpenFile>;
  createSync(path: string, options: { exclusive: boolean }): OpenFile;
  /** For reading. */
  open(path: string): Promise<OpenFile>;
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; fails with EEXIST when it is taken: an atomic conditional create of a file with all its bytes. */
  link(from: string, to: string): Promise<void>;
  /** Not an error when it is gone. */
  remove(path: string): Promise<void>;
  /** With its parents, durably. Not an error when it is there. */
  makeDirectory(path: string): Promise<void>;
  makeDirectorySync(path: string): void;
  /** Of an empty directory. Not an error when it is gone. */
  removeDirectory(path: string): Promise<void>;
  /** Names in a directory, those of directories with `/` behind; none when it is missing. */
  list(path: string): Promise<string[]>;
  /** Bytes; null when missing. */
  size(path: string): Promise<number | null>;
  /** Makes created, renamed, linked and removed names durable. */
  syncDirectory(path: string): Promise<void>;
}
