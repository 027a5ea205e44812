// Where things are kept that are made once and are too large for the repository.
import { homedir } from 'node:os';
import { join } from 'node:path';

export function cacheFolder(...names: string[]): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'flowjob', ...names);
}
