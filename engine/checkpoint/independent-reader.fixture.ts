// A reader of savepoints written from docs/reference/savepoint-format.md alone: it uses nothing of the engine, so that page and engine are held together.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

type Value = string | number | bigint | boolean | null;

interface Column {
  name: string;
  type: { root: string; nullable: boolean };
}

interface Schema {
  kind: 'GROUPS' | 'WINDOWS';
  keys: Column[];
  accumulators: Column[];
  timeToLive?: number;
}

export interface ReadOperator {
  uid: string;
  schema: Schema;
  rows: Value[][];
  watermarks: number[];
}

const CODES: Record<string, number> = { BOOLEAN: 0, NULL: 0, FLOAT: 3, DOUBLE: 4, TIMESTAMP: 4, TIMESTAMP_LTZ: 4 };
for (const root of ['TINYINT', 'SMALLINT', 'INT', 'DATE', 'TIME', 'INTERVAL_YEAR_MONTH']) CODES[root] = 1;
for (const root of ['BIGINT', 'DECIMAL', 'INTERVAL_DAY_TIME']) CODES[root] = 2;
for (const root of ['CHAR', 'VARCHAR']) CODES[root] = 5;

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not as documented: ${what}`);
}

/** All operators with state, in the order of their first file. */
export function readSavepoint(folder: string): { version: number; operators: ReadOperator[] } {
  const metadata = readFileSync(join(folder, '_metadata'));
  check(metadata.toString('latin1', 0, 4) === 'FJMF', 'magic of the manifest');
  const version = metadata.readUInt32LE(4);
  check(metadata.length === 16 + metadata.readUInt32LE(8), 'length of the manifest');
  const json = metadata.subarray(16);
  const checked = version === 1 ? json : Buffer.concat([metadata.subarray(0, 12), json]);
  check(crc32(checked) === metadata.readUInt32LE(12), 'crc32 of the manifest');
  const manifest = JSON.parse(json.toString('utf8')) as {
    triggerTimestamp: number;
    operators: { operatorId: string; uid: string }[];
    files: {
      path: string;
      length: number;
      indexCrc32: number;
      sha256?: string;
      operators: { operatorId: string; stateSchema: Schema }[];
    }[];
  };
  const found = new Map<string, ReadOperator>();
  for (const file of manifest.files) {
    for (const { operatorId, stateSchema } of file.operators) {
      const { uid } = manifest.operators.find((operator) => operator.operatorId === operatorId)!;
      check(createHash('sha256').update(uid).digest('hex').startsWith(operatorId), `operatorId of ${uid}`);
      if (!found.has(operatorId)) found.set(operatorId, { uid, schema: stateSchema, rows: [], watermarks: [] });
    }
    readFile(readFileSync(join(folder, file.path)), file, manifest.triggerTimestamp, found);
  }
  return { version, operators: [...found.values()] };
}

function readFile(
  bytes: Buffer,
  file: { length: number; indexCrc32: number; sha256?: string },
  triggerTimestamp: number,
  found: Map<string, ReadOperator>,
): void {
  check(bytes.length === file.length, 'length of a state file');
  if (file.sha256 !== undefined)
    check(createHash('sha256').update(bytes).digest('hex') === file.sha256, 'sha256 of a state file');
  const footer = bytes.subarray(-24);
  check(bytes.toString('latin1', 0, 4) === 'FJST' && footer.toString('latin1', 20, 24) === 'FJST', 'magic');
  check(bytes.readUInt32LE(4) === 1 && footer.readUInt32LE(16) === 1, 'version of a state file');
  const at = Number(footer.readBigUInt64LE(0));
  const index = bytes.subarray(at, at + footer.readUInt32LE(8));
  check(at + index.length + 24 === bytes.length, 'place of the index');
  check(crc32(index) === footer.readUInt32LE(12) && crc32(index) === file.indexCrc32, 'crc32 of the index');
  const sections = JSON.parse(index.toString('utf8')) as {
    operatorId: string;
    keyGroup: number;
    length: number;
    crc32: number;
  }[];
  let offset = 8;
  for (const { operatorId, keyGroup, length, crc32: expected } of sections) {
    const section = bytes.subarray(offset, offset + length);
    check(crc32(section) === expected, 'crc32 of a section');
    offset += length;
    const operator = found.get(operatorId)!;
    if (keyGroup < 0) operator.watermarks.push(section.readDoubleLE(0));
    else
      for (const row of readBatch(section, operator.schema)) {
        check(keyGroupOf(row, operator.schema.keys) === keyGroup, 'key group of a row');
        const { timeToLive } = operator.schema;
        if (timeToLive === undefined || Number(row.at(-1)) + timeToLive > triggerTimestamp) operator.rows.push(row);
      }
  }
  check(offset === at, 'end of the sections');
}

function readBatch(bytes: Buffer, { kind, keys, accumulators, timeToLive }: Schema): Value[][] {
  const columns = [...keys, ...accumulators];
  if (kind === 'WINDOWS') columns.push({ name: 'window end', type: { root: 'TIMESTAMP', nullable: false } });
  if (timeToLive !== undefined) columns.push({ name: 'last update', type: { root: 'TIMESTAMP', nullable: false } });
  check(bytes.toString('latin1', 0, 4) === 'FJB1', 'magic of a section');
  const rows = bytes.readUInt32LE(4);
  check(bytes.readUInt32LE(8) === columns.length && bytes.readUInt32LE(12) === 0, 'header of a section');
  const result: Value[][] = Array.from({ length: rows }, () => []);
  let at = 16;
  const part = (length: number): Buffer => {
    const taken = bytes.subarray(at, at + length);
    check(taken.length === length, 'length of a part');
    at += Math.ceil(length / 8) * 8;
    return taken;
  };
  for (const { type } of columns) {
    const header = part(16);
    const [code, flags] = [header.readUInt32LE(0), header.readUInt32LE(4)];
    check(code === CODES[type.root], `code of ${type.root}`);
    const validity = (flags & 1) === 0 ? null : part(Math.floor((rows + 7) / 8));
    const valueAt = code === 5 ? readStrings(header, flags, rows, part) : readFixed(code, rows, part);
    for (let row = 0; row < rows; row++) {
      const valid = validity === null || ((validity[Math.floor(row / 8)]! >> (row % 8)) & 1) === 1;
      result[row]!.push(valid ? valueAt(row) : null);
    }
  }
  check(at === bytes.length, 'end of a section');
  return result;
}

function readFixed(code: number, rows: number, part: (length: number) => Buffer): (row: number) => Value {
  const values = part(rows * [1, 4, 8, 4, 8][code]!);
  switch (code) {
    case 0:
      return (row) => values[row] === 1;
    case 1:
      return (row) => values.readInt32LE(row * 4);
    case 2:
      return (row) => values.readBigInt64LE(row * 8);
    case 3:
      return (row) => values.readFloatLE(row * 4);
    default:
      return (row) => values.readDoubleLE(row * 8);
  }
}

function readStrings(
  header: Buffer,
  flags: number,
  rows: number,
  part: (length: number) => Buffer,
): (row: number) => Value {
  const entries = header.readUInt32LE(8);
  const codes = (flags & 2) === 0 ? null : part(rows * 4);
  const offsets = part((entries + 1) * 4);
  const text = part(header.readUInt32LE(12));
  return (row) => {
    const entry = codes === null ? row : codes.readUInt32LE(row * 4);
    return text.toString('utf8', offsets.readUInt32LE(entry * 4), offsets.readUInt32LE(entry * 4 + 4));
  };
}

function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

function keyGroupOf(row: Value[], keys: Column[]): number {
  let h = 0;
  keys.forEach(({ type }, i) => (h = (Math.imul(h, 31) + hashOf(row[i]!, CODES[type.root]!)) | 0));
  return mix(h) & 127;
}

function hashOf(value: Value, code: number): number {
  if (value === null) return 0x5bd1e995;
  if (typeof value === 'string') return murmur3(Buffer.from(value));
  const bits = Buffer.alloc(8);
  if (code < 3) bits.writeBigInt64LE(BigInt(value));
  else bits.writeDoubleLE(Number(value) + 0);
  return mix(Math.imul(bits.readInt32LE(0), 0x9e3779b1) ^ mix(bits.readInt32LE(4)));
}

/** Austin Appleby's MurmurHash3_x86_32 with seed 0. */
function murmur3(bytes: Buffer): number {
  const scramble = (k: number): number => {
    k = Math.imul(k, 0xcc9e2d51);
    return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  };
  let h = 0;
  const whole = bytes.length - (bytes.length % 4);
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(bytes.readInt32LE(i));
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!;
  if (whole < bytes.length) h ^= scramble(tail);
  return mix(h ^ bytes.length);
}
