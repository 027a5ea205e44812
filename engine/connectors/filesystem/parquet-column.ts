// One column chunk of a Parquet row group as a stream of pages: read, decompressed and decoded one at a time, so that memory stays small.
import { readSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ColumnMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';

type ColumnDecoder = Parameters<typeof readDataPage>[2];
type PageHeader = ReturnType<typeof parquetHeader>;
type Compressors = NonNullable<Parameters<typeof decompressPage>[3]>;
export type PageValues = ReturnType<typeof readPlain>;

/** Codecs beyond hyparquet's own (none and Snappy). */
const compressors: Compressors = {
  ZSTD: (input, size) => exact(zstdDecompressSync(input, { maxOutputLength: size + 1 })),
  GZIP: (input, size) => exact(gunzipSync(input, { maxOutputLength: size + 1 })),
  BROTLI: (input, size) => exact(brotliDecompressSync(input, { maxOutputLength: size + 1 })),
};
const exact = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

/** Values of a page: not NULL rows only, in order. */
export interface DataPage {
  rows: number;
  /** Per row, 0 for NULL; null when no row is NULL. */
  levels: ArrayLike<number> | null;
  /** Indexes into the chunk's dictionary; null for a plain page. */
  codes: ArrayLike<number> | null;
  /** Of a plain page. */
  values: PageValues | null;
}

/** Bytes read at a time, at least: a header and, mostly, its page. */
const WINDOW = 256 * 1024;

/** Reads the pages of one column chunk. Throws plain errors; the caller says which file, row group and column. */
export class PageStream {
  private readonly file: number;
  private readonly decoder: ColumnDecoder;
  private at: number;
  private readonly end: number;
  private window = new Uint8Array(0);
  /** File offset of window[0]. */
  private windowStart = 0;
  private readonly onDictionary: (values: PageValues) => void;

  constructor(file: number, chunk: ColumnMetaData, path: SchemaTree[], onDictionary: (values: PageValues) => void) {
    this.file = file;
    this.onDictionary = onDictionary;
    // Some writers say 0 when there is no dictionary.
    const dictionary = Number(chunk.dictionary_page_offset ?? 0);
    this.at = dictionary > 0 ? Math.min(dictionary, Number(chunk.data_page_offset)) : Number(chunk.data_page_offset);
    this.end = this.at + Number(chunk.total_compressed_size);
    const element = path[path.length - 1]!.element;
    this.decoder = {
      pathInSchema: chunk.path_in_schema,
      type: chunk.type,
      element,
      schemaPath: path,
      codec: chunk.codec,
      compressors,
      parsers: {} as ColumnDecoder['parsers'],
    };
  }

  /** The next data page; null behind the last one. */
  next(): DataPage | null {
    while (this.at < this.end) {
      const { header, body } = this.read();
      if (header.type === 'DICTIONARY_PAGE') {
        const info = header.dictionary_page_header;
        if (info === undefined) throw new Error('a dictionary page has no header');
        const page = decompressPage(body, header.uncompressed_page_size, this.decoder.codec, compressors);
        const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
        const { type, element } = this.decoder;
        this.onDictionary(readPlain({ view, offset: 0 }, type, info.num_values, element.type_length));
      } else if (header.type === 'DATA_PAGE') {
        const info = header.data_page_header;
        if (info === undefined) throw new Error('a data page has no header');
        const page = decompressPage(body, header.uncompressed_page_size, this.decoder.codec, compressors);
        const { definitionLevels, dataPage } = readDataPage(page, info, this.decoder);
        return dataPageOf(info.num_values, info.encoding, definitionLevels, dataPage);
      } else if (header.type === 'DATA_PAGE_V2') {
        const info = header.data_page_header_v2;
        if (info === undefined) throw new Error('a data page has no header');
        const { definitionLevels, dataPage } = readDataPageV2(body, header, this.decoder);
        const levels = info.num_nulls === 0 ? undefined : definitionLevels;
        return dataPageOf(info.num_values, info.encoding, levels, dataPage);
      }
    }
    return null;
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

function dataPageOf(
  rows: number,
  encoding: string,
  levels: ArrayLike<number> | undefined,
  values: PageValues,
): DataPage {
  const coded = encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY';
  return {
    rows,
    levels: levels === undefined || levels.length === 0 ? null : levels,
    codes: coded ? (values as ArrayLike<number>) : null,
    values: coded ? null : values,
  };
}
