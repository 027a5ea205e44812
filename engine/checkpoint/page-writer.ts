// Writes the checkpoints of one subtask as pages: those that have changed since the last completed checkpoint go into a file of this one, the others are
// referred to where they are. What a file holds and nobody refers to any more is cleared away by moving the rest: no file that is referred to is less
// than half in use, so that a checkpoint never keeps more than twice its size on disk.
import { crc32 } from 'node:zlib';
import type { OperatorSnapshot, PageRef } from '../operators/operator.ts';
import { pageFileEnd, pageFileHeader, type Extent, type PageIndex } from './page-file.ts';
import type { TaskStateHandle } from './storage.ts';

/** Bytes that are handed to storage at once. */
const CHUNK_BYTES = 1 << 20;
/** Milliseconds that a task's thread encodes pages at a stretch. */
const CHUNK_MS = 2;
/** Files that one checkpoint of a subtask may refer to: small ones are written together when there are more. */
const MAX_FILES = 64;

interface WrittenFile {
  name: string;
  /** Of its pages and entries. */
  bytes: number;
}

/** Where a page is that an earlier checkpoint has written. */
interface Place {
  version: number;
  file: WrittenFile;
  offset: number;
  length: number;
  crc32: number;
}

/** Pages of a checkpoint by operator id and page id. */
type Places = Map<string, Map<string, Place>>;

export interface PageTask {
  vertexId: string;
  subtask: number;
  /** Of the attempt; stands in file names. */
  attempt: string;
  keyGroups: { start: number; end: number };
}

export class PageWriter {
  private readonly task: PageTask;
  private readonly now: () => number;
  /** What may be referred to: the last completed checkpoint is among them when the coordinator says which it is. */
  private readonly written = new Map<number, Places>();
  private chunk: Uint8Array<ArrayBuffer> | null = null;

  /** `now`: monotonic milliseconds. */
  constructor(task: PageTask, now: () => number) {
    this.task = task;
    this.now = now;
  }

  /** At the barrier: decides which pages are written. `base` is the last completed checkpoint, null when there is none. */
  begin(checkpointId: number, base: number | null, snapshots: readonly OperatorSnapshot[]): PageWrite {
    const places = (base === null ? undefined : this.written.get(base)) ?? new Map<string, Map<string, Place>>();
    for (const id of this.written.keys()) if (id !== base) this.written.delete(id);
    const { vertexId, subtask, attempt } = this.task;
    const name = `${vertexId}-${subtask}-${attempt}-${checkpointId}.pages`;
    const lists = snapshots.map((snapshot) => snapshot.keyed?.pages() ?? []);
    const kept = keptFiles(snapshots, lists, places);
    const pages = snapshots.map((snapshot, i): PagePlan[] => {
      const before = places.get(snapshot.operatorId);
      return lists[i]!.map((page): PagePlan => {
        const place = before?.get(page.id);
        if (place?.version !== page.version || !kept.has(place.file)) return { page, place: null };
        snapshot.keyed!.skipPage(page);
        return { page, place };
      });
    });
    return new PageWrite({
      name,
      task: this.task,
      snapshots,
      pages,
      now: this.now,
      // Not cleared: most tasks fill only a little of it.
      chunk: () => (this.chunk ??= new Uint8Array(Buffer.allocUnsafeSlow(CHUNK_BYTES).buffer)),
      done: (written) => this.written.set(checkpointId, written),
    });
  }
}

interface PagePlan {
  page: PageRef;
  /** Where it is already; null: it is to be written. */
  place: Place | null;
}

/** Files of an earlier checkpoint that are worth keeping: at least half of each is still in use, and there are not too many. */
function keptFiles(
  snapshots: readonly OperatorSnapshot[],
  lists: readonly (readonly PageRef[])[],
  places: Places,
): Set<WrittenFile> {
  const live = new Map<WrittenFile, number>();
  snapshots.forEach(({ operatorId }, i) => {
    const before = places.get(operatorId);
    if (before === undefined) return;
    for (const { id, version } of lists[i]!) {
      const place = before.get(id);
      if (place?.version === version) live.set(place.file, (live.get(place.file) ?? 0) + place.length);
    }
  });
  const kept = [...live].filter(([file, bytes]) => 2 * bytes >= file.bytes);
  kept.sort(([, a], [, b]) => b - a);
  return new Set(kept.slice(0, MAX_FILES - 1).map(([file]) => file));
}

