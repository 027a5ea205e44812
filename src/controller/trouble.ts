// An error that ended a pass, as people are told of it: what failed and what to do, and of which kind it is.
import { EngineError } from '../../engine/errors.ts';
import { EngineClientError } from '../engine-client/engine-client.ts';
import { StoreError } from '../store/port.ts';

/** What to do about errors of the operating system. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'free space on that disk',
  EDQUOT: 'free space within the quota of that disk',
  EROFS: 'mount that disk for writing',
  EACCES: 'give the user of the operator the right to it',
  EPERM: 'give the user of the operator the right to it',
  EMFILE: 'raise the limit of open files (ulimit -n), and start the operator again',
  EIO: 'the disk fails: look at the log of the system',
};

/** Two errors of one kind are the same news, even if their texts name different files. */
export function kindOf(error: unknown): string {
  if (error instanceof EngineClientError) return `${error.code} ${error.httpStatus}`;
  if (error instanceof StoreError) return error.reason;
  if (error instanceof EngineError) return error.code;
  return systemCode(error) ?? (error instanceof Error ? error.name : typeof error);
}

/** What failed, and the remedy where there is one. */
export function describeTrouble(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof EngineError ? error.hint : REMEDIES[systemCode(error) ?? ''];
  return remedy === undefined ? text : `${text}\nHint: ${remedy}`;
}

/** `ENOSPC` and its like; undefined for other errors. */
function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
