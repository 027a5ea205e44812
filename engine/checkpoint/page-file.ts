// The file that one subtask writes for one checkpoint in the engine's own format: pages of state that have changed since the checkpoint before, then an
// index that says where all pages of the state are, in this file and in those of earlier checkpoints. Files lie in the folder `shared` of a job.
//
// Layout (little endian): magic 'FJPG', version (4 bytes each); pages and entries of union state, back to back; the index; a footer of 24 bytes: offset
// of the index (8), its length (4), its crc32 (4), version (4), magic (4). The index: length of its JSON (4), the JSON, then 20 bytes per page, in the
// order in which pages are restored: number of the file (4), length (4), offset (8), crc32 (4). No byte is outside a checksum or a comparison.
import { crc32 } from 'node:zlib';
import { KEY_GROUPS } from '../state/key-groups.ts';
import { corrupt } from './state-file.ts';
import type { StateFolder } from './state-folder.ts';
import type { TaskStateHandle } from './storage.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const MAGIC = 0x47504a46;
const VERSION = 1;
const HEADER = 8;
const FOOTER = 24;
const ENTRY = 20;

/** Where some bytes are. */
export interface Extent {
  /** Number of the file among those of the index. */
  file: number;
  offset: number;
  length: number;
  crc32: number;
}

export interface PageIndex {
  /** First and last (inclusive) key group of the subtask that wrote it. */
  keyGroups: { start: number; end: number };
  /** Names in the folder `shared`. The first one is the file of the index itself. */
  files: string[];
  operators: {
    operatorId: string;
    stateSchema: unknown;
    union: Extent[];
    pages: Extent[];
  }[];
}

/** JSON of the index: pages follow it, `pages` of them for each operator in turn. */
interface IndexJson {
  keyGroups: { start: number; end: number };
  files: string[];
  operators: { operatorId: string; stateSchema: unknown; union: Extent[]; pages: number }[];
}

/** What a page file begins with. */
export function pageFileHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER));
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  return new Uint8Array(view.buffer);
}

/** What a page file ends with, when `offset` bytes come before: index and footer. */
export function pageFileEnd(index: PageIndex, offset: number): { bytes: Uint8Array; indexCrc32: number } {
  const json: IndexJson = {
    ...index,
    operators: index.operators.map((operator) => ({ ...operator, pages: operator.pages.length })),
  };
  const text = encoder.encode(JSON.stringify(json));
  const pages = index.operators.reduce((sum, operator) => sum + operator.pages.length, 0);
  const length = 4 + text.length + pages * ENTRY;
  const bytes = new Uint8Array(length + FOOTER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const operator of index.operators)
    for (const page of operator.pages) {
      view.setUint32(at, page.file, true);
      view.setUint32(at + 4, page.length, true);
      view.setBigUint64(at + 8, BigInt(page.offset), true);
      view.setUint32(at + 16, page.crc32, true);
      at += ENTRY;
    }
  const indexCrc32 = crc32(bytes.subarray(0, length));
  view.setBigUint64(at, BigInt(offset), true);
  view.setUint32(at + 8, length, true);
  view.setUint32(at + 12, indexCrc32, true);
  view.setUint32(at + 16, VERSION, true);
  view.setUint32(at + 20, MAGIC, true);
  return { bytes, indexCrc32 };
}

/** Reads and checks the index of a page file in `shared`. Throws SAVEPOINT_CORRUPT. */
export async function readPageIndex(
  shared: StateFolder,
  { path, length, indexCrc32 }: TaskStateHandle,
): Promise<PageIndex> {
  const name = shared.nameOf(path);
  const key = shared.key(path);
  const size = await shared.store.size(key);
  if (size === null) throw corrupt(name, 'the manifest names this file, but it does not exist');
  if (size !== length) throw corrupt(name, `it has ${size} bytes, the manifest says ${length}`);
  if (size < HEADER + FOOTER) throw corrupt(name, `it has only ${size} bytes`);
  const start = viewOf(await shared.store.getRange(key, 0, HEADER));
  const end = viewOf(await shared.store.getRange(key, size - FOOTER, FOOTER));
  if (start.getUint32(0, true) !== MAGIC || end.getUint32(20, true) !== MAGIC)
    throw corrupt(name, 'it does not start and end with FJPG');
  for (const version of [start.getUint32(4, true), end.getUint32(16, true)])
    if (version !== VERSION) throw corrupt(name, `its format version is ${version}, this engine reads ${VERSION}`);
  const offset = Number(end.getBigUint64(0, true));
  const indexLength = end.getUint32(8, true);
  if (offset < HEADER || offset + indexLength + FOOTER !== size)
    throw corrupt(name, 'its footer places the index wrongly');
  const bytes = await shared.store.getRange(key, offset, indexLength);
  const checksum = crc32(bytes);
  if (checksum !== end.getUint32(12, true) || checksum !== indexCrc32)
    throw corrupt(name, 'its index does not match the checksum');
  const index = parseIndex(name, bytes);
  if (index.files[0] !== path) throw corrupt(name, 'its index is that of another file');
  return index;
}

function parseIndex(name: string, bytes: Uint8Array): PageIndex {
  const view = viewOf(bytes);
  const end = bytes.length < 4 ? Infinity : 4 + view.getUint32(0, true);
  if (end > bytes.length) throw corrupt(name, 'its index is cut off');
  const json: unknown = JSON.parse(decoder.decode(bytes.subarray(4, end)));
  if (!isIndexJson(json)) throw corrupt(name, 'its index is not one of pages');
  let at = end;
  const total = json.operators.reduce((sum, { pages }) => sum + pages, 0);
  if (end + total * ENTRY !== bytes.length) throw corrupt(name, 'its index has another number of pages');
  const operators = json.operators.map((operator) => ({
    ...operator,
    pages: Array.from({ length: operator.pages }, (): Extent => {
      const page = {
        file: view.getUint32(at, true),
        length: view.getUint32(at + 4, true),
        offset: Number(view.getBigUint64(at + 8, true)),
        crc32: view.getUint32(at + 16, true),
      };
      at += ENTRY;
      if (page.file >= json.files.length) throw corrupt(name, `a page is in file ${page.file} of ${json.files.length}`);
      return page;
    }),
  }));
  return { keyGroups: json.keyGroups, files: json.files, operators };
}

function isIndexJson(value: unknown): value is IndexJson {
  const index = value as Partial<IndexJson> | null;
  return (
    isKeyGroup(index?.keyGroups?.start) &&
    isKeyGroup(index?.keyGroups?.end) &&
    Array.isArray(index?.files) &&
    index.files.every((file) => typeof file === 'string') &&
    Array.isArray(index.operators) &&
    index.operators.every(
      ({ operatorId, pages, union }) =>
        typeof operatorId === 'string' &&
        Number.isSafeInteger(pages) &&
        pages >= 0 &&
        union.every(({ file, offset, length }) => file < index.files!.length && offset >= 0 && length >= 0),
    )
  );
}

function isKeyGroup(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < KEY_GROUPS;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
