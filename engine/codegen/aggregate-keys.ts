// Source text that finds the group of a row's key, or makes it: one shape per combination of key types, without a loop over columns.
import type { Physical } from '../plan/types.ts';
import { HASH_AT, type RecordField, type RecordLayout } from '../state/records.ts';

/** What the text is specialised for. */
export interface KeyShape {
  layout: RecordLayout;
  /** Key values may be NULL, in this batch or in the table. */
  nullable: boolean;
}

/** Locals that hold for the whole batch. */
export function keyPrelude({ layout }: KeyShape): string {
  return layout.keys
    .map((field, i) => {
      const common = `const k${i} = keys[${i}].data, kv${i} = keys[${i}].validity;`;
      if (field.physical !== 'str') return common;
      return `${common} const kb${i} = keys[${i}].bytes, kc${i} = keys[${i}].codes, km${i} = keys[${i}].memo, kh${i} = table.heaps[${i}];`;
    })
    .join('\n');
}

/** Rows whose lookups are begun together. */
export const AHEAD_ROWS = 256;

/**
 * A table beyond the processor's caches makes each lookup wait for memory twice, for the slot and for the record, and what comes behind depends on it.
 * These statements ask for the slots and records of rows `at` to `end` first (`rowAt` gives the expression of a row), which do not wait for one another, and leave the hashes in `ahead`.
 * Null: the key is not known by its hash alone before strings are interned.
 */
export function lookAhead({ layout, nullable }: KeyShape, rowAt: (at: string) => string): string | null {
  const { keys, width } = layout;
  if (keys.length === 0 || keys.some(({ physical }) => physical === 'str')) return null;
  return `
let seen = 0;
for (let i = at; i < end; i++) {
  const row = ${rowAt('i')};
  ${keys.map((field, i) => readKey(field.physical, i, nullable)).join('\n')}
  const hash = ${combinedHash({ layout, nullable })};
  ahead[i - at] = hash;
  seen ^= slots[hash & mask];
}
for (let i = end - at - 1; i >= 0; i--) seen ^= R[Math.max(0, slots[ahead[i] & mask] - 1) * ${width}];
table.seen = seen;`;
}

/** An expression for the hash of the key that was read. The first column's hash is combined with 0, which leaves it as it is. */
export function combinedHash({ layout, nullable }: KeyShape): string {
  const hash = layout.keys.map((field, i) => hashKey(field.physical, i, nullable));
  return hash.slice(1).reduce((before, next) => `(Math.imul(${before}, 31) + ${next} | 0)`, hash[0]!);
}

/**
 * Statements that set `g` to the group of `row` and `b` to where its record starts, both declared before; `size` counts the groups. A group
 * that was not there is made, with the words of `initial` set. `hash` is an expression for the hash when it has been reckoned before.
 */
export function findGroup(shape: KeyShape, initial: string, hash = combinedHash(shape)): string {
  const { layout, nullable } = shape;
  const { keys, width } = layout;
  if (keys.length === 0) return `if (size === 0) { size = 1; R[${HASH_AT}] = 0; ${initial} }`;
  if (keys.length === 1 && keys[0]!.physical === 'str') return findByString(shape, initial);
  const read = keys.map((field, i) => readKey(field.physical, i, nullable)).join('\n');
  const equal = keys.map((field, i) => equalKey(field, i, nullable));
  // Of several columns few keys share a hash: comparing it first spares comparing the rest.
  if (keys.length > 1) equal.unshift(`R[b + ${HASH_AT}] === hash`);
  return `
${read}
const hash = ${hash};
let slot = hash & mask;
for (;;) {
  g = slots[slot] - 1;
  if (g < 0) {
    g = size++;
    slots[slot] = size;
    b = g * ${width};
    R[b + ${HASH_AT}] = hash;
    ${keys.map((field, i) => writeKey(field, i, nullable)).join(' ')}
    ${initial}
    break;
  }
  b = g * ${width};
  if (${equal.join(' && ')}) break;
  slot = slot + 1 & mask;
}`;
}

