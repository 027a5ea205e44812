// One process at a time makes a thing that is kept in the cache; the others wait for it.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeLock } from '../../src/store/local/process-lock.ts';
import { until } from './until.ts';

export async function buildLock(file: string, log: (line: string) => void): Promise<{ release: () => void }> {
  mkdirSync(dirname(file), { recursive: true });
  const attempt = takeLock(file);
  if ('release' in attempt) return attempt;
  log(`process ${attempt.holder.pid} is building already: waiting for it`);
  return until(
    'the other build ends',
    () => {
      const again = takeLock(file);
      return 'release' in again ? again : null;
    },
    { seconds: 3600, every: 500 },
  );
}
