// Flink's files on a volume.
import type { Dirent } from 'node:fs';
import { open, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStart, StateFiles } from './port.ts';

export const volumeFiles: StateFiles = {
  async folders(folder) {
    return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  },

  async start(file, bytes, from = 0): Promise<FileStart | null> {
    const handle = await open(file).catch(absent);
    if (handle === null) return null;
    try {
      const { size, mtimeMs } = await handle.stat();
      const content = Buffer.alloc(Math.max(0, Math.min(bytes, size - from)));
      const { bytesRead } = await handle.read(content, 0, content.length, from);
      return { content: content.subarray(0, bytesRead), at: mtimeMs };
    } finally {
      await handle.close();
    }
  },

  async remove(folder) {
    await rm(folder, { recursive: true, force: true });
  },

  async removeEmpty(folder) {
    await rmdir(folder).catch(() => undefined);
  },
};

const entriesOf = async (folder: string): Promise<Dirent[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(absent)) ?? [];

function absent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
  throw error;
}
