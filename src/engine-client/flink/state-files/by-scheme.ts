// Files wherever a path says that they are: a job whose state is on S3 may start from a savepoint on a volume.
import { isS3, type S3Access } from '../../../api/s3.ts';
import type { StateFiles } from './port.ts';
import { volumeFiles } from './volume.ts';

/** `access`: how S3 is reached, undefined where nothing is there. The client is read only where it is needed: it is larger than all the rest. */
export async function stateFiles(access: S3Access | undefined): Promise<StateFiles> {
  if (access === undefined) return volumeFiles;
  const { S3Files } = await import('./s3.ts');
  const s3 = new S3Files(access);
  const at = (path: string): StateFiles => (isS3(path) ? s3 : volumeFiles);
  return {
    folders: async (folder) => at(folder).folders(folder),
    start: async (file, bytes, from) => at(file).start(file, bytes, from),
    remove: async (folder) => at(folder).remove(folder),
    removeEmpty: async (folder) => at(folder).removeEmpty(folder),
  };
}
