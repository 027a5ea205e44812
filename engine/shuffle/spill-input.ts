// The consuming end of a blocking exchange: one partition of a producer's file, read batch by batch.
import { decodeBatch } from '../columnar/wire.ts';
import type { Schema } from '../plan/types.ts';
import type { SpillLocation } from '../rpc/protocol.ts';
import type { TemporaryFile, TemporaryFiles } from '../storage/temporary-files.ts';
import type { Element } from './element.ts';
import type { ElementSource } from './input-gate.ts';
import { ProducerLost } from './producer-lost.ts';
import { indexPath, type SpillIndex } from './spill-output.ts';

/** True when the finished file can be read from here. */
export function spillExists(files: TemporaryFiles, path: string): boolean {
  return files.exists(indexPath(path)) && files.exists(path);
}

/** The encoded batches of one partition, in order. Reads of local files block: they are served by the page cache. */
export class SpillReader {
  private readonly location: SpillLocation;
  private readonly execution: string | null;
  private readonly parts: number[];
  private file: TemporaryFile | null;
  private next = 0;

  /** Throws ProducerLost, which names `execution`, when the file is not there. */
  constructor(files: TemporaryFiles, location: SpillLocation, execution: string | null) {
    this.location = location;
    this.execution = execution;
    try {
      const index = JSON.parse(files.readText(indexPath(location.path))) as SpillIndex;
      const parts = index[location.partition];
      if (parts === undefined) throw new Error(`its index has no partition ${location.partition}`);
      this.parts = parts;
      this.file = files.open(location.path);
    } catch (error) {
      throw this.lost(error);
    }
  }

  read(): Uint8Array | null {
    if (this.next >= this.parts.length) {
      this.close();
      return null;
    }
    const bytes = new Uint8Array(this.parts[this.next + 1]!);
    try {
      if (this.file === null) throw new Error('it was closed');
      if (this.file.read(this.parts[this.next]!, bytes) < bytes.length)
        throw new Error('the file is shorter than its index says');
    } catch (error) {
      throw this.lost(error);
    }
    this.next += 2;
    return bytes;
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  private lost(cause: unknown): ProducerLost {
    const message = `intermediate result ${this.location.path} cannot be read: ${String(cause)}`;
    return new ProducerLost(message, this.execution, cause);
  }
}

/** A file of this machine as a channel. */
export class SpillFileChannel implements ElementSource {
  bytesReceived = 0;
  private readonly reader: SpillReader;
  private readonly schema: Schema;
  private ended = false;

  constructor(files: TemporaryFiles, location: SpillLocation, execution: string, schema: Schema) {
    this.reader = new SpillReader(files, location, execution);
    this.schema = schema;
  }

  get available(): boolean {
    return !this.ended;
  }

  take(): Element | null {
    if (this.ended) return null;
    const bytes = this.reader.read();
    if (bytes === null) {
      this.ended = true;
      return { kind: 'end' };
    }
    this.bytesReceived += bytes.length;
    return { kind: 'batch', batch: decodeBatch(this.schema, bytes) };
  }

  close(): void {
    this.reader.close();
  }
}
