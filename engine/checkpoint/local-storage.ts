// Checkpoint storage in a folder that JobManager and TaskManagers share: a laptop's disk, or a volume that all pods mount.
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileSystem } from '../storage/file-system.ts';
import { LocalFileSystem } from '../storage/local-file-system.ts';
import { LocalObjectStore } from '../storage/local-object-store.ts';
import { ObjectCheckpointStorage } from './object-checkpoint-storage.ts';
import { StateFolder } from './state-folder.ts';

export class LocalCheckpointStorage extends ObjectCheckpointStorage {
  /**
   * `root` is `flowjob.state.dir`: a path or a `file:` URI; made on first use. `writer` tells what this process writes from what all others do: it is
   * unique, ever.
   */
  constructor(
    root: string,
    fileSystem: FileSystem = new LocalFileSystem(),
    writer: string = randomBytes(8).toString('hex'),
  ) {
    const folder = resolve(localPath(root));
    const store = new LocalObjectStore(fileSystem, folder, writer);
    super({
      store,
      writer,
      pathOf: (key) => join(folder, key),
      savepointPath: (parent, name) => join(resolve(localPath(parent)), name),
      open: (directory) => {
        const path = resolve(folder, localPath(directory));
        if (path.startsWith(folder + sep)) return new StateFolder(store, keyOf(path.slice(folder.length + 1)), path);
        // A savepoint may be anywhere: folders outside of the state's root have a store of their own.
        const parent = new LocalObjectStore(fileSystem, dirname(path), writer);
        return new StateFolder(parent, keyOf(basename(path)), path);
      },
    });
  }
}

const keyOf = (path: string): string => `${path.replaceAll(sep, '/')}/`;

/** The path behind a `file:` URI; a plain path as it is. */
function localPath(uriOrPath: string): string {
  return uriOrPath.startsWith('file:') ? fileURLToPath(uriOrPath) : uriOrPath;
}
