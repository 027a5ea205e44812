// The file that one subtask writes for one checkpoint: sections of state, then an index that says what and where they are.
//
// Layout (little endian): magic 'FJST', version (4 bytes each); the sections, back to back; the index as JSON; a footer of 24 bytes: offset
// of the index (8), its length (4), its crc32 (4), version (4), magic (4). No byte is outside a checksum or a comparison.
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import type { OperatorSnapshot } from '../operators/operator.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';
import type { StateFolder } from './state-folder.ts';
import type { TaskStateHandle } from './storage.ts';

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

/** The error for state that cannot be read: which file, and why. */
export function corrupt(path: string, reason: string, cause?: unknown): EngineError {
  return new EngineError('SAVEPOINT_CORRUPT', `${path} cannot be restored from: ${reason}`, {
    hint: 'restore from another savepoint or checkpoint, or copy the file again from where it was taken',
    position: { file: path },
    cause,
  });
}

/** Writes the sections of one subtask, durably, and tells what the manifest has to know of them. */
export async function writeStateFile(
  folder: StateFolder,
  task: { vertexId: string; subtask: number; epoch: number },
  snapshots: readonly OperatorSnapshot[],
): Promise<TaskStateHandle> {
  const sections: Section[] = [];
  const operators: TaskStateHandle['operators'] = [];
  const parts: Uint8Array[] = [header()];
  const add = (operatorId: string, keyGroup: number, bytes: Uint8Array): void => {
    sections.push({ operatorId, keyGroup, length: bytes.length, crc32: crc32(bytes) });
    parts.push(bytes);
  };
  for (const snapshot of snapshots) {
    const { operatorId, stateSchema } = snapshot;
    const keyGroups: number[] = [];
    let keyedBytes = 0;
    for (const { keyGroup, bytes } of snapshot.keyed?.sections() ?? []) {
      add(operatorId, keyGroup, bytes);
      keyGroups.push(keyGroup);
      keyedBytes += bytes.length;
    }
    operators.push({ operatorId, stateSchema, keyedBytes, keyGroups });
    for (const bytes of snapshot.union) add(snapshot.operatorId, -1, bytes);
  }
  const indexOffset = parts.reduce((total, part) => total + part.length, 0);
  const index = new TextEncoder().encode(JSON.stringify(sections));
  const indexCrc32 = crc32(index);
  parts.push(index, footer(indexOffset, index.length, indexCrc32));
  const path = `${task.vertexId}-${task.subtask}-${task.epoch}.state`;
  await folder.store.put(folder.key(path), parts);
  return {
    vertexId: task.vertexId,
    subtask: task.subtask,
    path,
    length: indexOffset + index.length + FOOTER,
    indexCrc32,
    operators,
  };
}

/** The sections of one operator in one file: key groups start..end, and all union entries. Checks every checksum on the way. */
export async function readStateFile(
  folder: StateFolder,
  state: TaskStateHandle,
  operatorId: string,
  range: { start: number; end: number },
): Promise<{ keyed: { keyGroup: number; bytes: Uint8Array }[]; union: Uint8Array[] }> {
  const keyed: { keyGroup: number; bytes: Uint8Array }[] = [];
  const union: Uint8Array[] = [];
  const file = await openState(folder, state);
  const sections = await readIndex(file, state);
  let at = HEADER;
  for (const section of sections) {
    const wanted =
      section.operatorId === operatorId &&
      (section.keyGroup < 0 || (section.keyGroup >= range.start && section.keyGroup <= range.end));
    if (wanted) {
      const bytes = await file.read(at, section.length);
      if (crc32(bytes) !== section.crc32)
        throw corrupt(file.path, `the section of ${nameOf(section)} does not match its checksum`);
      if (section.keyGroup < 0) union.push(bytes);
      else keyed.push({ keyGroup: section.keyGroup, bytes });
    }
    at += section.length;
  }
  return { keyed, union };
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

async function readIndex(file: StateObject, state: TaskStateHandle): Promise<Section[]> {
  const { path, size } = file;
  if (size !== state.length) throw corrupt(path, `it has ${size} bytes, the manifest says ${state.length}`);
  if (size < HEADER + FOOTER) throw corrupt(path, `it has only ${size} bytes`);
  const start = viewOf(await file.read(0, HEADER));
  const end = viewOf(await file.read(size - FOOTER, FOOTER));
  if (start.getUint32(0, true) !== MAGIC || end.getUint32(20, true) !== MAGIC)
    throw corrupt(path, 'it does not start and end with FJST');
  for (const version of [start.getUint32(4, true), end.getUint32(16, true)])
    if (version !== VERSION) throw corrupt(path, `its format version is ${version}, this engine reads ${VERSION}`);
  const offset = Number(end.getBigUint64(0, true));
  const length = end.getUint32(8, true);
  if (offset < HEADER || offset + length + FOOTER !== size) throw corrupt(path, 'its footer places the index wrongly');
  const index = await file.read(offset, length);
  const checksum = crc32(index);
  if (checksum !== end.getUint32(12, true) || checksum !== state.indexCrc32)
    throw corrupt(path, 'its index does not match the checksum');
  const sections = parseIndex(path, index);
  const total = sections.reduce((sum, section) => sum + section.length, HEADER);
  if (total !== offset) throw corrupt(path, `its sections end at byte ${total}, its index starts at ${offset}`);
  return sections;
}

function parseIndex(path: string, bytes: Uint8Array): Section[] {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
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
