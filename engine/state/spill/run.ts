// A run: groups that went out of memory together, in one immutable file of pages in the order of positions. Its index is in memory.
import { crc32 } from 'node:zlib';
import type { ColumnBatch } from '../../columnar/batch.ts';
import { decodeBatch, encodeBatch } from '../../columnar/wire.ts';
import { describeError } from '../../errors.ts';
import type { Schema } from '../../plan/types.ts';
import { BloomFilter } from './bloom-filter.ts';
import { spillReadError, spillWriteError, type CreateSpillFile, type SpillFile } from './spill-files.ts';

/** A page as it is worked on. */
export interface SpilledPage {
  batch: ColumnBatch;
  /** Of each row, ascending. */
  positions: Uint32Array;
  /** Memory that it holds. */
  bytes: number;
}

/** The pages of one table: of one window, or of all groups without windows. */
export interface RunPart {
  /** Positions of the first and the last group of each page. A position may go on from page to page. */
  firsts: Uint32Array;
  lasts: Uint32Array;
  /** Place in the file of each page, and its length without the positions behind it. */
  offsets: Float64Array;
  lengths: Int32Array;
  rows: Int32Array;
  checksums: Uint32Array;
  groups: number;
  /** Of all its pages. */
  bytes: number;
  /** Null when there is no memory for one. */
  filter: BloomFilter | null;
}

/** A part's name: the end of the window; 0 for groups without windows. */
export type PartKey = number;

export class Run {
  /** Names it among the runs of its operator subtask, for good. */
  readonly id: string;
  readonly parts: Map<PartKey, RunPart>;
  /** Of the file. */
  readonly bytes: number;
  private readonly file: SpillFile;
  private readonly schema: Schema;
  private holders = 1;

  constructor(id: string, file: SpillFile, bytes: number, schema: Schema, parts: Map<PartKey, RunPart>) {
    this.id = id;
    this.file = file;
    this.bytes = bytes;
    this.schema = schema;
    this.parts = parts;
  }

  /** Memory of the index and the filters. */
  get allocatedBytes(): number {
    let bytes = 0;
    for (const { firsts, filter } of this.parts.values()) bytes += firsts.length * 28 + (filter?.allocatedBytes ?? 0);
    return bytes;
  }

  /** The encoded batch of a page, checked. Throws SPILL_FILE. */
  readBatch(part: RunPart, page: number): Uint8Array {
    return this.readChecked(part, page).subarray(0, part.lengths[page]);
  }

  /** Throws SPILL_FILE. */
  readPage(part: RunPart, page: number): SpilledPage {
    const bytes = this.readChecked(part, page);
    const length = part.lengths[page]!;
    return {
      batch: decodeBatch(this.schema, bytes.subarray(0, length)),
      positions: new Uint32Array(bytes.buffer, bytes.byteOffset + length, part.rows[page]),
      bytes: bytes.length,
    };
  }

  /** Keeps the file until `release`: somebody reads it beside the operator. */
  retain(): void {
    this.holders++;
  }

  /** Removes the file when nobody holds it any more. */
  release(): void {
    if (--this.holders === 0) this.file.remove();
  }

  private readChecked(part: RunPart, page: number): Uint8Array {
    const bytes = new Uint8Array(part.lengths[page]! + 4 * part.rows[page]!);
    let count: number;
    try {
      count = this.file.read(part.offsets[page]!, bytes);
    } catch (error) {
      throw spillReadError(this.file.path, describeError(error), error);
    }
    if (count < bytes.length)
      throw spillReadError(this.file.path, `it ends at byte ${part.offsets[page]! + count}, in the middle of a page`);
    if (crc32(bytes) !== part.checksums[page])
      throw spillReadError(this.file.path, `the page at byte ${part.offsets[page]} does not match its checksum`);
    return bytes;
  }
}

const BUFFER_BYTES = 1 << 20;

/** Writes a run, part by part and each in the order of positions. */
export class RunWriter {
  private readonly id: string;
  private readonly schema: Schema;
  private readonly file: SpillFile;
  private readonly parts = new Map<PartKey, RunPart>();
  private buffer: Uint8Array<ArrayBuffer> | null = null;
  private buffered = 0;
  private written = 0;
  private key: PartKey | null = null;
  private pages: PageEntry[] = [];
  private filter: BloomFilter | null = null;

  /** Throws SPILL_FILE when the file cannot be made. */
  constructor(id: string, schema: Schema, create: CreateSpillFile) {
    this.id = id;
    this.schema = schema;
    try {
      this.file = create(id);
    } catch (error) {
      throw spillWriteError(id, error);
    }
  }

  /** The pages that follow are of this part. `groups`, at most, decide the size of its filter; none is made for 0. */
  startPart(key: PartKey, groups: number): void {
    this.endPart();
    this.key = key;
    this.filter = groups === 0 ? null : new BloomFilter(groups);
  }

  /** Adds a page. Throws SPILL_DISK_FULL or SPILL_FILE; the run is then to be given up. */
  add(batch: ColumnBatch, positions: Uint32Array): void {
    const encoded = encodeBatch(batch);
    const length = encoded.length;
    const size = (length + 4 * positions.length + 7) & ~7;
    if (this.buffered + size > BUFFER_BYTES) this.flush();
    const target = size > BUFFER_BYTES ? new Uint8Array(size) : (this.buffer ??= new Uint8Array(BUFFER_BYTES));
    const page = target.subarray(this.buffered, this.buffered + length + 4 * positions.length);
    page.set(encoded);
    page.set(new Uint8Array(positions.buffer, positions.byteOffset, positions.byteLength), length);
    this.pages.push({
      first: positions[0]!,
      last: positions[positions.length - 1]!,
      offset: this.written + this.buffered,
      length,
      rows: positions.length,
      checksum: crc32(page),
    });
    if (this.filter !== null) for (const position of positions) this.filter.add(position);
    if (target === this.buffer) this.buffered += size;
    else this.write(target);
  }

  /** Throws as `add` does. */
  finish(): Run {
    this.endPart();
    this.flush();
    this.buffer = null;
    return new Run(this.id, this.file, this.written, this.schema, this.parts);
  }

  /** Removes what was written. */
  abort(): void {
    this.buffer = null;
    this.file.remove();
  }

  private endPart(): void {
    if (this.key !== null && this.pages.length > 0) this.parts.set(this.key, indexOf(this.pages, this.filter));
    this.key = null;
    this.pages = [];
  }

  private flush(): void {
    if (this.buffer === null || this.buffered === 0) return;
    this.write(this.buffer.subarray(0, this.buffered));
    this.buffered = 0;
  }

  private write(bytes: Uint8Array): void {
    try {
      this.file.append(bytes);
    } catch (error) {
      throw spillWriteError(this.file.path, error);
    }
    this.written += bytes.length;
  }
}

interface PageEntry {
  first: number;
  last: number;
  offset: number;
  length: number;
  rows: number;
  checksum: number;
}

function indexOf(pages: readonly PageEntry[], filter: BloomFilter | null): RunPart {
  return {
    firsts: Uint32Array.from(pages, ({ first }) => first),
    lasts: Uint32Array.from(pages, ({ last }) => last),
    offsets: Float64Array.from(pages, ({ offset }) => offset),
    lengths: Int32Array.from(pages, ({ length }) => length),
    rows: Int32Array.from(pages, ({ rows }) => rows),
    checksums: Uint32Array.from(pages, ({ checksum }) => checksum),
    groups: pages.reduce((sum, { rows }) => sum + rows, 0),
    bytes: pages.reduce((sum, { length }) => sum + length, 0),
    filter,
  };
}
