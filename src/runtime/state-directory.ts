// Where a job's state is below the root of all states, or below the folder that its spec names.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isS3 } from '../api/s3.ts';

/** A folder of each job's own, so that jobs whose specs name the same URI do not fence each other off. */
export function stateDirectory(root: string, name: string, uri: string | undefined): string {
  if (uri === undefined) return resolve(root, name);
  if (isS3(uri)) return `${uri.replace(/\/$/, '')}/${name}`;
  return join(fileURLToPath(uri), name);
}
