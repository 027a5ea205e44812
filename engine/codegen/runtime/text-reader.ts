// Entries of string dictionaries as JavaScript strings, decoded at most once each, and comparison without decoding.

export class TextReader {
  private offsets: Int32Array | null = null;
  private bytes: Uint8Array | null = null;
  private buffer: Buffer = Buffer.alloc(0);
  private texts: (string | undefined)[] = [];

  /** Turns to a dictionary. True when it is the one that was open before: what was computed from it still holds. */
  open(offsets: Int32Array, bytes: Uint8Array): boolean {
    if (this.offsets === offsets && this.bytes === bytes) return true;
    this.offsets = offsets;
    this.bytes = bytes;
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.texts = [];
    return false;
  }

  text(entry: number): string {
    const known = this.texts[entry];
    if (known !== undefined) return known;
    const offsets = this.offsets!;
    const text = decode(this.buffer, offsets[entry]!, offsets[entry + 1]!);
    // Filled front to back the array stays dense; entries met out of order first make room.
    while (this.texts.length < entry) this.texts.push(undefined);
    this.texts[entry] = text;
    return text;
  }
}

/** Short ASCII, the usual case, costs less here than a call into the runtime. */
function decode(buffer: Buffer, start: number, end: number): string {
  if (end - start > 12) return buffer.toString('utf8', start, end);
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = buffer[i]!;
    if (byte > 127) return buffer.toString('utf8', start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether `bytes[start..end)` equals `other`. */
export function bytesEqual(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}
