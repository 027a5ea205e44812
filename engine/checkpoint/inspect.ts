// Looks through a savepoint or checkpoint without restoring it: what it holds, whether every byte of it is as it was written, and its state as rows.
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { decodeBatch } from '../columnar/wire.ts';
import { describeError, EngineError } from '../errors.ts';
import { hashColumns, keyGroupOf } from '../state/key-groups.ts';
import type { Schema } from '../plan/types.ts';
import { sectionSchema, type StateSchema } from '../state/schema.ts';
import { LocalFileSystem } from '../storage/local-file-system.ts';
import { LocalObjectStore } from '../storage/local-object-store.ts';
import { MANIFEST_NAME, readManifestFile } from './manifest-file.ts';
import { readOperatorPages } from './page-reader.ts';
import { corrupt, readWholeStateFile } from './state-file.ts';
import { StateFolder } from './state-folder.ts';
import type { Manifest, OperatorManifest, TaskStateHandle } from './storage.ts';

/** What one operator holds. */
export interface OperatorState extends OperatorManifest {
  /** Columns of its keyed state; null when it has none. */
  stateSchema: StateSchema | null;
  /** Key groups that hold something. */
  keyGroups: number;
  rows: number;
  keyedBytes: number;
  unionEntries: number;
  /** Lowest watermark of its subtasks, milliseconds since the epoch; null where there is none. */
  watermark: number | null;
}

type FoundState = Omit<OperatorState, 'keyGroups'> & { groups: Set<number> };

export interface Inspection {
  path: string;
  manifest: Manifest;
  /** Those with state, in the order of the plan. */
  operators: OperatorState[];
  /** Files that belong to it, and their bytes together. */
  files: number;
  bytes: number;
  /** Objects in the folder that do not belong to it: they do no harm. */
  strangers: string[];
  /** What is wrong with it, one text per file that cannot be restored from; none when all of it is as it was written. */
  damages: string[];
}

export interface StateRow {
  keyGroup: number;
  /** As many as the columns of the state's schema. */
  cells: CellValue[];
}

/** Folder of page files, beside a job's checkpoints. */
const SHARED = 'shared';
/** What restoring at parallelism 1 reads. */
const ALL = { start: 0, end: 127 };

/** The savepoint or checkpoint in a folder of this machine, given by its absolute path. */
export function stateFolderAt(path: string): StateFolder {
  const store = new LocalObjectStore(new LocalFileSystem(), dirname(path), randomBytes(8).toString('hex'));
  return new StateFolder(store, `${basename(path)}/`, path);
}

