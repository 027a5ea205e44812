// The shape of a JSON row: its keys in order, and the bytes between values. Rows of one writer nearly always share it.

export interface JsonTemplate {
  keys: string[];
  /** `literals[i]` comes before the value of `keys[i]`; the last one behind the last value, up to the end of the line. */
  literals: Uint8Array[];
  /** Equal for equal templates. */
  signature: string;
}

const decoder = new TextDecoder();
const blank = (c: number | undefined): boolean => c === 32 || c === 9 || c === 13;

/** The template of the object `bytes[start, end)`, which is known to be valid JSON; null when it has no keys. */
export function jsonTemplate(bytes: Uint8Array, start: number, end: number): JsonTemplate | null {
  // A carriage return before the newline is not part of the shape.
  while (end > start && bytes[end - 1] === 13) end--;
  const keys: string[] = [];
  const literals: Uint8Array[] = [];
  let p = start;
  let literalStart = start;
  const skipBlanks = (): void => {
    while (blank(bytes[p])) p++;
  };
  skipBlanks();
  p++;
  skipBlanks();
  if (bytes[p] === 125) return null;
  for (;;) {
    const keyStart = p;
    p = stringEnd(bytes, p);
    keys.push(JSON.parse(decoder.decode(bytes.subarray(keyStart, p))) as string);
    skipBlanks();
    p++;
    skipBlanks();
    literals.push(bytes.slice(literalStart, p));
    p = valueEnd(bytes, p);
    literalStart = p;
    skipBlanks();
    if (bytes[p] === 125) break;
    p++;
    skipBlanks();
  }
  literals.push(bytes.slice(literalStart, end));
  return { keys, literals, signature: literals.map((literal) => decoder.decode(literal)).join('\u0000') };
}

/** Offset behind the string that starts at `p`. */
function stringEnd(bytes: Uint8Array, p: number): number {
  for (p++; bytes[p] !== 34; p++) if (bytes[p] === 92) p++;
  return p + 1;
}

function valueEnd(bytes: Uint8Array, p: number): number {
  if (bytes[p] === 34) return stringEnd(bytes, p);
  let depth = 0;
  for (;;) {
    const c = bytes[p]!;
    if (c === 34) {
      p = stringEnd(bytes, p);
      continue;
    }
    if (c === 123 || c === 91) depth++;
    else if (c === 125 || c === 93) {
      if (depth === 0) return p;
      if (--depth === 0) return p + 1;
    } else if (depth === 0 && (c === 44 || blank(c))) return p;
    p++;
  }
}
