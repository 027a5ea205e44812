// The file that one subtask writes for one checkpoint: sections of state, then an index that says what and where they are.
//
// Layout (little endian): magic 'FJST', version (4 bytes each); the sections, back to back; the index as JSON; a footer of 24 bytes: offset
// of the index (8), its length (4), its crc32 (4), version (4), magic (4). No byte is outside a checksum or a comparison.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import type { OperatorSnapshot } from '../operators/operator.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';
import type { StateFolder } from './state-folder.ts';
import type { TaskStateHandle } from './storage.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const MAGIC = 0x54534a46;
const VERSION = 1;
const HEADER = 8;
const FOOTER = 24;

/** Where one section lies. `keyGroup` -1 marks an entry of union state. */
interface Section {
  operatorId: string;
  keyGroup: number;
  length: number;
  crc32: number;
}

type PlacedSection = Section & { offset: number };

/** The error for state that cannot be read: which file, and why. */
export function corrupt(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('SAVEPOINT_CORRUPT', `${path} cannot be restored from: ${reason}`, {
    hint: 'restore from another savepoint or checkpoint, or copy the file again from where it was taken',
    position: { file: path },
    cause,
  });
}

/** The error for state that a later version of the engine wrote. */
export function tooNew(path: string, version: number, readable: number): EngineError {
  return new EngineError(
    'SAVEPOINT_TOO_NEW',
    `${path} is of format version ${version}; this engine reads versions up to ${readable}`,
    {
      hint: 'restore it with the version of FlowJob that wrote it, or with a later one',
      position: { file: path },
    },
  );
}

/** Writes the sections of one subtask, durably, one at a time, and tells what the manifest has to know of them. */
export async function writeStateFile(
  folder: StateFolder,
  task: { vertexId: string; subtask: number; attempt: string },
  snapshots: readonly OperatorSnapshot[],
): Promise<TaskStateHandle> {
  const path = `${task.vertexId}-${task.subtask}-${task.attempt}.state`;
  const operators: TaskStateHandle['operators'] = [];
  const hash = createHash('sha256');
  let length = 0;
  let indexCrc32 = 0;
  function* parts(): Generator<Uint8Array> {
    yield header();
    let offset = HEADER;
    const sections: Section[] = [];
    for (const { operatorId, stateSchema, keyed, union } of snapshots) {
      const summary = { operatorId, stateSchema, keyedBytes: 0, keyGroups: [] as number[], unionEntries: union.length };
      for (const { keyGroup, bytes } of keyed?.sections() ?? []) {
        sections.push({ operatorId, keyGroup, length: bytes.length, crc32: crc32(bytes) });
        if (summary.keyGroups.at(-1) !== keyGroup) summary.keyGroups.push(keyGroup);
        summary.keyedBytes += bytes.length;
        offset += bytes.length;
        yield bytes;
      }
      for (const bytes of union) {
        sections.push({ operatorId, keyGroup: -1, length: bytes.length, crc32: crc32(bytes) });
        offset += bytes.length;
        yield bytes;
      }
      operators.push(summary);
    }
    const index = encoder.encode(JSON.stringify(sections));
    indexCrc32 = crc32(index);
    length = offset + index.length + FOOTER;
    yield index;
    yield footer(offset, index.length, indexCrc32);
  }
  function* hashed(): Generator<Uint8Array> {
    for (const part of parts()) {
      hash.update(part);
      yield part;
    }
  }
  await folder.store.put(folder.key(path), hashed());
  return {
    vertexId: task.vertexId,
    subtask: task.subtask,
    path,
    length,
    indexCrc32,
    sha256: hash.digest('hex'),
    operators,
  };
}

/**
 * The sections of one operator in one file: all union entries at once, and those of key groups start..end one at a time, as they are asked for.
 * Every checksum on the way is checked.
 */
export async function readStateFile(
  folder: StateFolder,
  state: TaskStateHandle,
  operatorId: string,
  range: { start: number; end: number },
): Promise<{ keyed: AsyncIterable<Uint8Array>; union: Uint8Array[]; ownedBytes: number }> {
  const file = await openState(folder, state);
  const sections = (await readIndex(file, state)).filter((section) => section.operatorId === operatorId);
  const union: Uint8Array[] = [];
  for (const section of sections) if (section.keyGroup < 0) union.push(await readSection(file, section));
  const wanted = sections.filter(({ keyGroup }) => keyGroup >= range.start && keyGroup <= range.end);
  async function* keyed(): AsyncGenerator<Uint8Array> {
    for (const section of wanted) yield await readSection(file, section);
  }
  return { keyed: keyed(), union, ownedBytes: wanted.reduce((sum, { length }) => sum + length, 0) };
}

/** A section as it is read to look at it. `keyGroup` null: an entry of union state. */
export interface StateSection {
  operatorId: string;
  keyGroup: number | null;
  bytes: Uint8Array;
}

/** All sections of a file one at a time, and every check that there is: the whole file against its sha256 too, when the last section has been taken. */
export async function* readWholeStateFile(folder: StateFolder, state: TaskStateHandle): AsyncGenerator<StateSection> {
  const file = await openState(folder, state);
  const sections = await readIndex(file, state);
  checkSummary(file.path, state, sections);
  const hash = createHash('sha256').update(await file.read(0, HEADER));
  let end = HEADER;
  for (const section of sections) {
    const bytes = await readSection(file, section);
    hash.update(bytes);
    end += section.length;
    yield { operatorId: section.operatorId, keyGroup: section.keyGroup < 0 ? null : section.keyGroup, bytes };
  }
  hash.update(await file.read(end, file.size - end));
  if (state.sha256 !== undefined && hash.digest('hex') !== state.sha256)
    throw corrupt(file.path, 'it does not match the sha256 in the manifest');
}

