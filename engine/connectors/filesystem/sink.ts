// The filesystem sink, exactly once: hidden files in progress, made durable at a checkpoint, renamed when it has completed.
import { closeSync, fsync, mkdirSync, openSync, writeSync } from 'node:fs';
import { access, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileCsvEncoder, compileJsonEncoder, type RowEncoder } from '../../codegen/encode-rows.ts';
import { ByteBuffer } from '../../codegen/encode-values.ts';
import type { ColumnBatch } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import type { Schema } from '../../plan/types.ts';
import type { Committable, SinkConnector, SinkWriter, WriterContext } from '../connector.ts';
import { filesystemTable, type FilesystemTable } from './table.ts';

const FLUSH_BYTES = 256 * 1024;
const fsyncFile = promisify(fsync);

export const filesystemSink: SinkConnector = {
  describe(table, changelog) {
    const { format } = filesystemTable(table);
    if (changelog)
      throw new EngineError(
        'SINK_CHANGELOG',
        `Table sink '${table.name}' doesn't support consuming update and delete changes`,
        {
          hint: 'aggregate in windows, run the query in batch mode, or write to a print or blackhole table',
        },
      );
    if (format === 'parquet')
      throw new EngineError(
        'OPTION_INVALID',
        `table ${table.name}: option 'format' = 'parquet' can be read but not written`,
        {
          hint: "write 'format' = 'csv' or 'json'",
        },
      );
  },

  createWriter: (context) => new FileWriter(context, filesystemTable(context.table)),

  async commit(committables) {
    const directories = new Set<string>();
    for (const committable of committables) {
      const { base, from, to } = filePayload(committable);
      await publish(join(base, from), join(base, to));
      directories.add(base);
    }
    for (const directory of directories) await syncDirectory(directory);
  },

  async cleanUp(table, jobKey, epoch) {
    const { path } = filesystemTable(table);
    const pattern = new RegExp(
      `^\\.part-${escapeName(jobKey).replaceAll('.', '\\.')}-[^-]*-\\d+-\\d+-\\d+\\.inprogress\\.(\\d+)$`,
    );
    for (const name of await readdir(path).catch(ignoreMissing)) {
      const match = pattern.exec(name);
      if (match !== null && Number(match[1]) < epoch) await unlink(join(path, name)).catch(ignoreMissing);
    }
  },
};

/** A file name part: what is not a letter, digit, point or underscore becomes one. */
const escapeName = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]/g, '_');

function ignoreMissing(error: unknown): string[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}

