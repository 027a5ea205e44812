// One operator per folder.
import { join } from 'node:path';
import type { ProcessIdentity } from '../store/local/process-identity.ts';
import { lockHolder, takeLock } from '../store/local/process-lock.ts';

export const operatorLockFile = (directory: string): string => join(directory, 'operator.lock');

/** The operator that runs on `directory`; null when none does. */
export function runningOperator(directory: string): ProcessIdentity | null {
  return lockHolder(operatorLockFile(directory));
}

/** Takes the folder's lock. Answers how to give it back, or who has it. */
export function lockOperator(directory: string): { release: () => void } | { holder: ProcessIdentity } {
  return takeLock(operatorLockFile(directory));
}