/** What the manifest says of a file has to be what is in it. */
function checkSummary(path: string, state: TaskStateHandle, sections: readonly Section[]): void {
  const known = new Set(state.operators.map(({ operatorId }) => operatorId));
  const stray = sections.find(({ operatorId }) => !known.has(operatorId));
  if (stray !== undefined) throw corrupt(path, `it has ${nameOf(stray)} which the manifest does not know`);
  for (const { operatorId, keyedBytes, keyGroups } of state.operators) {
    const keyed = sections.filter((section) => section.operatorId === operatorId && section.keyGroup >= 0);
    const bytes = keyed.reduce((sum, { length }) => sum + length, 0);
    if (bytes !== keyedBytes || keyed.some(({ keyGroup }) => !keyGroups.includes(keyGroup)))
      throw corrupt(path, `its sections of operator ${operatorId} are not those of the manifest`);
  }
}

async function readSection(file: StateObject, section: PlacedSection): Promise<Uint8Array> {
  const bytes = await file.read(section.offset, section.length);
  if (crc32(bytes) !== section.crc32)
    throw corrupt(file.path, `the section of ${nameOf(section)} does not match its checksum`);
  return bytes;
}

function nameOf(section: Section): string {
  const part = section.keyGroup < 0 ? 'union state' : `key group ${section.keyGroup}`;
  return `operator ${section.operatorId}, ${part},`;
}

function header(): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER));
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  return new Uint8Array(view.buffer);
}

function footer(indexOffset: number, indexLength: number, indexCrc32: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(FOOTER));
  view.setBigUint64(0, BigInt(indexOffset), true);
  view.setUint32(8, indexLength, true);
  view.setUint32(12, indexCrc32, true);
  view.setUint32(16, VERSION, true);
  view.setUint32(20, MAGIC, true);
  return new Uint8Array(view.buffer);
}

interface StateObject {
  /** As people know it. */
  path: string;
  size: number;
  read: (offset: number, length: number) => Promise<Uint8Array>;
}

async function openState(folder: StateFolder, state: TaskStateHandle): Promise<StateObject> {
  const path = folder.nameOf(state.path);
  const key = folder.key(state.path);
  const size = await folder.store.size(key);
  if (size === null) throw corrupt(path, 'the manifest names this file, but it does not exist');
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    try {
      return await folder.store.getRange(key, offset, length);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw corrupt(path, 'it was removed or cut short while it was read', error);
    }
  };
  return { path, size, read };
}

async function readIndex(file: StateObject, state: TaskStateHandle): Promise<PlacedSection[]> {
  const { path, size } = file;
  if (size !== state.length) throw corrupt(path, `it has ${size} bytes, the manifest says ${state.length}`);
  if (size < HEADER + FOOTER) throw corrupt(path, `it has only ${size} bytes`);
  const start = viewOf(await file.read(0, HEADER));
  const end = viewOf(await file.read(size - FOOTER, FOOTER));
  if (start.getUint32(0, true) !== MAGIC || end.getUint32(20, true) !== MAGIC)
    throw corrupt(path, 'it does not start and end with FJST');
  checkVersion(path, start.getUint32(4, true), end.getUint32(16, true));
  const offset = Number(end.getBigUint64(0, true));
  const length = end.getUint32(8, true);
  if (offset < HEADER || offset + length + FOOTER !== size) throw corrupt(path, 'its footer places the index wrongly');
  const index = await file.read(offset, length);
  const checksum = crc32(index);
  if (checksum !== end.getUint32(12, true) || checksum !== state.indexCrc32)
    throw corrupt(path, 'its index does not match the checksum');
  let at = HEADER;
  const sections = parseIndex(path, index).map((section) => {
    const placed = { ...section, offset: at };
    at += section.length;
    return placed;
  });
  if (at !== offset) throw corrupt(path, `its sections end at byte ${at}, its index starts at ${offset}`);
  return sections;
}

/** A damaged version is one that stands at one end only. */
function checkVersion(path: string, start: number, end: number): void {
  if (start !== end) throw corrupt(path, `its format version is ${start} at its start and ${end} at its end`);
  if (start > VERSION) throw tooNew(path, start, VERSION);
  if (start < 1) throw corrupt(path, `its format version is ${start}`);
}

function parseIndex(path: string, bytes: Uint8Array): Section[] {
  const parsed: unknown = JSON.parse(decoder.decode(bytes));
  if (!Array.isArray(parsed) || !parsed.every(isSection)) throw corrupt(path, 'its index is not a list of sections');
  return parsed;
}

function isSection(value: unknown): value is Section {
  const section = value as Partial<Section> | null;
  return (
    typeof section?.operatorId === 'string' &&
    Number.isSafeInteger(section.length) &&
    section.length! >= 0 &&
    Number.isInteger(section.keyGroup) &&
    section.keyGroup! >= -1 &&
    section.keyGroup! < KEY_GROUPS &&
    Number.isInteger(section.crc32)
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
