// An object store in memory, as object stores with conditional put behave: for tests, and to keep the interface free of what only files can do.
import { EngineError } from '../errors.ts';
import { objectNotFound, objectTruncated } from './local-object-store.ts';
import type { ObjectStore } from './object-store.ts';

export class MemoryObjectStore implements ObjectStore {
  private readonly objects = new Map<string, Uint8Array>();
  private readonly uploads = new Set<{ key: string; aborted: boolean }>();

  async put(
    key: string,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: { ifAbsent: boolean } = { ifAbsent: false },
  ): Promise<'written' | 'exists'> {
    checkKey(key);
    const upload = { key, aborted: false };
    this.uploads.add(upload);
    try {
      const received: Uint8Array[] = [];
      for await (const part of parts) received.push(part.slice());
      if (upload.aborted) throw objectNotFound(key);
      if (options.ifAbsent && this.objects.has(key)) return 'exists';
      // Not the Buffer itself: its slices would be views, and who is given one could change what is kept.
      this.objects.set(key, new Uint8Array(Buffer.concat(received)));
      return 'written';
    } finally {
      this.uploads.delete(upload);
    }
  }

  async get(key: string): Promise<Uint8Array | null> {
    checkKey(key);
    return this.objects.get(key)?.slice() ?? null;
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    checkKey(key);
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw objectNotFound(key);
    if (offset + length > bytes.length) throw objectTruncated(key, bytes.length, offset + length);
    return bytes.slice(offset, offset + length);
  }

  async size(key: string): Promise<number | null> {
    checkKey(key);
    return this.objects.get(key)?.length ?? null;
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.objects.delete(key);
  }

  async removeUnfinished(prefix: string): Promise<void> {
    for (const upload of this.uploads) if (upload.key.startsWith(prefix)) upload.aborted = true;
  }
}

function checkKey(key: string): void {
  if (/[\\\0]/.test(key) || key.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new EngineError('OBJECT_KEY', `"${key}" is not a key of an object`);
}
