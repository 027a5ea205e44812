// String helpers that generated code calls. Lengths and positions count code points, as Flink's BinaryStringData does.
import { EngineError } from '../../errors.ts';
import { parseBoolean, parseDecimal } from './numbers.ts';

/** True when every UTF-16 unit is a code point of its own. */
function simple(text: string): boolean {
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xf800) === 0xd800) return false;
  return true;
}

export function charLength(text: string): number {
  if (simple(text)) return text.length;
  return Array.from(text).length;
}

/** Code points [start, end). */
function range(text: string, start: number, end: number): string {
  return simple(text) ? text.slice(start, end) : Array.from(text).slice(start, end).join('');
}

/** Order of the UTF-8 bytes: by code point, where JavaScript's own order is by UTF-16 unit. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = (x & 0xf800) === 0xd800;
    if (surrogateX === ((y & 0xf800) === 0xd800)) return x - y;
    // Surrogates stand for code points above every other unit.
    return surrogateX ? 1 : -1;
  }
  return a.length - b.length;
}

/** SUBSTRING: `position` counts from 1, from the end when negative; NULL when `length` is negative (Flink's substringSQL). */
export function substring(text: string, position: number, length: number): string | null {
  if (length < 0) return null;
  const total = charLength(text);
  const start = position > 0 ? position - 1 : position < 0 ? total + position : 0;
  if (start < 0 || start >= total) return '';
  return range(text, start, Math.min(total, start + length));
}

export function left(text: string, length: number): string {
  return length <= 0 ? '' : range(text, 0, length);
}

export function right(text: string, length: number): string {
  if (length <= 0) return '';
  const total = charLength(text);
  return length >= total ? text : range(text, total - length, total);
}

/** 1-based position of `needle`, 0 when it is not there. */
export function position(needle: string, text: string): number {
  const at = text.indexOf(needle);
  return at < 0 ? 0 : charLength(text.slice(0, at)) + 1;
}

/** LPAD and RPAD, which count UTF-16 units; NULL for a negative length or an empty pad, as in Flink. */
export function pad(text: string, length: number, padding: string, atStart: boolean): string | null {
  if (length < 0 || padding === '') return null;
  if (text.length >= length) return text.slice(0, length);
  return atStart ? text.padStart(length, padding) : text.padEnd(length, padding);
}

/** Strips characters of `characters` from the start, the end, or both. */
export function trim(text: string, characters: string, atStart: boolean, atEnd: boolean): string {
  const set = new Set(characters);
  const points = characters === ' ' || simple(text) ? text : Array.from(text);
  let start = 0;
  let end = points.length;
  if (atStart) while (start < end && set.has(points[start]!)) start++;
  if (atEnd) while (end > start && set.has(points[end - 1]!)) end--;
  const kept = points.slice(start, end);
  return typeof kept === 'string' ? kept : kept.join('');
}

export function reverse(text: string): string {
  return Array.from(text).reverse().join('');
}

/** Piece `index` (from 0) of `text` split at `separator`; NULL when there is none, as in an empty text. */
export function splitIndex(text: string, separator: string, index: number): string | null {
  if (index < 0 || text === '') return null;
  const pieces = separator === '' ? text.split(/\s+/) : text.split(separator);
  return pieces[index] ?? null;
}

export function concatWs(separator: string, parts: (string | null)[]): string {
  return parts.filter((part) => part !== null).join(separator);
}

/** Text cut to a length of CHAR or VARCHAR; CHAR is padded with spaces. */
export function toLength(text: string, length: number, padded: boolean): string {
  const total = charLength(text);
  if (total > length) return range(text, 0, length);
  return padded ? text + ' '.repeat(length - total) : text;
}

export type Matcher = (text: string) => boolean;

/** LIKE as a function of the text. `escape` null: no escape character, as in Flink. */
export function likeMatcher(pattern: string, escape: string | null): Matcher {
  let regex = '';
  let literal = '';
  const wildcards: string[] = [];
  const points = Array.from(pattern);
  for (let i = 0; i < points.length; i++) {
    let point = points[i]!;
    if (point === escape) {
      const next = points[++i];
      if (next !== '%' && next !== '_' && next !== escape)
        throw new EngineError(
          'LIKE_ESCAPE',
          `the escape character of LIKE pattern '${pattern}' stands before nothing to escape`,
          {
            hint: `write '%', '_' or '${escape}' behind '${escape}'`,
          },
        );
      point = next;
    } else if (point === '%' || point === '_') {
      regex += point === '%' ? '[^]*' : '[^]';
      wildcards.push(`${point}${literal.length}`);
      continue;
    }
    literal += point;
    regex += point.replace(/[\\^$.*+?()[\]{}|/-]/, (special) => (special === '-' ? '\\x2d' : `\\${special}`));
  }
  const shape = wildcards.join(' ');
  if (shape === '') return (text) => text === literal;
  if (shape === `%${literal.length}`) return (text) => text.startsWith(literal);
  if (shape === '%0') return (text) => text.endsWith(literal);
  if (shape === `%0 %${literal.length}`) return (text) => text.includes(literal);
  const compiled = new RegExp(`^${regex}$`, 'u');
  return (text) => compiled.test(text);
}

/** A small cache for patterns that come from data. */
function memoized<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      if (known.size >= 256) known.clear();
      known.set(key, (value = make(key)));
    }
    return value;
  };
}

const matcherOf = memoized((key) => {
  const [pattern, escape] = JSON.parse(key) as [string, string | null];
  return likeMatcher(pattern, escape);
});

export function like(text: string, pattern: string, escape: string | null): boolean {
  return matcherOf(JSON.stringify([pattern, escape]))(text);
}

/**
 * A Java regular expression as a JavaScript one. Inline flags at the start ((?i), (?s), (?m)) are understood; what JavaScript has no
 * equal for (possessive quantifiers, \p{javaX}) is refused: a silent NULL would hide it.
 */
export const regexOf = memoized((pattern: string): RegExp => {
  const flags = /^\(\?([ism]+)\)/.exec(pattern);
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  for (const mode of ['u', '']) {
    try {
      return new RegExp(body, `g${mode}${[...new Set(flags?.[1] ?? '')].join('')}`);
    } catch {
      // Java lets needless escapes pass that the unicode mode refuses: the second round is without it.
    }
  }
  throw new EngineError('REGEX_UNSUPPORTED', `regular expression '${pattern}' is not understood`, {
    hint: 'use the syntax that Java and JavaScript share',
  });
});

/** The replacement is literal text, as in Flink. */
export function regexpReplace(text: string, pattern: string, replacement: string): string {
  return text.replace(regexOf(pattern), () => replacement);
}

export function regexpExtract(text: string, pattern: string, group: number): string | null {
  const regex = regexOf(pattern);
  regex.lastIndex = 0;
  return regex.exec(text)?.[group] ?? null;
}

function failedCast(text: string, type: string): never {
  throw new EngineError('CAST_FAILED', `cannot cast '${text.slice(0, 200)}' to ${type}`, {
    hint: 'TRY_CAST gives NULL instead',
  });
}

/** The value of a conversion that must not fail. */
export function required<T>(value: T | null, text: string, type: string): T {
  return value === null ? failedCast(text, type) : value;
}

export { parseBoolean, parseDecimal };