/** Reads and checks everything. Throws SAVEPOINT_NOT_FOUND, SAVEPOINT_TOO_NEW, and SAVEPOINT_CORRUPT only for the manifest itself. */
export async function inspectState(folder: StateFolder): Promise<Inspection> {
  const manifest = await readManifestFile(folder);
  const operators = new Map<string, FoundState>();
  const damages: string[] = [];
  const files = new Map<string, number>();
  for (const file of manifest.files) {
    for (const held of file.operators) addOperator(operators, manifest, held);
    try {
      const where = file.pages === undefined ? folder : folder.sibling(SHARED);
      for (const name of file.pages?.files ?? [file.path])
        files.set(name, (await where.store.size(where.key(name))) ?? 0);
      for await (const part of partsOf(folder, manifest, file)) {
        const operator = operators.get(part.operatorId)!;
        if (part.rows === null) addUnion(operator, part.bytes);
        else {
          operator.keyedBytes += part.bytes.length;
          for (const { keyGroup } of part.rows) operator.groups.add(keyGroup);
          operator.rows += part.rows.length;
        }
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      damages.push(describeError(error));
    }
  }
  const inOrder = new Map(manifest.operators.map(({ operatorId }, place) => [operatorId, place]));
  return {
    path: folder.path,
    manifest,
    operators: [...operators.values()]
      .sort((a, b) => (inOrder.get(a.operatorId) ?? Infinity) - (inOrder.get(b.operatorId) ?? Infinity))
      .map(({ groups, ...operator }) => ({ ...operator, keyGroups: groups.size })),
    files: files.size,
    bytes: [...files.values()].reduce((sum, size) => sum + size, 0),
    strangers: (await folder.list()).filter((name) => name !== MANIFEST_NAME && !files.has(name)),
    damages,
  };
}

/** The keyed state of one operator, file by file, each key once, without what was out of date. Throws SAVEPOINT_CORRUPT at what is damaged. */
export async function* stateRows(
  folder: StateFolder,
  manifest: Manifest,
  operatorId: string,
): AsyncGenerator<StateRow> {
  for (const file of manifest.files) {
    if (!file.operators.some((operator) => operator.operatorId === operatorId)) continue;
    for await (const part of partsOf(folder, manifest, file))
      if (part.operatorId === operatorId) yield* part.rows ?? [];
  }
}

/** The columns of an operator's keyed state, as `stateRows` gives them. */
export function stateColumns(schema: StateSchema): Schema {
  return sectionSchema(schema);
}

interface Part {
  operatorId: string;
  bytes: Uint8Array;
  /** Null for an entry of union state. */
  rows: StateRow[] | null;
}

/** Everything in the file of one subtask, but for rows whose time to live was over when it was asked for: they count for nothing. */
async function* partsOf(
  folder: StateFolder,
  { triggerTimestamp }: Manifest,
  file: TaskStateHandle,
): AsyncGenerator<Part> {
  const schemas = new Map(file.operators.map(({ operatorId, stateSchema }) => [operatorId, stateSchema]));
  for await (const part of storedParts(folder, file)) {
    const { timeToLive } = (schemas.get(part.operatorId) ?? {}) as Partial<StateSchema>;
    if (part.rows === null || timeToLive === undefined) yield part;
    else yield { ...part, rows: part.rows.filter(({ cells }) => Number(cells.at(-1)) > triggerTimestamp - timeToLive) };
  }
}

async function* storedParts(folder: StateFolder, file: TaskStateHandle): AsyncGenerator<Part> {
  const schemas = new Map(file.operators.map(({ operatorId, stateSchema }) => [operatorId, stateSchema]));
  if (file.pages !== undefined) {
    yield* pagesOf(folder.sibling(SHARED), file);
    return;
  }
  for await (const { operatorId, keyGroup, bytes } of readWholeStateFile(folder, file)) {
    if (keyGroup === null) yield { operatorId, bytes, rows: null };
    else {
      const rows = rowsOf(folder.nameOf(file.path), schemas.get(operatorId) as StateSchema, bytes);
      const stray = rows.find((row) => row.keyGroup !== keyGroup);
      if (stray !== undefined)
        throw corrupt(
          folder.nameOf(file.path),
          `its section of key group ${keyGroup} of operator ${operatorId} has a key of key group ${stray.keyGroup}`,
        );
      yield { operatorId, bytes, rows };
    }
  }
}

/** Of a key that several pages have, the last one counts: pages are held until it is known which that is. */
async function* pagesOf(shared: StateFolder, file: TaskStateHandle): AsyncGenerator<Part> {
  for (const { operatorId, stateSchema } of file.operators) {
    const { union, pages } = await readOperatorPages(shared, file, operatorId, ALL);
    for (const bytes of union) yield { operatorId, bytes, rows: null };
    const newest = new Map<string, StateRow>();
    let length = 0;
    for await (const bytes of pages) {
      length += bytes.length;
      const schema = stateSchema as StateSchema;
      for (const row of rowsOf(shared.nameOf(file.path), schema, bytes)) newest.set(keyOf(schema, row), row);
    }
    if (length > 0) yield { operatorId, bytes: new Uint8Array(length), rows: [...newest.values()] };
  }
}

function keyOf({ kind, keys }: StateSchema, { cells }: StateRow): string {
  const key = kind === 'WINDOWS' ? [...cells.slice(0, keys.length), cells.at(-1)] : cells.slice(0, keys.length);
  return JSON.stringify(key, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

function rowsOf(path: string, schema: StateSchema, bytes: Uint8Array): StateRow[] {
  let batch: ColumnBatch;
  try {
    batch = decodeBatch(sectionSchema(schema), bytes);
  } catch (error) {
    throw corrupt(path, describeError(error), error);
  }
  const hashes = new Int32Array(batch.rows);
  hashColumns(batch.columns.slice(0, schema.keys.length), batch.rows, hashes);
  return toRows(batch).map((cells, row) => ({ keyGroup: keyGroupOf(hashes[row]!), cells }));
}

function addOperator(
  operators: Map<string, FoundState>,
  manifest: Manifest,
  { operatorId, stateSchema }: TaskStateHandle['operators'][number],
): void {
  if (operators.has(operatorId)) return;
  const about = manifest.operators.find((operator) => operator.operatorId === operatorId);
  operators.set(operatorId, {
    ...(about ?? { operatorId, uid: operatorId, name: '', vertexId: '', parallelism: 0 }),
    stateSchema: stateSchema as StateSchema | null,
    rows: 0,
    keyedBytes: 0,
    unionEntries: 0,
    watermark: null,
    groups: new Set<number>(),
  });
}

/** The only union state that there is: the watermark of a window's subtask. */
function addUnion(operator: FoundState, bytes: Uint8Array): void {
  operator.unionEntries++;
  if (operator.stateSchema?.kind !== 'WINDOWS' || bytes.length !== 8) return;
  const watermark = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  operator.watermark = Math.min(operator.watermark ?? Infinity, watermark);
}
