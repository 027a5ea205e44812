// Strings as CSV fields and JSON strings, each entry of a dictionary quoted and escaped once.
import type { StringColumn } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { CsvFormat } from './ingest-csv.ts';

/** Writes `from[start, end)` as a field of a format at `at`; returns the offset behind it. */
export type StringQuoter = (
  from: Uint8Array,
  start: number,
  end: number,
  bytes: Uint8Array,
  at: number,
  column: string,
) => number;

/** The most bytes that a quoter writes per byte of the string, besides two quotes. */
export const MAX_GROWTH = 6;
/** Copies go by words. */
const SLACK = 8;

/** The strings of one column: a copy of what is encoded so far of the dictionary at hand. */
export class EncodedStrings {
  private readonly quoter: StringQuoter;
  private readonly column: string;
  private source: StringColumn | null = null;
  /** The last column that had codes: whose entries are encoded here. */
  private dictionary: StringColumn | null = null;
  /** Per dictionary entry: where its encoded form starts, -1 before its first use. */
  starts = new Int32Array(0);
  lengths = new Int32Array(0);
  private bytes = new Uint8Array(1024);
  view = new DataView(this.bytes.buffer);
  private used = 0;

  constructor(quoter: StringQuoter, column: string) {
    this.quoter = quoter;
    this.column = column;
  }

  /** To be called with the column of each batch. Batches are immutable: the same arrays are the same dictionary. */
  begin(column: StringColumn): void {
    this.source = column;
    if (column.codes === null) return;
    const known = this.dictionary;
    this.dictionary = column;
    const { offsets, bytes } = column;
    if (
      known?.offsets === offsets &&
      known.bytes.buffer === bytes.buffer &&
      known.bytes.byteOffset === bytes.byteOffset
    )
      return;
    this.starts = new Int32Array(offsets.length - 1).fill(-1);
    this.lengths = new Int32Array(offsets.length - 1);
    this.used = 0;
  }

  /** Encodes an entry on its first use: one that no row uses may be impossible to write. */
  encode(entry: number): void {
    const { offsets, bytes } = this.source!;
    const [start, end] = [offsets[entry]!, offsets[entry + 1]!];
    const need = MAX_GROWTH * (end - start) + 2 + SLACK;
    if (this.used + need > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.used + need));
      grown.set(this.bytes.subarray(0, this.used));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    const behind = this.quoter(bytes, start, end, this.bytes, this.used, this.column);
    this.starts[entry] = this.used;
    this.lengths[entry] = behind - this.used;
    this.used = behind;
  }

  /** Bytes that `put` may write for an entry. */
  bound(entry: number): number {
    const { offsets } = this.source!;
    return MAX_GROWTH * (offsets[entry + 1]! - offsets[entry]!) + 2;
  }

  /** Encodes an entry straight into `target`. */
  put(entry: number, target: Uint8Array, at: number): number {
    const { offsets, bytes } = this.source!;
    return this.quoter(bytes, offsets[entry]!, offsets[entry + 1]!, target, at, this.column);
  }
}

/** Quotes a CSV field where it must be. `alone`: the table has one column. Throws CSV_UNWRITABLE when it must be and quotes are disabled. */
export function csvQuoter(format: CsvFormat, alone: boolean): StringQuoter {
  const delimiter = format.delimiter.charCodeAt(0);
  const quote = format.quote === null ? -1 : format.quote.charCodeAt(0);
  const nullBytes = new TextEncoder().encode(format.nullLiteral ?? '');
  // Unquoted, it would read as NULL, or in a table of one column as no row at all.
  const quoteEmpty = format.nullLiteral === '' || alone;
  const looksNull = (from: Uint8Array, start: number, end: number): boolean => {
    if (end - start !== nullBytes.length || nullBytes.length === 0) return false;
    for (let i = 0; i < nullBytes.length; i++) if (from[start + i] !== nullBytes[i]) return false;
    return true;
  };
  return (from, start, end, bytes, at, column) => {
    let special = (start === end && quoteEmpty) || (format.allowComments && from[start] === 35);
    let to = at;
    for (let i = start; i < end && !special; i++) {
      const c = from[i]!;
      special = c === delimiter || c === quote || c === 10 || c === 13;
      bytes[to++] = c;
    }
    if (!special && !looksNull(from, start, end)) return to;
    if (quote < 0)
      throw new EngineError(
        'CSV_UNWRITABLE',
        `column ${column}: '${new TextDecoder().decode(from.subarray(start, end))}' cannot be written without quotes`,
        { hint: "remove 'csv.disable-quote-character', or choose another 'csv.field-delimiter' or 'csv.null-literal'" },
      );
    to = at;
    bytes[to++] = quote;
    for (let i = start; i < end; i++) {
      const c = from[i]!;
      if (c === quote) bytes[to++] = quote;
      bytes[to++] = c;
    }
    bytes[to++] = quote;
    return to;
  };
}

const HEX = new TextEncoder().encode('0123456789ABCDEF');
/** The letter behind the backslash of characters that have a short escape. */
const SHORT_ESCAPES: Record<number, number> = { 8: 98, 9: 116, 10: 110, 12: 102, 13: 114, 34: 34, 92: 92 };

/** A JSON string. */
export const jsonQuoter: StringQuoter = (from, start, end, bytes, at) => {
  bytes[at++] = 34;
  for (let i = start; i < end; i++) {
    const c = from[i]!;
    if (c >= 32 && c !== 34 && c !== 92) {
      bytes[at++] = c;
      continue;
    }
    bytes[at++] = 92;
    const short = SHORT_ESCAPES[c];
    if (short !== undefined) {
      bytes[at++] = short;
      continue;
    }
    bytes[at++] = 117;
    bytes[at++] = 48;
    bytes[at++] = 48;
    bytes[at++] = HEX[c >> 4]!;
    bytes[at++] = HEX[c & 15]!;
  }
  bytes[at++] = 34;
  return at;
};
