// The filesystem sink, exactly once: hidden files in progress, made durable at a checkpoint, renamed when it has completed.
import { basename, join } from 'node:path';
import { compileCsvEncoder, compileJsonEncoder, type RowEncoder } from '../../codegen/encode-rows.ts';
import { ByteBuffer } from '../../codegen/encode-values.ts';
import { compareAttempts, parseAttemptTag } from '../../checkpoint/attempt.ts';
import type { ColumnBatch } from '../../columnar/batch.ts';
import { EngineError } from '../../errors.ts';
import type { Schema } from '../../plan/types.ts';
import type { FileSystem, OpenFile } from '../../storage/file-system.ts';
import { isExisting } from '../../storage/local-file-system.ts';
import type { Committable, Committer, SinkConnector, SinkWriter, WriterContext } from '../connector.ts';
import { filesystemTable, type FilesystemTable } from './table.ts';

const FLUSH_BYTES = 256 * 1024;

export const filesystemSink = (fileSystem: FileSystem): SinkConnector => ({
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

  createWriter: (context) => new FileWriter(fileSystem, context, filesystemTable(context.table)),

  committer: filesystemCommitter(fileSystem),

  async cleanUp(table, jobKey, attempt, execution) {
    const { path } = filesystemTable(table);
    const pattern = new RegExp(
      `^\\.part-${escapeName(jobKey).replaceAll('.', '\\.')}-[^-]*-\\d+-(\\d+)-\\d+\\.inprogress\\.([\\d.]+)$`,
    );
    for (const name of await fileSystem.list(path)) {
      const match = pattern.exec(name);
      const writer = match === null ? null : parseAttemptTag(match[2]!);
      if (writer === null) continue;
      const order = compareAttempts(writer, attempt);
      if (order < 0 || (order === 0 && Number(match![1]) < execution)) await fileSystem.remove(join(path, name));
    }
  },
});

const filesystemCommitter = (fileSystem: FileSystem): Committer => ({
  place: (table) => filesystemTable(table).path,

  async commit(folder, committables) {
    for (const committable of committables) {
      const { from, to } = filePayload(committable);
      await publish(fileSystem, join(folder, from), join(folder, to));
    }
    await fileSystem.syncDirectory(folder);
  },

  async holds(folder, committable) {
    const { from, to } = filePayload(committable);
    return (await fileSystem.size(join(folder, from))) !== null || (await fileSystem.size(join(folder, to))) !== null;
  },

  isEmpty: async (folder) => (await fileSystem.list(folder)).length === 0,

  formerPlace: ({ payload: { base } }) => (typeof base === 'string' ? base : null),
});

/** A file name part: what is not a letter, digit, point or underscore becomes one. */
const escapeName = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]/g, '_');

function filePayload(committable: Committable): { from: string; to: string } {
  const { from, to } = committable.payload;
  // Names, so that nothing outside of the folder is touched.
  if (typeof from !== 'string' || typeof to !== 'string' || basename(from) !== from || basename(to) !== to)
    throw new EngineError(
      'COMMITTABLE_INVALID',
      `not a committable of the filesystem connector: ${JSON.stringify(committable)}`,
    );
  return { from, to };
}

/** Renames, or sees that it is done. Never replaces a file: two attempts that meant the same name would lose rows. */
async function publish(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  const [pending, done] = [(await fileSystem.size(from)) !== null, (await fileSystem.size(to)) !== null];
  if (pending && done)
    throw new EngineError('SINK_CONFLICT', `${to} exists already, and ${from} was to become it`, {
      hint: 'another job writes to this directory under the same name: give each its own path',
      position: { file: to },
    });
  if (pending) await fileSystem.rename(from, to);
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

interface FileInProgress {
  name: string;
  file: OpenFile;
  rows: number;
  bytes: number;
  /** Synced, then closed: from when it is full, so that no more are open than those on their way. Null while it is written. */
  sealed: Promise<void> | null;
}

/** The encoder of a table's format. */
export function rowEncoder(schema: Schema, table: FilesystemTable): RowEncoder {
  return table.format === 'csv' ? compileCsvEncoder(schema, table.csv) : compileJsonEncoder(schema, table.json);
}

class FileWriter implements SinkWriter {
  private readonly fileSystem: FileSystem;
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

  constructor(fileSystem: FileSystem, context: WriterContext, table: FilesystemTable) {
    this.fileSystem = fileSystem;
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
    this.seal(this.current);
  }

  async prepareCommit(checkpointId: number): Promise<Committable[]> {
    // All of this before the first await: rows written from now on belong to the next checkpoint.
    if (this.current !== null) this.seal(this.current);
    const files = this.full;
    this.full = [];
    for (const file of files) this.closing.add(file);
    const prepared = this.makeDurable(files, checkpointId);
    this.preparing = Promise.allSettled([this.preparing, prepared]);
    return prepared;
  }

  async abort(): Promise<void> {
    this.aborted = true;
    // Nobody closes a file while it is being synced.
    await this.preparing;
    const files = [...this.full, ...this.closing, ...(this.current === null ? [] : [this.current])];
    this.full = [];
    this.current = null;
    this.closing.clear();
    this.buffer.length = 0;
    for (const { file, name, sealed } of files) {
      const closed = await sealed?.then(
        () => true,
        () => false,
      );
      if (closed !== true) await file.close();
      await this.fileSystem.remove(join(this.base, name));
    }
  }

  private async makeDurable(files: FileInProgress[], checkpointId: number): Promise<Committable[]> {
    // The attempt makes names unique: checkpoint ids of two attempts may be the same.
    const final = `${this.stem}-${this.context.attemptTag}-${checkpointId}`;
    const committables: Committable[] = [];
    for (const [index, written] of files.entries()) {
      await written.sealed;
      if (this.aborted) return [];
      this.closing.delete(written);
      committables.push({
        connector: 'filesystem',
        operatorId: this.context.operatorId,
        payload: {
          from: written.name,
          to: `${final}${index === 0 ? '' : `-${index}`}.${this.extension}`,
          rows: written.rows,
          bytes: written.bytes,
        },
      });
    }
    if (files.length > 0) await this.fileSystem.syncDirectory(this.base);
    return committables;
  }

  private begin(): FileInProgress {
    this.fileSystem.makeDirectorySync(this.base);
    for (;;) {
      const name = `.${this.stem}-${this.context.attempt}-${this.sequence++}.inprogress.${this.context.attemptTag}`;
      try {
        const file = this.fileSystem.createSync(join(this.base, name), { exclusive: true });
        return { name, file, rows: 0, bytes: 0, sealed: null };
      } catch (error) {
        // Left by a run whose epochs and attempts were counted from 1 again: it is not ours to replace.
        if (!isExisting(error)) throw error;
      }
    }
  }

  private seal(written: FileInProgress): void {
    this.flush(written);
    written.sealed = written.file.sync().then(async () => written.file.close());
    // It is waited for at the checkpoint; a failure until then is not an unhandled one.
    written.sealed.catch(() => undefined);
    this.full.push(written);
    this.current = null;
  }

  private flush(written: FileInProgress): void {
    const { bytes, length } = this.buffer;
    written.file.appendSync(bytes.subarray(0, length));
    written.bytes += length;
    this.buffer.length = 0;
  }
}