interface PageWriteOptions {
  name: string;
  task: PageTask;
  snapshots: readonly OperatorSnapshot[];
  /** Per snapshot. */
  pages: PagePlan[][];
  now: () => number;
  /** Memory for one chunk: one file is written at a time. */
  chunk: () => Uint8Array<ArrayBuffer>;
  done: (written: Places) => void;
}

/** One checkpoint on its way. */
export class PageWrite {
  /** In the folder `shared` of the job. */
  readonly name: string;
  private readonly options: PageWriteOptions;
  private readonly file: WrittenFile;
  private readonly unions: { bytes: Uint8Array; of: PageIndex['operators'][number] }[] = [];
  private end: { length: number; indexCrc32: number; index: PageIndex } | null = null;

  constructor(options: PageWriteOptions) {
    this.options = options;
    this.name = options.name;
    this.file = { name: options.name, bytes: 0 };
  }

  /** The file, a chunk at a time: encoded when it is asked for, and valid until the next one is. */
  *parts(): Generator<Uint8Array> {
    const { options, file } = this;
    const chunk = new Chunk(options.chunk(), options.now);
    const files = [file];
    const written: Places = new Map();
    const index: PageIndex = { keyGroups: options.task.keyGroups, files: [], operators: [] };
    yield* chunk.append(pageFileHeader());
    for (const [i, { operatorId, stateSchema, keyed, union }] of options.snapshots.entries()) {
      const places = new Map<string, Place>();
      const pages: Extent[] = [];
      for (const { page, place } of options.pages[i]!) {
        let found = place;
        if (found === null) {
          const bytes = keyed!.readPage(page);
          found = { version: page.version, file, ...extentOf(bytes, chunk.total) };
          file.bytes += bytes.length;
          yield* chunk.append(bytes);
        }
        let number = files.indexOf(found.file);
        if (number < 0) number = files.push(found.file) - 1;
        places.set(page.id, found);
        pages.push({ file: number, offset: found.offset, length: found.length, crc32: found.crc32 });
      }
      written.set(operatorId, places);
      index.operators.push({ operatorId, stateSchema, pages, union: [] });
      // Small and of any length: behind the pages, which begin at multiples of 8 bytes.
      this.unions.push(...union.map((bytes) => ({ bytes, of: index.operators.at(-1)! })));
    }
    for (const { bytes, of } of this.unions) {
      of.union.push({ file: 0, ...extentOf(bytes, chunk.total) });
      yield* chunk.append(bytes);
    }
    index.files = files.map(({ name }) => name);
    const end = pageFileEnd(index, chunk.total);
    yield* chunk.append(end.bytes);
    yield* chunk.flush();
    this.end = { length: chunk.total, indexCrc32: end.indexCrc32, index };
    options.done(written);
  }

  /** What the manifest has to know, when the file is written. */
  handle(): TaskStateHandle {
    const { length, indexCrc32, index } = this.end!;
    const { vertexId, subtask } = this.options.task;
    const bytesOf = (extents: readonly Extent[]): number => extents.reduce((sum, extent) => sum + extent.length, 0);
    return {
      vertexId,
      subtask,
      path: this.name,
      length,
      indexCrc32,
      operators: index.operators.map(({ operatorId, stateSchema, pages }) => ({
        operatorId,
        stateSchema,
        keyedBytes: bytesOf(pages),
        keyGroups: [],
      })),
      pages: { files: index.files },
    };
  }
}

function extentOf(bytes: Uint8Array, offset: number): Omit<Extent, 'file'> {
  return { offset, length: bytes.length, crc32: crc32(bytes) };
}

/** Gathers bytes until there is enough to be written, or until the thread has been busy with it for long enough. */
class Chunk {
  /** Bytes of the file so far. */
  total = 0;
  private readonly bytes: Uint8Array;
  private readonly now: () => number;
  private used = 0;
  private since: number;

  constructor(bytes: Uint8Array, now: () => number) {
    this.bytes = bytes;
    this.now = now;
    this.since = now();
  }

  *append(part: Uint8Array): Generator<Uint8Array> {
    this.total += part.length;
    if (this.used + part.length > this.bytes.length || this.now() - this.since >= CHUNK_MS) yield* this.flush();
    if (part.length > this.bytes.length) {
      yield part;
      return;
    }
    this.bytes.set(part, this.used);
    this.used += part.length;
  }

  *flush(): Generator<Uint8Array> {
    if (this.used > 0) yield this.bytes.subarray(0, this.used);
    this.used = 0;
    this.since = this.now();
  }
}
