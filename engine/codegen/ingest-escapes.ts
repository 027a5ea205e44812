// Strings that stand otherwise in a file than they are: quotes doubled in CSV, escapes in JSON. Undone byte by byte, without strings between.
import type { StringSink } from './ingest-columns.ts';

/** Copies go by words. */
const SLACK = 8;

let scratch = new Uint8Array(4096);
let view = new DataView(scratch.buffer);

/** Room for a string that is no longer than `length`. What is in the scratch is lost. */
function reserve(length: number): void {
  if (length + SLACK <= scratch.length) return;
  scratch = new Uint8Array(Math.max(scratch.length * 2, length + SLACK));
  view = new DataView(scratch.buffer);
}

/**
 * Puts the CSV field whose text begins at `start`, behind its opening quote, for `row`, doubled quotes as one. Returns the offset of the
 * closing quote, or -1 when it is not before `to`.
 */
export function putDoubled(
  strings: StringSink,
  bytes: Uint8Array,
  start: number,
  to: number,
  quote: number,
  row: number,
): number {
  let end = start;
  while (end < to && (bytes[end] !== quote || bytes[end + 1] === quote)) end += bytes[end] === quote ? 2 : 1;
  if (end >= to) return -1;
  reserve(end - start);
  const target = scratch;
  let length = 0;
  for (let p = start; p < end; p++) {
    const c = bytes[p]!;
    target[length++] = c;
    if (c === quote) p++;
  }
  strings.put(target, view, 0, length, row);
  return end;
}

/** What the letter behind a backslash stands for; 0 for those that are no escape, and for u. */
const escapes = new Uint8Array(256);
for (const [letter, meaning] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'])
  escapes[letter!.charCodeAt(0)] = meaning!.charCodeAt(0);

/** Puts the JSON string between the quotes `bytes[start, end)` for `row`; false when an escape is wrong. */
export function putUnescaped(strings: StringSink, bytes: Uint8Array, start: number, end: number, row: number): boolean {
  // No escape is shorter than what it stands for.
  reserve(end - start);
  const target = scratch;
  let length = 0;
  for (let p = start; p < end; p++) {
    const c = bytes[p]!;
    if (c !== 92) {
      target[length++] = c;
      continue;
    }
    const letter = bytes[++p]!;
    if (letter !== 117) {
      const meaning = escapes[letter]!;
      if (meaning === 0) return false;
      target[length++] = meaning;
      continue;
    }
    let code = hex4(bytes, p + 1);
    p += 4;
    if (code < 0 || p >= end) return false;
    if (code >= 0xd800 && code < 0xe000) {
      // A pair of surrogates is one character; one alone is none, and becomes U+FFFD.
      const low = code < 0xdc00 && bytes[p + 1] === 92 && bytes[p + 2] === 117 ? hex4(bytes, p + 3) : -1;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
      } else code = 0xfffd;
    }
    length = putCharacter(target, length, code);
  }
  strings.put(target, view, 0, length, row);
  return true;
}

/** Four hexadecimal digits as a number; negative when one is none. */
function hex4(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i]!;
    const letter = c | 32;
    const digit = c >= 48 && c <= 57 ? c - 48 : letter >= 97 && letter <= 102 ? letter - 87 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** The UTF-8 of a code point at `at`; returns the offset behind it. */
function putCharacter(target: Uint8Array, at: number, code: number): number {
  if (code < 0x80) target[at++] = code;
  else if (code < 0x800) target[at++] = 0xc0 | (code >> 6);
  else if (code < 0x10000) {
    target[at++] = 0xe0 | (code >> 12);
    target[at++] = 0x80 | ((code >> 6) & 63);
  } else {
    target[at++] = 0xf0 | (code >> 18);
    target[at++] = 0x80 | ((code >> 12) & 63);
    target[at++] = 0x80 | ((code >> 6) & 63);
  }
  if (code >= 0x80) target[at++] = 0x80 | (code & 63);
  return at;
}
