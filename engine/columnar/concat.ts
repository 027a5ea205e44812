// Several batches as one, and dictionaries cut down to the entries in use.
import { physical, type Physical, type Schema } from '../plan/types.ts';
import {
  allocateValues,
  allValid,
  entryCount,
  type Column,
  type ColumnBatch,
  type FixedColumn,
  type StringColumn,
} from './batch.ts';

/** A batch without rows. */
export function emptyBatch(schema: Schema): ColumnBatch {
  return { schema, rows: 0, columns: schema.map((field) => emptyColumn(physical(field.type))), kinds: null };
}

function emptyColumn(kind: Physical): Column {
  if (kind !== 'str') return { physical: kind, values: allocateValues(kind, 0), validity: null };
  return { physical: kind, codes: null, offsets: new Int32Array(1), bytes: new Uint8Array(0), validity: null };
}

/** All rows of `batches`, in order, as one batch of `schema`. Dictionaries that are the same arrays are kept once. */
export function concatBatches(schema: Schema, batches: ColumnBatch[]): ColumnBatch {
  if (batches.length === 1) return batches[0]!;
  const counts = batches.map((batch) => batch.rows);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const columns = schema.map((field, index): Column => {
    const parts = batches.map((batch) => batch.columns[index]!);
    const validity = concatValidity(parts, counts, rows);
    const kind = physical(field.type);
    if (kind === 'str') return concatStrings(parts as StringColumn[], counts, rows, validity);
    return { physical: kind, values: concatValues(parts as FixedColumn[], counts, kind, rows), validity };
  });
  return { schema, rows, columns, kinds: concatKinds(batches, rows) };
}

function concatValues(parts: FixedColumn[], counts: number[], kind: FixedColumn['physical'], rows: number) {
  const out = allocateValues(kind, rows);
  let at = 0;
  parts.forEach((part, index) => {
    const used = part.values.subarray(0, counts[index]);
    // The element types are equal by construction; TypeScript sees the union.
    if (out instanceof BigInt64Array) out.set(used as BigInt64Array, at);
    else out.set(used as Float64Array, at);
    at += counts[index]!;
  });
  return out;
}

function concatStrings(
  parts: StringColumn[],
  counts: number[],
  rows: number,
  validity: Uint8Array | null,
): StringColumn {
  const firstEntry = new Map<Int32Array, Map<Uint8Array, number>>();
  const dictionaries: StringColumn[] = [];
  let entries = 0;
  let length = 0;
  const codes = new Int32Array(rows);
  let row = 0;
  parts.forEach((part, index) => {
    const count = counts[index]!;
    if (count === 0) return;
    // A dictionary far larger than the rows that use it is cut down first.
    const { codes: own, offsets, bytes } = entryCount(part) > 4 * count + 64 ? compactStrings(part, count) : part;
    let byBytes = firstEntry.get(offsets);
    if (byBytes === undefined) firstEntry.set(offsets, (byBytes = new Map<Uint8Array, number>()));
    let base = byBytes.get(bytes);
    if (base === undefined) {
      base = entries;
      byBytes.set(bytes, base);
      dictionaries.push({ physical: 'str', codes: null, offsets, bytes, validity: null });
      entries += offsets.length - 1;
      length += offsets[offsets.length - 1]! - offsets[0]!;
    }
    if (own === null) for (let i = 0; i < count; i++) codes[row++] = base + i;
    else for (let i = 0; i < count; i++) codes[row++] = base + own[i]!;
  });
  const offsets = new Int32Array(entries + 1);
  const bytes = new Uint8Array(length);
  let entry = 0;
  let at = 0;
  for (const dictionary of dictionaries) {
    const start = dictionary.offsets[0]!;
    const own = entryCount(dictionary);
    bytes.set(dictionary.bytes.subarray(start, dictionary.offsets[own]), at);
    for (let i = 1; i <= own; i++) offsets[entry + i] = at + dictionary.offsets[i]! - start;
    entry += own;
    at = offsets[entry]!;
  }
  return { physical: 'str', codes, offsets, bytes, validity };
}

/** The same `rows` strings over a dictionary of only the entries that they use, in order of first use. */
export function compactStrings(column: StringColumn, rows: number): StringColumn {
  const { codes, offsets, bytes } = column;
  if (codes === null) {
    const end = offsets[rows]!;
    return { ...column, offsets: offsets.subarray(0, rows + 1), bytes: bytes.subarray(0, end) };
  }
  const renamed = new Int32Array(entryCount(column)).fill(-1);
  const used = new Int32Array(rows);
  const own = new Int32Array(rows);
  let entries = 0;
  let length = 0;
  for (let row = 0; row < rows; row++) {
    const code = codes[row]!;
    let entry = renamed[code]!;
    if (entry < 0) {
      entry = renamed[code] = entries;
      used[entries++] = code;
      length += offsets[code + 1]! - offsets[code]!;
    }
    own[row] = entry;
  }
  const newOffsets = new Int32Array(entries + 1);
  const newBytes = new Uint8Array(length);
  let at = 0;
  for (let entry = 0; entry < entries; entry++) {
    const end = offsets[used[entry]! + 1]!;
    for (let i = offsets[used[entry]!]!; i < end; i++) newBytes[at++] = bytes[i]!;
    newOffsets[entry + 1] = at;
  }
  return { physical: 'str', codes: own, offsets: newOffsets, bytes: newBytes, validity: column.validity };
}

function concatValidity(parts: Column[], counts: number[], rows: number): Uint8Array | null {
  if (parts.every((part) => part.validity === null)) return null;
  const out = allValid(rows);
  let row = 0;
  parts.forEach((part, index) => {
    const count = counts[index]!;
    const { validity } = part;
    if (validity !== null)
      for (let i = 0; i < count; i++)
        if (((validity[i >> 3]! >> (i & 7)) & 1) === 0) out[(row + i) >> 3]! &= ~(1 << ((row + i) & 7));
    row += count;
  });
  return out;
}

function concatKinds(batches: ColumnBatch[], rows: number): Uint8Array | null {
  if (batches.every((batch) => batch.kinds === null)) return null;
  const out = new Uint8Array(rows);
  let at = 0;
  for (const { kinds, rows: count } of batches) {
    if (kinds !== null) out.set(kinds.subarray(0, count), at);
    at += count;
  }
  return out;
}
