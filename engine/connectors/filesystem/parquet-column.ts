// One column chunk of a Parquet row group as a stream of pages: read, decompressed and decoded one at a time, so that memory stays small.
import { readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompress } from './parquet-compression.ts';
import { PageBytes, readHybrid, readValues, type PageValues } from './parquet-encodings.ts';

type PageHeader = ReturnType<typeof parquetHeader>;

/** Values of a page: not NULL rows only, in order. */
export interface DataPage {
  rows: number;
  /** Per row, 0 for NULL; null when no row is NULL. */
  levels: Int32Array | null;
  /** Indexes into the chunk's dictionary; null for a plain page. */
  codes: Int32Array | null;
  /** Of a page without codes. */
  values: PageValues | null;
}

/** Bytes read at a time, at least: a header and, mostly, its page. */
const WINDOW = 256 * 1024;

/** Reads the pages of one column chunk of `rows` rows. Throws plain errors; the caller says which file, row group and column. */
export class PageStream {
  private readonly file: number;
  private readonly chunk: ColumnMetaData;
  private readonly element: SchemaElement;
  private readonly onDictionary: (values: PageValues) => void;
  private rowsLeft: number;
  private at: number;
  private readonly end: number;
  private window = new Uint8Array(0);
  /** File offset of window[0]. */
  private windowStart = 0;

  constructor(
    file: number,
    chunk: ColumnMetaData,
    element: SchemaElement,
    rows: number,
    onDictionary: (values: PageValues) => void,
  ) {
    this.file = file;
    this.chunk = chunk;
    this.element = element;
    this.onDictionary = onDictionary;
    this.rowsLeft = rows;
    // Some writers say 0 when there is no dictionary.
    const dictionary = Number(chunk.dictionary_page_offset ?? 0);
    this.at = dictionary > 0 ? Math.min(dictionary, Number(chunk.data_page_offset)) : Number(chunk.data_page_offset);
    this.end = this.at + Number(chunk.total_compressed_size);
  }

  /** The next data page; null behind the last one. */
  next(): DataPage | null {
    while (this.at < this.end) {
      const { header, body } = this.read();
      if (header.crc !== undefined && crc32(body) !== header.crc >>> 0)
        throw new Error("a page's checksum does not match");
      if (header.type === 'DICTIONARY_PAGE') this.dictionaryPage(header, body);
      else if (header.type === 'DATA_PAGE') return this.dataPage(header, body);
      else if (header.type === 'DATA_PAGE_V2') return this.dataPageV2(header, body);
      else if (header.type !== 'INDEX_PAGE') throw new Error('a page is of an unknown type');
    }
    return null;
  }

  private dictionaryPage(header: PageHeader, body: Uint8Array): void {
    const { num_values: count } = part(header.dictionary_page_header);
    const page = decompress(this.chunk.codec, body, header.uncompressed_page_size);
    // Even empty strings take four bytes: what cannot fit need not be allocated.
    if (!(count >= 0 && count <= page.length * 8))
      throw new Error(`a dictionary of ${count} values does not fit its page`);
    this.onDictionary(readValues(new PageBytes(page), 'PLAIN', this.chunk.type, count, this.element.type_length));
  }

  private dataPage(header: PageHeader, body: Uint8Array): DataPage {
    const info = part(header.data_page_header);
    const rows = this.rowsOf(info.num_values);
    const page = new PageBytes(decompress(this.chunk.codec, body, header.uncompressed_page_size));
    let levels: Int32Array | null = null;
    if (this.element.repetition_type !== 'REQUIRED') {
      if (info.definition_level_encoding !== 'RLE')
        throw new Error('a page has levels in an encoding of old, BIT_PACKED');
      const size = page.view.getUint32(page.take(4), true);
      const start = page.take(size);
      levels = readHybrid(new PageBytes(page.bytes.subarray(start, start + size)), 1, rows);
    }
    return this.values(page, info.encoding, rows, levels);
  }

  private dataPageV2(header: PageHeader, body: Uint8Array): DataPage {
    const info = part(header.data_page_header_v2);
    const rows = this.rowsOf(info.num_values);
    const levelBytes = info.definition_levels_byte_length;
    const first = info.repetition_levels_byte_length + levelBytes;
    if (info.num_rows !== rows || !(levelBytes >= 0 && first >= levelBytes && first <= body.length))
      throw new Error('the header of a page contradicts itself');
    let levels: Int32Array | null = null;
    if (this.element.repetition_type !== 'REQUIRED' && levelBytes > 0)
      levels = readHybrid(new PageBytes(body.subarray(first - levelBytes, first)), 1, rows);
    // A piece of its own is aligned.
    const rest = body.slice(first);
    const codec = info.is_compressed ? this.chunk.codec : 'UNCOMPRESSED';
    // Nothing at all need not be compressed.
    const page = rest.length === 0 ? rest : decompress(codec, rest, header.uncompressed_page_size - first);
    return this.values(new PageBytes(page), info.encoding, rows, levels, info.num_nulls);
  }

  private values(page: PageBytes, encoding: string, rows: number, levels: Int32Array | null, nulls?: number): DataPage {
    let count = rows;
    if (levels !== null) {
      count = 0;
      for (let row = 0; row < rows; row++) count += levels[row]!;
    }
    if (nulls !== undefined && rows - count !== nulls)
      throw new Error(`a page has ${rows - count} NULLs where its header says ${nulls}`);
    const kept = count === rows ? null : levels;
    if (encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY') {
      const codes = count === 0 ? new Int32Array(0) : readHybrid(page, page.bytes[page.take(1)]!, count);
      return { rows, levels: kept, codes, values: null };
    }
    const values = readValues(page, encoding, this.chunk.type, count, this.element.type_length);
    return { rows, levels: kept, codes: null, values };
  }

  /** The rows of the page, which is one of those that are left. Of columns that do not repeat, values are rows. */
  private rowsOf(count: number): number {
    if (!(count >= 0 && count <= this.rowsLeft))
      throw new Error(`a page has ${count} rows where ${this.rowsLeft} of the row group are left`);
    this.rowsLeft -= count;
    return count;
  }

  /** Header and compressed bytes of the page at `at`, and goes behind it. */
  private read(): { header: PageHeader; body: Uint8Array } {
    this.need(Math.min(WINDOW >> 2, this.end - this.at));
    const start = this.at - this.windowStart;
    const reader = { view: new DataView(this.window.buffer, start, this.window.length - start), offset: 0 };
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    if (!(size >= 0) || this.at + reader.offset + size > this.end)
      throw new Error(`a page of ${size} bytes goes beyond its column chunk`);
    this.at += reader.offset;
    this.need(size);
    const from = this.at - this.windowStart;
    this.at += size;
    // Decoders make views: a fresh piece is aligned, and stays when the window moves on.
    return { header, body: this.window.slice(from, from + size) };
  }

  private need(bytes: number): void {
    const have = this.windowStart + this.window.length - this.at;
    if (this.window.length > 0 && have >= bytes) return;
    const size = Math.min(Math.max(bytes, WINDOW), this.end - this.at);
    const window = new Uint8Array(size);
    for (let read = 0; read < size;) {
      const more = readSync(this.file, window, read, size - read, this.at + read);
      if (more === 0) throw new Error('the file ends within a column chunk');
      read += more;
    }
    this.window = window;
    this.windowStart = this.at;
  }
}

/** The part of a page header that goes with its type. */
function part<T>(info: T | undefined): T {
  if (info === undefined) throw new Error('the header of a page is incomplete');
  return info;
}
