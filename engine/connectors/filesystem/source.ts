// The filesystem source: which splits a table has, and which reader reads them.
import type { TableSpec } from '../../plan/exec-plan.ts';
import type { SourceConnector, SourceSplit } from '../connector.ts';
import { listFiles, type DataFile } from './files.ts';
import { checkColumns, readFooter } from './parquet-file.ts';
import { ParquetReader } from './parquet-reader.ts';
import { SplitQueueReader } from '../split-queue.ts';
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
    const positions =
      options.format === 'parquet'
        ? rowGroupPositions(table, files)
        : files.flatMap((file) => (file.size === 0 ? [] : byteRanges(options, file)));
    const last = positions.at(-1);
    if (options.replay !== null && last !== undefined) last['last'] = true;
    return positions.map((position, ordinal): SourceSplit => ({
      id: splitId(position),
      ordinal,
      group: String(position['file']),
      position,
    }));
  },

  createReader(context) {
    const options = filesystemTable(context.table);
    const format = options.format === 'parquet' ? new ParquetReader(context) : new TextReader(context, options);
    return new SplitQueueReader(format, context, options.replay);
  },
};

function rowGroupPositions(table: TableSpec, files: DataFile[]): Record<string, unknown>[] {
  const footers = files.map((file) => readFooter(file.path));
  checkColumns(table, footers);
  return footers.flatMap(({ path, groups }) => groups.map((_, group) => ({ file: path, group, row: 0 })));
}

function byteRanges(options: FilesystemTable, file: DataFile): Record<string, unknown>[] {
  // A quoted CSV field may hold newlines, and whether an offset is inside of quotes is known only from the file's start: such files are
  // read whole, as in Flink. JSON strings cannot hold a raw newline.
  const splittable = options.replay === null && (options.format === 'json' || options.csv.quote === null);
  const size = splittable ? SPLIT_BYTES : file.size;
  const count = Math.max(1, Math.round(file.size / size));
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((file.size * index) / count);
    return { file: file.path, start, end: Math.floor((file.size * (index + 1)) / count), offset: start };
  });
}

function splitId(position: Record<string, unknown>): string {
  const part = position['group'] ?? position['start'];
  return `${String(position['file'])}#${String(part)}`;
}
