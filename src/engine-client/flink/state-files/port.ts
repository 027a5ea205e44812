// The port "where Flink's files are": the little that has to be done with them where no JobManager answers. Paths are absolute ones, or s3://BUCKET/KEY, without a
// slash at their end. Every call can be repeated.

export interface FileStart {
  /** No more than was asked for, and less where the file is shorter. */
  content: Buffer;
  /** When the file was written, milliseconds since the epoch. */
  at: number;
}

export interface StateFiles {
  /** Paths of the folders in `folder`; none where it is not there. */
  folders(folder: string): Promise<string[]>;
  /** How a file begins, or goes on `from` a byte; null where it is not there. */
  start(file: string, bytes: number, from?: number): Promise<FileStart | null>;
  /** Removes a folder with all that is in it. */
  remove(folder: string): Promise<void>;
  /** Removes a folder that nothing is in; leaves others alone. */
  removeEmpty(folder: string): Promise<void>;
}

/** Nothing could be asked of the store as it is set up: what it says is true of no file in particular. The message names the remedy. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}
