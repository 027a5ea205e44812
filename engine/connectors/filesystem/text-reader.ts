// Reads CSV and JSON lines: byte ranges of files in chunks, whole rows to the parser, faults to errors that name file and line.
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { compileCsvParser } from '../../codegen/ingest-csv.ts';
import { BatchSink, RowFault, type RowParser } from '../../codegen/ingest-columns.ts';
import { compileJsonParser } from '../../codegen/ingest-json.ts';
import type { ColumnBatch } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import type { ReaderContext } from '../connector.ts';
import { fileError, lineAt } from './files.ts';
import type { FormatReader } from '../split-queue.ts';
import type { FilesystemTable } from './table.ts';

/** Small enough to stay in a core's cache between reading and parsing. */
export const CHUNK_BYTES = 256 * 1024;
/** A row longer than this is taken for a missing closing quote or a file that is no text. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;
/** Parsers look ahead by whole words. */
const SLACK = 64;

/**
 * Position of a text split: the rows that start in `[start, end)` of `file`, from the row at `offset` on. `offset == start > 0` means that
 * nothing is read yet, and that the first row begins behind the first newline at or after `start - 1`.
 */
export interface TextPosition {
  file: string;
  start: number;
  end: number;
  offset: number;
}

export class TextReader implements FormatReader {
  private readonly context: ReaderContext;
  private readonly table: FilesystemTable;
  private readonly chunkBytes: number;
  private readonly sink: BatchSink;
  private readonly parser: RowParser;
  private bytes: Uint8Array;
  private view: DataView;
  private descriptor: number | null = null;
  private file = '';
  private end = 0;
  /** File offset of bytes[0]; bytes[from, filled) is what is read and not parsed. */
  private base = 0;
  private from = 0;
  private filled = 0;
  /** The last byte of the file is in the buffer. */
  private atEnd = false;

  constructor(context: ReaderContext, table: FilesystemTable, chunkBytes = CHUNK_BYTES) {
    this.context = context;
    this.table = table;
    this.chunkBytes = chunkBytes;
    this.sink = new BatchSink(context.outputSchema);
    const { columns } = this.sink;
    this.parser =
      table.format === 'csv'
        ? compileCsvParser(context.table.schema, context.projection, columns, table.csv)
        : compileJsonParser(columns, table.json);
    this.bytes = new Uint8Array(chunkBytes + SLACK);
    this.view = new DataView(this.bytes.buffer);
  }

  open(position: Record<string, unknown>): void {
    const { file, start, end, offset } = position as unknown as TextPosition;
    this.file = file;
    this.end = end;
    try {
      this.descriptor = openSync(file, 'r');
    } catch (error) {
      throw fileError(file, error);
    }
    const unaligned = offset === start && start > 0;
    const header = offset === 0 && this.table.format === 'csv' && this.table.csv.header;
    this.seek(unaligned ? start - 1 : offset);
    if (unaligned || header) this.skipLine();
  }

  next(limit: number): ColumnBatch | null {
    const { sink } = this;
    sink.begin(limit);
    while (sink.rows < limit && this.base + this.from < this.end) {
      const to = this.filled === this.from ? 0 : this.bytes.lastIndexOf(10, this.filled - 1) + 1;
      const stop = Math.min(to, this.end - this.base);
      if (to > this.from) {
        try {
          this.from = this.parser.parse(sink, this.bytes, this.view, this.from, to, stop, this.atEnd);
        } catch (error) {
          throw error instanceof RowFault ? this.badRow(error) : error;
        }
        if (sink.rows === limit || this.base + this.from >= this.end) break;
      }
      if (this.atEnd) break;
      this.fill();
    }
    if (sink.invalid > 0) {
      this.context.count('numInvalidRecords', sink.invalid);
      sink.invalid = 0;
    }
    return sink.rows === 0 ? null : sink.finish();
  }

  position(): Record<string, unknown> {
    return { offset: this.base + this.from };
  }

  close(): void {
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }

  private seek(offset: number): void {
    this.base = offset;
    this.from = 0;
    this.filled = 0;
    this.atEnd = false;
  }

  /** Goes behind the next newline. */
  private skipLine(): void {
    for (;;) {
      const newline = this.bytes.indexOf(10, this.from);
      if (newline >= 0 && newline < this.filled) {
        this.from = newline + 1;
        return;
      }
      this.from = this.filled;
      if (this.atEnd) return;
      this.fill();
    }
  }

  /** Reads on behind what is left in the buffer. At the end of the file the last row gets the newline that it may lack. */
  private fill(): void {
    this.bytes.copyWithin(0, this.from, this.filled);
    this.base += this.from;
    this.filled -= this.from;
    this.from = 0;
    if (this.filled + SLACK * 2 > this.bytes.length) this.grow();
    const room = this.bytes.length - SLACK - this.filled;
    // Behind the end of the split only its last row is wanted.
    const wanted = Math.max(this.end - this.base - this.filled, this.chunkBytes >> 2);
    let read: number;
    try {
      read = readSync(this.descriptor!, this.bytes, this.filled, Math.min(room, wanted), this.base + this.filled);
    } catch (error) {
      throw fileError(this.file, error);
    }
    this.filled += read;
    if (read > 0) return;
    this.atEnd = true;
    if (this.filled > 0 && this.bytes[this.filled - 1] !== 10) this.bytes[this.filled++] = 10;
  }

  private grow(): void {
    if (this.filled > MAX_ROW_BYTES)
      throw new EngineError(
        'ROW_TOO_LONG',
        `${basename(this.file)}, line ${lineAt(this.file, this.base)}: the row does not end within ${MAX_ROW_BYTES >> 20} MiB`,
        {
          position: { file: this.file, line: lineAt(this.file, this.base) },
          hint: 'look for a missing closing quote or a missing newline, and check that the file is text',
        },
      );
    const bytes = new Uint8Array(this.bytes.length * 2);
    bytes.set(this.bytes.subarray(0, this.filled));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  private badRow(fault: RowFault): EngineError {
    const { format } = this.table;
    const line = lineAt(this.file, this.base + fault.rowStart);
    const what =
      fault.column === null ? 'row' : format === 'csv' ? `column ${fault.column}:` : `field ${fault.column}:`;
    return new EngineError(
      format === 'csv' ? 'CSV_BAD_ROW' : 'JSON_BAD_ROW',
      `table ${this.context.table.name}: ${basename(this.file)}, line ${line}: ${what} '${fault.value}': ${fault.reason}`,
      {
        position: { file: this.file, line },
        hint: `correct the line, or set '${format}.ignore-parse-errors' = 'true' to go on without it`,
        cause: fault,
      },
    );
  }
}
