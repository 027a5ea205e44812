// Splits batches by key group over the subtasks of an exchange. The hash is that of state/key-groups.ts: the two must never differ.
import { entryCount, type Column, type ColumnBatch } from '../columnar/batch.ts';
import { compactStrings } from '../columnar/concat.ts';
import { gather } from '../columnar/select.ts';
import { physical, type Schema } from '../plan/types.ts';
import {
  HASH_NULL,
  hashBytes,
  hashDouble,
  hashInt64,
  KEY_GROUPS,
  mix32,
  subtaskOfKeyGroup,
} from '../state/key-groups.ts';
import { instantiate } from './function-cache.ts';

/** Hands the rows of a batch to `emit`, at most one part per target, in order within a part. Parts without rows are not emitted. */
export type Partitioner = (batch: ColumnBatch, emit: (target: number, part: ColumnBatch) => void) => void;

/** Writes each row's target to `targetOf` and adds the number of rows of each target to `counts`. */
type TargetFunction = (
  columns: Column[],
  rows: number,
  subtasks: Int32Array,
  targetOf: Int32Array,
  counts: Int32Array,
) => void;

/** Hash of each dictionary entry of one key column, kept while the dictionary stays the same. */
class EntryHashes {
  private offsets: Int32Array | null = null;
  private bytes: Uint8Array | null = null;
  private hashes = new Int32Array(0);

  of(offsets: Int32Array, bytes: Uint8Array): Int32Array {
    if (this.offsets === offsets && this.bytes === bytes) return this.hashes;
    const entries = offsets.length - 1;
    if (this.hashes.length < entries) this.hashes = new Int32Array(entries);
    const { hashes } = this;
    for (let entry = 0; entry < entries; entry++)
      hashes[entry] = hashBytes(bytes, offsets[entry]!, offsets[entry + 1]!);
    this.offsets = offsets;
    this.bytes = bytes;
    return hashes;
  }
}

const runtime = {
  hashDouble,
  hashInt64,
  mix32,
  int32View: (values: BigInt64Array): Int32Array => new Int32Array(values.buffer, values.byteOffset, values.length * 2),
  entryHashes: (): EntryHashes => new EntryHashes(),
};

/**
 * Splits batches of `schema` over `targets` subtasks by the key group of the columns `keys`. Dictionaries are shared by the parts unless one
 * has more entries than the part has rows: then the part gets its own, of the entries that it uses.
 */
export function compilePartitioner(schema: Schema, keys: number[], targets: number): Partitioner {
  const subtasks = Int32Array.from({ length: KEY_GROUPS }, (_, group) => subtaskOfKeyGroup(group, targets));
  const variants = new Map<string, TargetFunction>();
  const counts = new Int32Array(targets);
  let targetOf = new Int32Array(0);

  return (batch, emit) => {
    const { rows, columns } = batch;
    if (rows === 0) return;
    if (targets === 1) {
      emit(0, batch);
      return;
    }
    let shape = '';
    for (const key of keys) {
      const column = columns[key]!;
      shape += `${column.validity === null ? '' : 'v'}${column.physical === 'str' && column.codes === null ? 'd' : ''},`;
    }
    const assign = variants.get(shape) ?? instantiate<TargetFunction>(targetSource(schema, keys, columns), runtime);
    variants.set(shape, assign);
    if (targetOf.length < rows) targetOf = new Int32Array(Math.max(rows, targetOf.length * 2));
    counts.fill(0);
    assign(columns, rows, subtasks, targetOf, counts);
    scatter(batch, targetOf, counts, emit);
  };
}

function targetSource(schema: Schema, keys: number[], columns: Column[]): string {
  const state: string[] = [];
  const prologue: string[] = [];
  const body: string[] = ['let h = 0;'];
  keys.forEach((key, k) => {
    const { validity } = columns[key]!;
    prologue.push(`const c${k} = columns[${key}];`);
    if (validity !== null) prologue.push(`const n${k} = c${k}.validity;`);
    let hash: string;
    switch (physical(schema[key]!.type)) {
      case 'str': {
        const column = columns[key]!;
        const entry = column.physical === 'str' && column.codes === null ? 'i' : `d${k}[i]`;
        state.push(`const e${k} = rt.entryHashes();`);
        prologue.push(`const d${k} = c${k}.codes, v${k} = e${k}.of(c${k}.offsets, c${k}.bytes);`);
        hash = `v${k}[${entry}]`;
        break;
      }
      case 'i64':
        prologue.push(`const v${k} = rt.int32View(c${k}.values);`);
        hash = `hashInt64(v${k}[2 * i], v${k}[2 * i + 1])`;
        break;
      case 'f32':
      case 'f64':
        prologue.push(`const v${k} = c${k}.values;`);
        hash = `hashDouble(v${k}[i])`;
        break;
      case 'u8':
      case 'i32':
        prologue.push(`const v${k} = c${k}.values;`);
        hash = `hashInt64(v${k}[i], v${k}[i] >> 31)`;
        break;
    }
    const valid = validity === null ? hash : `((n${k}[i >> 3] >> (i & 7)) & 1) === 1 ? ${hash} : ${HASH_NULL}`;
    body.push(`h = (Math.imul(h, 31) + (${valid})) | 0;`);
  });
  return `const { mix32, hashInt64, hashDouble } = rt;
${state.join('\n')}
return function assignTargets(columns, rows, subtasks, targetOf, counts) {
${prologue.join('\n')}
for (let i = 0; i < rows; i++) {
${body.join('\n')}
const target = subtasks[mix32(h) & ${KEY_GROUPS - 1}];
targetOf[i] = target;
counts[target]++;
}
};`;
}

/** A counting sort of the row numbers by target, then one gather per target. */
function scatter(
  batch: ColumnBatch,
  targetOf: Int32Array,
  counts: Int32Array,
  emit: (target: number, part: ColumnBatch) => void,
): void {
  const { rows } = batch;
  const next = new Int32Array(counts.length);
  let start = 0;
  for (let target = 0; target < counts.length; target++) {
    if (counts[target] === rows) {
      emit(target, batch);
      return;
    }
    next[target] = start;
    start += counts[target]!;
  }
  const order = new Int32Array(rows);
  for (let row = 0; row < rows; row++) order[next[targetOf[row]!]!++] = row;
  for (let target = 0; target < counts.length; target++) {
    const count = counts[target]!;
    if (count > 0) emit(target, part(batch, order.subarray(next[target]! - count, next[target])));
  }
}

function part(batch: ColumnBatch, indexes: Int32Array): ColumnBatch {
  const picked = gather(batch, indexes);
  picked.columns.forEach((column, index) => {
    if (column.physical === 'str' && entryCount(column) > picked.rows)
      picked.columns[index] = compactStrings(column, picked.rows);
  });
  return picked;
}
