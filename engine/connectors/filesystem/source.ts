// The filesystem source: which splits a table has, and which reader reads them.
import { isAbsolute, join, relative, sep } from 'node:path';
import { EngineError } from '../../errors.ts';
import type { TableSpec } from '../../plan/exec-plan.ts';
import type { SourceConnector, SourceSplit, SplitSize } from '../connector.ts';
import { constantRate } from '../rate-schedule.ts';
import { fileSize, listFiles, type DataFile } from './files.ts';
import { checkColumns, readFooter } from './parquet-file.ts';
import { ParquetReader } from './parquet-reader.ts';
import { SplitQueueReader, type FormatReader } from '../split-queue.ts';
import { filesystemTable, type FilesystemTable } from './table.ts';
import { TextReader } from './text-reader.ts';

/** Bytes per split of a text file that can be split. */
export const SPLIT_BYTES = 16 * 1024 * 1024;

export const filesystemSource: SourceConnector = {
  describe(table) {
    const { replay } = filesystemTable(table);
    return replay === null
      ? { boundedness: 'BOUNDED', maxParallelism: 128 }
      : { boundedness: 'UNBOUNDED', maxParallelism: 1 };
  },

  async discoverSplits(table) {
    const options = filesystemTable(table);
    const files = await listFiles(table, options.path);
    const name = (path: string): string => nameBelow(options.path, path);
    const positions =
      options.format === 'parquet'
        ? rowGroupPositions(table, files, name)
        : files.flatMap((file) => (file.size === 0 ? [] : byteRanges(options, file, name(file.path))));
    const last = positions.at(-1);
    if (options.replay !== null && last !== undefined) last['last'] = true;
    return positions.map((position, ordinal): SourceSplit => ({
      id: splitId(position),
      ordinal,
      group: String(position['file']),
      position,
    }));
  },

  async checkSplits(table, splits) {
    const { path, format } = filesystemTable(table);
    const ends = new Map<string, number>();
    for (const { position } of splits) {
      if (formatOf(position) !== (position['format'] === undefined && format !== 'parquet' ? 'text' : format))
        throw changed(table, `its positions are in ${describeFormat(position)}, the table's format is ${format}`);
      const file = fileAt(path, position);
      ends.set(file, Math.max(ends.get(file) ?? 0, Number(position['end'] ?? 0)));
    }
    for (const [file, end] of ends) {
      const size = await fileSize(file);
      if (size === null) throw changed(table, `${file}, of which it has read a part, does not exist`);
      if (size < end) throw changed(table, `${file} has ${size} bytes; when it was read it had ${end}`);
    }
  },

  createReader(context) {
    const options = filesystemTable(context.table);
    const format = options.format === 'parquet' ? new ParquetReader(context) : new TextReader(context, options);
    const { replay } = options;
    return new SplitQueueReader(locating(format, options.path), context, {
      replay: replay && {
        schedule: constantRate(replay.rate),
        readers: 1,
        keepsPace: false,
        onEnd: replay.onEnd,
      },
      sizeOf,
    });
  },

  sizeOf,
};

/** Rows of a row group, bytes of a text. Of a row group in an older checkpoint nothing is known. */
function sizeOf({ position }: SourceSplit): SplitSize | null {
  if (formatOf(position) === 'parquet')
    return typeof position['rows'] === 'number' ? { rows: position['rows'] - Number(position['row']) } : null;
  return { bytes: Math.max(0, Number(position['end']) - Number(position['offset'])) };
}

/** A file's name in positions: relative to the table's path, with `/`; empty when the path is the file itself. */
function nameBelow(path: string, file: string): string {
  return relative(path, file).replaceAll(sep, '/');
}

/** The file of a position. Version 1 of the savepoint format held absolute paths. */
function fileAt(path: string, position: Record<string, unknown>): string {
  const file = String(position['file']);
  if (file === '') return path;
  return isAbsolute(file) ? file : join(path, file);
}

/** Gives a reader the place of the file in each position. */
function locating(format: FormatReader, path: string): FormatReader {
  return {
    open: (position) => format.open({ ...position, file: fileAt(path, position) }),
    next: (limit) => format.next(limit),
    position: () => format.position(),
    close: () => format.close(),
  };
}

/** The format that a position is of: `text` of one that version 1 wrote, which did not say which. Null: not of this connector. */
function formatOf(position: Record<string, unknown>): string | null {
  if (typeof position['file'] !== 'string') return null;
  if (position['group'] !== undefined) return 'parquet';
  return typeof position['format'] === 'string' ? position['format'] : 'text';
}

function describeFormat(position: Record<string, unknown>): string {
  const format = formatOf(position);
  return format === null ? 'something that is no file' : `${format} files`;
}

function changed(table: TableSpec, what: string): EngineError {
  return new EngineError(
    'SOURCE_CHANGED',
    `table ${table.name} cannot be read on from the restored positions: ${what}`,
    {
      hint: 'restore its definition and files, or give the table another name: it is then read from its beginning',
    },
  );
}

function rowGroupPositions(
  table: TableSpec,
  files: DataFile[],
  name: (path: string) => string,
): Record<string, unknown>[] {
  const footers = files.map((file) => readFooter(file.path));
  checkColumns(table, footers);
  return footers.flatMap(({ path, groups }) =>
    groups.map(({ rows }, group) => ({ file: name(path), group, row: 0, rows })),
  );
}

function byteRanges(options: FilesystemTable, file: DataFile, name: string): Record<string, unknown>[] {
  // A quoted CSV field may hold newlines, and whether an offset is inside of quotes is known only from the file's start: such files are
  // read whole, as in Flink. JSON strings cannot hold a raw newline.
  const splittable = options.replay === null && (options.format === 'json' || options.csv.quote === null);
  const size = splittable ? SPLIT_BYTES : file.size;
  const count = Math.max(1, Math.round(file.size / size));
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((file.size * index) / count);
    const end = Math.floor((file.size * (index + 1)) / count);
    return { file: name, format: options.format, start, end, offset: start };
  });
}

function splitId(position: Record<string, unknown>): string {
  const part = position['group'] ?? position['start'];
  return `${String(position['file'])}#${String(part)}`;
}
