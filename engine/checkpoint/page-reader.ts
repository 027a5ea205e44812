// Reads the pages of one operator back, a few at a time: what is restored is never in memory twice.
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import { readPageIndex, type Extent, type PageIndex } from './page-file.ts';
import { corrupt } from './state-file.ts';
import type { StateFolder } from './state-folder.ts';
import type { TaskStateHandle } from './storage.ts';

/** Bytes that are asked for ahead of their use. */
const WINDOW_BYTES = 4 << 20;
/** What lies between two pages is read along when it is less. */
const GAP_BYTES = 1 << 16;

export interface OperatorPages {
  union: Uint8Array[];
  /** Encoded batches, in the order in which they are to be restored. */
  pages: AsyncIterable<Uint8Array>;
  /** What of their bytes is of the key groups asked for, when keys are spread evenly. */
  ownedBytes: number;
}

/**
 * State of an operator in the page files of one subtask: all its union entries, and its pages when they may hold keys of the key groups `range` (first and
 * last, inclusive). Throws SAVEPOINT_CORRUPT that names the file, also while pages are read.
 */
export async function readOperatorPages(
  shared: StateFolder,
  state: TaskStateHandle,
  operatorId: string,
  range: { start: number; end: number },
): Promise<OperatorPages> {
  const index = await readPageIndex(shared, state);
  const operator = index.operators.find((candidate) => candidate.operatorId === operatorId);
  if (operator === undefined)
    throw corrupt(shared.nameOf(state.path), `the manifest says it has state of ${operatorId}, its index does not`);
  const union = await readAll(shared, index, operator.union);
  const { start, end } = index.keyGroups;
  const common = Math.min(end, range.end) - Math.max(start, range.start) + 1;
  const pages = common <= 0 ? [] : operator.pages;
  const bytes = pages.reduce((sum, page) => sum + page.length, 0);
  return { union, pages: readPages(shared, index, pages), ownedBytes: (bytes * common) / (end - start + 1) };
}

/** While one window of pages is worked on, the next one is read. */
async function* readPages(shared: StateFolder, index: PageIndex, pages: readonly Extent[]): AsyncGenerator<Uint8Array> {
  const windows = windowsOf(pages);
  let next = windows.length === 0 ? null : readAll(shared, index, windows[0]!);
  for (let i = 1; next !== null; i++) {
    const read = await next;
    next = i < windows.length ? readAll(shared, index, windows[i]!) : null;
    // It is waited for when its turn comes; a failure until then is not an unhandled one.
    next?.catch(() => undefined);
    yield* read;
  }
}

function windowsOf(pages: readonly Extent[]): Extent[][] {
  const windows: Extent[][] = [];
  let bytes = Infinity;
  for (const page of pages) {
    if (bytes + page.length > WINDOW_BYTES) {
      windows.push([]);
      bytes = 0;
    }
    windows.at(-1)!.push(page);
    bytes += page.length;
  }
  return windows;
}

/** The bytes of some extents, in their order; neighbours in a file are read at once. */
async function readAll(shared: StateFolder, { files }: PageIndex, extents: readonly Extent[]): Promise<Uint8Array[]> {
  const sorted = [...extents.keys()].sort((a, b) => {
    const [x, y] = [extents[a]!, extents[b]!];
    return x.file - y.file || x.offset - y.offset;
  });
  const read = new Array<Uint8Array>(extents.length);
  for (let from = 0; from < sorted.length;) {
    const { file, offset } = extents[sorted[from]!]!;
    let end = offset;
    let to = from;
    for (; to < sorted.length; to++) {
      const extent = extents[sorted[to]!]!;
      if (extent.file !== file || extent.offset > end + GAP_BYTES) break;
      end = Math.max(end, extent.offset + extent.length);
    }
    const name = shared.nameOf(files[file]!);
    const bytes = await readRange(shared, files[file]!, offset, end - offset);
    for (; from < to; from++) {
      const extent = extents[sorted[from]!]!;
      const part = bytes.subarray(extent.offset - offset, extent.offset - offset + extent.length);
      if (crc32(part) !== extent.crc32)
        throw corrupt(name, `the page at byte ${extent.offset} does not match its checksum`);
      read[sorted[from]!] = part;
    }
  }
  return read;
}

async function readRange(shared: StateFolder, file: string, offset: number, length: number): Promise<Uint8Array> {
  try {
    return await shared.store.getRange(shared.key(file), offset, length);
  } catch (error) {
    const code = error instanceof EngineError ? error.code : null;
    if (code !== 'OBJECT_NOT_FOUND' && code !== 'OBJECT_TRUNCATED') throw error;
    const reason = code === 'OBJECT_NOT_FOUND' ? 'it does not exist' : 'it ends too early';
    throw corrupt(shared.nameOf(file), `a checkpoint has pages in this file, but ${reason}`, error);
  }
}
