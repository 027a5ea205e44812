// `_metadata`: the manifest of a checkpoint or savepoint. It is written last, so it exists iff the checkpoint is complete.
//
// Layout (little endian, 4 bytes each): magic 'FJMF', version, length of the JSON, its crc32; then the JSON and nothing behind it.
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { EngineError } from '../errors.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';
import { corrupt } from './state-file.ts';
import type { StateFolder } from './state-folder.ts';
import type { Manifest } from './storage.ts';

export const MANIFEST_NAME = '_metadata';
const MAGIC = 0x464d4a46;
const VERSION = 1;
const HEADER = 16;

export function encodeManifest(manifest: Manifest): Uint8Array {
  for (const file of manifest.files)
    if (!isPlainName(file.path))
      throw new EngineError('STATE_PATH', `state file "${file.path}" is not a plain name relative to the checkpoint`);
  const json = new TextEncoder().encode(JSON.stringify(manifest));
  const bytes = new Uint8Array(HEADER + json.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, json.length, true);
  view.setUint32(12, crc32(json), true);
  bytes.set(json, HEADER);
  return bytes;
}

/** Reads and checks the manifest in `folder`. Throws SAVEPOINT_NOT_FOUND or SAVEPOINT_CORRUPT. */
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
  if (version !== VERSION) throw corrupt(path, `its format version is ${version}, this engine reads ${VERSION}`);
  const length = view.getUint32(8, true);
  if (bytes.length !== HEADER + length)
    throw corrupt(path, `it has ${bytes.length} bytes, its header says ${HEADER + length}`);
  const json = bytes.subarray(HEADER);
  if (crc32(json) !== view.getUint32(12, true)) throw corrupt(path, 'it does not match its checksum');
  const manifest = JSON.parse(new TextDecoder().decode(json)) as Manifest;
  // The checksum vouches for what we wrote; these say what another version of the engine may have written.
  if (manifest.formatVersion !== VERSION) throw corrupt(path, `its manifest version is ${manifest.formatVersion}`);
  if (manifest.maxParallelism !== KEY_GROUPS)
    throw corrupt(path, `it has ${manifest.maxParallelism} key groups, this engine ${KEY_GROUPS}`);
  for (const file of manifest.files)
    if (!isPlainName(file.path)) throw corrupt(path, `state file "${file.path}" is outside the checkpoint`);
  return manifest;
}

/** A savepoint can be moved as a folder, and never reaches out of it. */
function isPlainName(path: string): boolean {
  return path !== '' && path !== '.' && path !== '..' && basename(path) === path && !path.includes('\\');
}
