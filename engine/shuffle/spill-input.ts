// The consuming end of a blocking exchange: one partition of a producer's file, read batch by batch.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { decodeBatch } from '../columnar/wire.ts';
import type { Schema } from '../plan/types.ts';
import type { SpillLocation } from '../rpc/protocol.ts';
import type { Element } from './element.ts';
import type { ElementSource } from './input-gate.ts';
import { ProducerLost } from './producer-lost.ts';
import { indexPath, type SpillIndex } from './spill-output.ts';

/** True when the finished file can be read from here. */
export function spillExists({ path }: SpillLocation): boolean {
  return existsSync(indexPath(path)) && existsSync(path);
}

/** The encoded batches of one partition, in order. Reads of local files block: they are served by the page cache. */
export class SpillReader {
  private readonly location: SpillLocation;
  private readonly execution: string | null;
  private readonly parts: number[];
  private descriptor: number;
  private next = 0;

  /** Throws ProducerLost, which names `execution`, when the file is not there. */
  constructor(location: SpillLocation, execution: string | null) {
    this.location = location;
    this.execution = execution;
    try {
      const index = JSON.parse(readFileSync(indexPath(location.path), 'utf8')) as SpillIndex;
      this.parts = index[location.partition] ?? [];
      this.descriptor = openSync(location.path, 'r');
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
    let at = 0;
    while (at < bytes.length) {
      const count = readSync(this.descriptor, bytes, at, bytes.length - at, this.parts[this.next]! + at);
      if (count === 0) throw this.lost(new Error('the file is shorter than its index says'));
      at += count;
    }
    this.next += 2;
    return bytes;
  }

  close(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
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

  constructor(location: SpillLocation, execution: string, schema: Schema) {
    this.reader = new SpillReader(location, execution);
    this.schema = schema;
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
