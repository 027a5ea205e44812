// The API server's refusals as the port's errors.
import type { Kind } from '../../api/group.ts';
import { ApiError } from '../../kube/errors.ts';
import { describeObject, StoreError, type StoreErrorReason } from '../port.ts';

const REASONS: readonly StoreErrorReason[] = ['NotFound', 'AlreadyExists', 'Conflict'];
const isReason = (reason: string): reason is StoreErrorReason => (REASONS as readonly string[]).includes(reason);

/** Throws StoreError for what the port knows; everything else as it is, also "not found" that is said of a kind and not of an object. */
export async function asStoreErrors<T>(kind: Kind, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && isReason(error.reason) && error.details?.name !== undefined)
      throw new StoreError(error.reason, `${describeObject(kind, name)}: ${error.said}`, error);
    throw error;
  }
}
