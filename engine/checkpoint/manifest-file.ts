// `_metadata`: the manifest of a checkpoint or savepoint. It is written last, so it exists iff the checkpoint is complete.
//
// Layout (little endian, 4 bytes each): magic 'FJMF', version, length of the JSON, crc32; then the JSON and nothing behind it. The crc32 is that of
// the twelve bytes before it and the JSON, in version 1 of the JSON alone. The header stays as it is in all versions, so that a newer one is told from
// a damaged one.
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';
import { corrupt, tooNew } from './state-file.ts';
import type { StateFolder } from './state-folder.ts';
import { MANIFEST_VERSION, type Manifest } from './storage.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const MANIFEST_NAME = '_metadata';
const MAGIC = 0x464d4a46;
const HEADER = 16;
const CRC_AT = 12;

export function encodeManifest(manifest: Manifest): Uint8Array {
  for (const name of namesOf(manifest))
    if (!isPlainName(name))
      throw new EngineError('STATE_PATH', `state file "${name}" is not a plain name relative to the checkpoint`);
  const json = encoder.encode(JSON.stringify(manifest));
  const bytes = new Uint8Array(HEADER + json.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, manifest.formatVersion, true);
  view.setUint32(8, json.length, true);
  view.setUint32(CRC_AT, checksum(bytes.subarray(0, HEADER), json, manifest.formatVersion), true);
  bytes.set(json, HEADER);
  return bytes;
}

/** Reads and checks the manifest in `folder`. Throws SAVEPOINT_NOT_FOUND, SAVEPOINT_TOO_NEW or SAVEPOINT_CORRUPT. */
export async function readManifestFile(folder: StateFolder, name: string = MANIFEST_NAME): Promise<Manifest> {
  const bytes = await folder.store.get(folder.key(name));
  if (bytes === null)
    throw new EngineError('SAVEPOINT_NOT_FOUND', `there is no completed checkpoint or savepoint in ${folder.path}`, {
      hint: 'name the folder that holds the file _metadata',
    });
  return decodeManifest(folder.nameOf(name), bytes);
}

function decodeManifest(path: string, bytes: Uint8Array): Manifest {
  if (bytes.length < HEADER) throw corrupt(path, `it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) throw corrupt(path, 'it does not start with FJMF');
  const version = view.getUint32(4, true);
  const length = view.getUint32(8, true);
  if (bytes.length !== HEADER + length)
    throw corrupt(path, `it has ${bytes.length} bytes, its header says ${HEADER + length}`);
  const json = bytes.subarray(HEADER);
  if (checksum(bytes.subarray(0, HEADER), json, version) !== view.getUint32(CRC_AT, true))
    throw corrupt(path, 'it does not match its checksum');
  if (version > MANIFEST_VERSION) throw tooNew(path, version, MANIFEST_VERSION);
  // The checksum vouches for what was written; the rest says whether it is something that this engine can read.
  const manifest = JSON.parse(decoder.decode(json)) as Manifest;
  if (manifest.formatVersion !== version) throw corrupt(path, `its manifest version is ${manifest.formatVersion}`);
  if (manifest.maxParallelism !== KEY_GROUPS)
    throw corrupt(path, `it has ${manifest.maxParallelism} key groups, this engine ${KEY_GROUPS}`);
  for (const name of namesOf(manifest))
    if (!isPlainName(name)) throw corrupt(path, `state file "${name}" is outside the checkpoint`);
  return manifest;
}

function checksum(header: Uint8Array, json: Uint8Array, version: number): number {
  return version === 1 ? crc32(json) : crc32(json, crc32(header.subarray(0, CRC_AT)));
}

function namesOf({ files }: Manifest): string[] {
  return files.flatMap(({ path, pages }) => [path, ...(pages?.files ?? [])]);
}

/** A savepoint can be moved as a folder, and never reaches out of it. */
function isPlainName(path: string): boolean {
  return path !== '' && path !== '.' && path !== '..' && basename(path) === path && !path.includes('\\');
}
