// Finding the files of a table, and telling where in a file something is wrong.
import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import type { TableSpec } from '../../plan/exec-plan.ts';

export interface DataFile {
  path: string;
  size: number;
}

/** Names that start so are not data: files in progress, markers. */
export const isHidden = (name: string): boolean => name.startsWith('.') || name.startsWith('_');

/** The file `path`, or all files under the directory `path`, sorted by path. Hidden files and directories are not data. */
export async function listFiles(table: TableSpec, path: string): Promise<DataFile[]> {
  let info;
  try {
    info = await stat(path);
  } catch (cause) {
    throw new EngineError(
      'SOURCE_PATH',
      `table ${table.name}: 'path' = '${table.options['path']}': ${path} cannot be read`,
      {
        hint: (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file or directory' : String(cause),
        cause,
      },
    );
  }
  if (info.isFile()) return [{ path, size: info.size }];
  const files: DataFile[] = [];
  await collect(path, files);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function collect(directory: string, into: DataFile[]): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (isHidden(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await collect(path, into);
    else {
      const info = await stat(path);
      if (info.isFile()) into.push({ path, size: info.size });
    }
  }
}

/** Bytes; null when there is no such file. */
export async function fileSize(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(path, error);
  }
}

/** Line of the byte at `offset`, from 1. Reads the file up to there: for error messages. */
export function lineAt(path: string, offset: number): number {
  const file = openSync(path, 'r');
  const chunk = new Uint8Array(1 << 20);
  let line = 1;
  try {
    for (let at = 0; at < offset;) {
      const read = readSync(file, chunk, 0, Math.min(chunk.length, offset - at), at);
      if (read === 0) break;
      for (let i = chunk.indexOf(10); i >= 0 && i < read; i = chunk.indexOf(10, i + 1)) line++;
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return line;
}

/** Wraps what the operating system says about a file. */
export function fileError(path: string, cause: unknown): EngineError {
  return new EngineError('SOURCE_FILE', `${basename(path)} cannot be read: ${(cause as Error).message}`, {
    position: { file: path },
    hint: 'check that the file still exists and may be read',
    cause,
  });
}