/** A single string: groups and ids of the heap count in step, so that the memo of the dictionary leads to the group at once. */
function findByString({ layout, nullable }: KeyShape, initial: string): string {
  const field = layout.keys[0]!;
  const create = (valid: boolean): string => `
b = g * ${layout.width};
if (g === size) {
  size++;
  R[b + ${HASH_AT}] = kh0.hashes[g];
  R[b + ${field.at}] = g;
  ${valid ? `R[b + ${field.validAt}] |= ${1 << field.validBit};` : ''}
  ${initial}
}`;
  const lookup = `${readString(0, 'g')} ${create(true)}`;
  if (!nullable) return lookup;
  return `
if (${isNull(0)}) {
  g = table.nullGroup;
  if (g < 0) g = table.nullGroup = kh0.addUnlisted();
  ${create(false)}
} else {
  ${lookup}
}`;
}

function isNull(i: number): string {
  return `kv${i} !== null && (kv${i}[row >> 3] >> (row & 7) & 1) === 0`;
}

/** Sets `target` to the id of the string in key column i, looked up once per dictionary entry. */
function readString(i: number, target: string): string {
  return `
const e${i} = kc${i} === null ? row : kc${i}[row];
${target} = km${i} === null ? -1 : km${i}[e${i}];
if (${target} < 0) {
  ${target} = kh${i}.intern(kb${i}, k${i}[e${i}], k${i}[e${i} + 1]);
  if (km${i} !== null) km${i}[e${i}] = ${target};
}`;
}

/** Declares z (1 = not NULL) and the value; a NULL's value is 0. */
function readKey(kind: Physical, i: number, nullable: boolean): string {
  const valid = nullable ? `const z${i} = ${isNull(i)} ? 0 : 1;` : '';
  const or0 = (value: string): string => (nullable ? `z${i} === 0 ? 0 : ${value}` : value);
  switch (kind) {
    case 'i64':
      return `${valid} const lo${i} = ${or0(`k${i}[2 * row]`)}, hi${i} = ${or0(`k${i}[2 * row + 1]`)};`;
    case 'f32':
    case 'f64':
      // -0 is 0, and any NaN is the one NaN.
      return `${valid} let d${i} = ${or0(`k${i}[row]`)}; if (d${i} === 0) d${i} = 0; else if (d${i} !== d${i}) d${i} = NaN;`;
    case 'str':
      return nullable
        ? `${valid} let d${i} = 0; if (z${i} === 1) { ${readString(i, `d${i}`)} }`
        : `let d${i} = 0; ${readString(i, `d${i}`)}`;
    default:
      return `${valid} const d${i} = ${or0(`k${i}[row]`)};`;
  }
}

function hashKey(kind: Physical, i: number, nullable: boolean): string {
  const hash = {
    i64: `hashInt64(lo${i}, hi${i})`,
    i32: `hashInt64(d${i}, d${i} >> 31)`,
    u8: `hashInt64(d${i}, 0)`,
    f32: `hashDouble(d${i})`,
    f64: `hashDouble(d${i})`,
    str: `kh${i}.hashes[d${i}]`,
  }[kind];
  return nullable ? `(z${i} === 0 ? HASH_NULL : ${hash})` : hash;
}

/** Where a value of one word, or a double, lies in the record at word `b`. */
export function place({ physical, at }: RecordField): string {
  return physical === 'f64' ? `D[(b >> 1) + ${at / 2}]` : physical === 'f32' ? `F[b + ${at}]` : `R[b + ${at}]`;
}

function equalKey(field: RecordField, i: number, nullable: boolean): string {
  const valid = nullable ? `(R[b + ${field.validAt}] >>> ${field.validBit} & 1) === z${i} && ` : '';
  const at = place(field);
  switch (field.physical) {
    case 'i64':
      return `${valid}R[b + ${field.at}] === lo${i} && R[b + ${field.at + 1}] === hi${i}`;
    case 'f32':
    case 'f64':
      return `${valid}(${at} === d${i} || (d${i} !== d${i} && ${at} !== ${at}))`;
    default:
      return `${valid}${at} === d${i}`;
  }
}

function writeKey(field: RecordField, i: number, nullable: boolean): string {
  const valid = `R[b + ${field.validAt}] |= ${nullable ? `z${i} << ${field.validBit}` : 1 << field.validBit};`;
  return field.physical === 'i64'
    ? `R[b + ${field.at}] = lo${i}; R[b + ${field.at + 1}] = hi${i}; ${valid}`
    : `${place(field)} = d${i}; ${valid}`;
}
