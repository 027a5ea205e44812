// Where the cluster that `npm run cluster` starts keeps everything that it writes. There is one per machine: bridge and addresses have fixed names.
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { takeLock } from '../../src/store/local/process-lock.ts';

export function clusterFolder(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'flowjob', 'cluster');
}

export const kubeconfigFile = (folder: string): string => join(folder, 'kubeconfig');

/** One command at a time changes the cluster. */
export async function withClusterLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = `${folder}.lock`;
  mkdirSync(dirname(file), { recursive: true });
  const lock = takeLock(file);
  if ('holder' in lock)
    throw new Error(
      `process ${lock.holder.pid} is changing the cluster: wait until it is done, or end it (kill ${lock.holder.pid})`,
    );
  try {
    return await work();
  } finally {
    lock.release();
  }
}
