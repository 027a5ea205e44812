// Source text that finds the group of a row's key, or makes it: one shape per combination of key types, without a loop over columns.
import type { Physical } from '../plan/types.ts';

/** What the text is specialised for. */
export interface KeyShape {
  keys: Physical[];
  /** Key values may be NULL, in this batch or in the table. */
  nullable: boolean;
}

/** Locals that hold for the whole batch. */
export function keyPrelude(shape: KeyShape): string {
  return shape.keys
    .map((kind, i) => {
      const common = `const k${i} = keys[${i}].data, kv${i} = keys[${i}].validity;`;
      if (kind !== 'str') return common;
      return `${common} const kb${i} = keys[${i}].bytes, kc${i} = keys[${i}].codes, km${i} = keys[${i}].memo, kh${i} = table.keys[${i}].heap;`;
    })
    .join('\n');
}

/** Locals that hold until the table grows. */
export function keyArrays(shape: KeyShape): string {
  const stores = shape.keys.map(
    (kind, i) =>
      `const t${i} = table.keys[${i}].store.${kind === 'i64' ? 'words' : 'values'}, tv${i} = table.keys[${i}].store.valid;`,
  );
  return ['const hashes = table.hashes, slots = table.slots, mask = slots.length - 1;', ...stores].join('\n');
}

/** Statements that set `g`, a declared variable, to the group of `row`; `size` counts the groups. */
export function findGroup(shape: KeyShape): string {
  const { keys } = shape;
  if (keys.length === 0) return 'g = 0; if (size === 0) { size = 1; hashes[0] = 0; }';
  if (keys.length === 1 && keys[0] === 'str') return findByString(shape);
  const read = keys.map((kind, i) => readKey(kind, i, shape.nullable)).join('\n');
  const hash = keys.map((kind, i) => hashKey(kind, i, shape.nullable));
  // The first column's hash is combined with 0, which leaves it as it is.
  const combined = hash.slice(1).reduce((before, next) => `(Math.imul(${before}, 31) + ${next} | 0)`, hash[0]!);
  // Of several columns, or of strings, few keys share a hash: comparing it first spares comparing the rest.
  const equal = keys.map((kind, i) => equalKey(kind, i, shape.nullable));
  if (keys.length > 1) equal.unshift('hashes[g] === hash');
  const write = keys.map((kind, i) => writeKey(kind, i, shape.nullable)).join(' ');
  return `
${read}
const hash = ${combined};
let slot = hash & mask;
for (;;) {
  g = slots[slot] - 1;
  if (g < 0) {
    g = size++;
    slots[slot] = size;
    hashes[g] = hash;
    ${write}
    break;
  }
  if (${equal.join(' && ')}) break;
  slot = slot + 1 & mask;
}`;
}

/** A single string: groups and ids of the heap count in step, so that the memo of the dictionary leads to the group at once. */
function findByString(shape: KeyShape): string {
  const create = (valid: number): string =>
    `if (g === size) { size++; hashes[g] = kh0.hashes[g]; t0[g] = g; tv0[g] = ${valid}; }`;
  const lookup = `${readString(0, 'g')} ${create(1)}`;
  if (!shape.nullable) return lookup;
  return `
if (${isNull(0)}) {
  g = table.nullGroup;
  if (g < 0) g = table.nullGroup = kh0.addUnlisted();
  ${create(0)}
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

function equalKey(kind: Physical, i: number, nullable: boolean): string {
  const valid = nullable ? `tv${i}[g] === z${i} && ` : '';
  switch (kind) {
    case 'i64':
      return `${valid}t${i}[2 * g] === lo${i} && t${i}[2 * g + 1] === hi${i}`;
    case 'f32':
    case 'f64':
      return `${valid}(t${i}[g] === d${i} || (d${i} !== d${i} && t${i}[g] !== t${i}[g]))`;
    default:
      return `${valid}t${i}[g] === d${i}`;
  }
}

function writeKey(kind: Physical, i: number, nullable: boolean): string {
  const valid = `tv${i}[g] = ${nullable ? `z${i}` : '1'};`;
  return kind === 'i64' ? `t${i}[2 * g] = lo${i}; t${i}[2 * g + 1] = hi${i}; ${valid}` : `t${i}[g] = d${i}; ${valid}`;
}
