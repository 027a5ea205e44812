// The port to where state lives: a folder today (local-object-store.ts), an object store with conditional put tomorrow. Seven operations, so that
// every promise above it (fencing, atomic publication) rests on what S3, GCS and a file system can all keep. conformance: object-store.conformance.ts.

/** Keys are paths relative to the store's root, with `/`, without `.` and `..`. */
export interface ObjectStore {
  /**
   * Writes a whole object, durably and atomically: readers see all of it or none, and once it resolves a crash does not undo it. With `ifAbsent`
   * of any number of writers at once exactly one gets `written`. `parts` are pulled one at a time, as they are written; a part's
   * bytes may change once the next one is asked for. When it rejects, the object may
   * have been written or not, but will not be any more: `get` tells.
   */
  put(
    key: string,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options?: { ifAbsent: boolean },
  ): Promise<'written' | 'exists'>;
  /** Null when there is none. */
  get(key: string): Promise<Uint8Array | null>;
  /** Exactly `length` bytes from `offset`. Throws EngineError OBJECT_TRUNCATED when the object ends before, OBJECT_NOT_FOUND when there is none. */
  getRange(key: string, offset: number, length: number): Promise<Uint8Array>;
  /** Bytes; null when there is none. */
  size(key: string): Promise<number | null>;
  /** All keys that start with `prefix`, which ends with `/` or is empty; sorted. Unfinished writes are not among them. */
  list(prefix: string): Promise<string[]>;
  /** Durable when it resolves. Not an error when it is gone. */
  delete(key: string): Promise<void>;
  /**
   * Clears away what writers that died have left under `prefix` (temporary files, the parts of an upload). A write that is still under way there fails
   * and leaves nothing.
   */
  removeUnfinished(prefix: string): Promise<void>;
}