function filePayload(committable: Committable): { base: string; from: string; to: string } {
  const { base, from, to } = committable.payload;
  if (typeof base !== 'string' || typeof from !== 'string' || typeof to !== 'string')
    throw new EngineError(
      'COMMITTABLE_INVALID',
      `not a committable of the filesystem connector: ${JSON.stringify(committable)}`,
    );
  return { base, from, to };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Renames, or sees that it is done. Never replaces a file: two attempts that meant the same name would lose rows. */
async function publish(from: string, to: string): Promise<void> {
  const [pending, done] = [await exists(from), await exists(to)];
  if (pending && done)
    throw new EngineError('SINK_CONFLICT', `${to} exists already, and ${from} was to become it`, {
      hint: 'another job writes to this directory under the same name: give each its own path',
      position: { file: to },
    });
  if (pending) await rename(from, to);
  else if (!done)
    throw new EngineError(
      'SINK_LOST',
      `${from} is gone and ${to} does not exist: the rows of a completed checkpoint are lost`,
      {
        hint: 'files in progress must not be removed while a job may be restored; restore from an older savepoint',
        position: { file: from },
      },
    );
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface FileInProgress {
  name: string;
  descriptor: number;
  rows: number;
  bytes: number;
}

/** The encoder of a table's format. */
export function rowEncoder(schema: Schema, table: FilesystemTable): RowEncoder {
  return table.format === 'csv' ? compileCsvEncoder(schema, table.csv) : compileJsonEncoder(schema, table.json);
}

class FileWriter implements SinkWriter {
  private readonly base: string;
  /** `part-<job key>-<operator>-<subtask>`. */
  private readonly stem: string;
  private readonly extension: string;
  private readonly rollingSize: number;
  private readonly context: WriterContext;
  private readonly encode: RowEncoder;
  private readonly buffer = new ByteBuffer();
  private sequence = 0;
  private current: FileInProgress | null = null;
  /** Full files of the checkpoint under way. */
  private full: FileInProgress[] = [];
  /** Prepared and on their way to the disk. */
  private readonly closing = new Set<FileInProgress>();
  private preparing: Promise<unknown> = Promise.resolve();
  private aborted = false;

  constructor(context: WriterContext, table: FilesystemTable) {
    this.context = context;
    this.base = table.path;
    this.stem = `part-${escapeName(context.jobKey)}-${context.operatorId.slice(0, 8)}-${context.subtask}`;
    this.extension = table.format;
    this.rollingSize = table.rollingSize;
    this.encode = rowEncoder(context.table.schema, table);
  }

  write(batch: ColumnBatch): void {
    if (batch.rows === 0) return;
    this.encode(batch, this.buffer);
    this.current ??= this.begin();
    this.current.rows += batch.rows;
    if (this.buffer.length >= FLUSH_BYTES) this.flush(this.current);
    if (this.current.bytes + this.buffer.length < this.rollingSize) return;
    this.flush(this.current);
    this.full.push(this.current);
    this.current = null;
  }

  async prepareCommit(checkpointId: number): Promise<Committable[]> {
    // All of this before the first await: rows written from now on belong to the next checkpoint.
    if (this.current !== null) {
      this.flush(this.current);
      this.full.push(this.current);
    }
    const files = this.full;
    this.full = [];
    this.current = null;
    for (const file of files) this.closing.add(file);
    const prepared = this.makeDurable(files, checkpointId);
    this.preparing = Promise.allSettled([this.preparing, prepared]);
    return prepared;
  }

  async abort(): Promise<void> {
    this.aborted = true;
    // A descriptor is closed once, and by nobody while it is being synced: its number may be another file's by then.
    await this.preparing;
    const files = [...this.full, ...this.closing, ...(this.current === null ? [] : [this.current])];
    this.full = [];
    this.current = null;
    this.closing.clear();
    this.buffer.length = 0;
    for (const file of files) {
      closeSync(file.descriptor);
      await unlink(join(this.base, file.name)).catch(ignoreMissing);
    }
  }

  private async makeDurable(files: FileInProgress[], checkpointId: number): Promise<Committable[]> {
    // The epoch makes names unique over attempts, whose checkpoint ids may repeat.
    const final = `${this.stem}-${this.context.epoch}-${checkpointId}`;
    const committables: Committable[] = [];
    for (const [index, file] of files.entries()) {
      await fsyncFile(file.descriptor);
      if (this.aborted) return [];
      this.closing.delete(file);
      closeSync(file.descriptor);
      committables.push({
        connector: 'filesystem',
        payload: {
          base: this.base,
          from: file.name,
          to: `${final}${index === 0 ? '' : `-${index}`}.${this.extension}`,
          rows: file.rows,
          bytes: file.bytes,
        },
      });
    }
    if (files.length > 0) await syncDirectory(this.base);
    return committables;
  }

  private begin(): FileInProgress {
    mkdirSync(this.base, { recursive: true });
    for (;;) {
      const name = `.${this.stem}-${this.context.attempt}-${this.sequence++}.inprogress.${this.context.epoch}`;
      try {
        return { name, descriptor: openSync(join(this.base, name), 'wx'), rows: 0, bytes: 0 };
      } catch (error) {
        // Left by a run whose epochs and attempts were counted from 1 again: it is not ours to replace.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  private flush(file: FileInProgress): void {
    const { bytes, length } = this.buffer;
    for (let at = 0; at < length;) at += writeSync(file.descriptor, bytes, at, length - at);
    file.bytes += length;
    this.buffer.length = 0;
  }
}
