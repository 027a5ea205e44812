// Parquet's compression codecs: those of node:zlib, and Snappy. A page never decompresses to more than its header says.
import * as zlib from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';

/** `bytes` decompressed, in memory of its own unless it is `bytes` itself. Throws when that is not exactly `size` bytes. */
export function decompress(codec: CompressionCodec, bytes: Uint8Array, size: number): Uint8Array {
  if (!(size >= 0)) throw new Error(`a page has the uncompressed size ${size}`);
  const page = decompressed(codec, bytes, size);
  if (page.length !== size) throw new Error(`a page has ${page.length} bytes where its header says ${size}`);
  return page;
}

function decompressed(codec: CompressionCodec, bytes: Uint8Array, size: number): Uint8Array {
  const limit = { maxOutputLength: size + 1 };
  switch (codec) {
    case 'UNCOMPRESSED':
      return bytes;
    case 'SNAPPY':
      return snappy(bytes, size);
    case 'ZSTD':
      // Looked up when it is needed, so that programs without Parquet run on older versions of Node too.
      if (!('zstdDecompressSync' in zlib))
        throw new Error(
          `pages are compressed with ZSTD, which Node ${process.version} cannot read: use Node 24 or newer`,
        );
      return own(zlib.zstdDecompressSync(bytes, limit));
    case 'GZIP':
      return own(zlib.gunzipSync(bytes, limit));
    case 'BROTLI':
      return own(zlib.brotliDecompressSync(bytes, limit));
    default:
      throw new Error(`pages are compressed with ${codec}, which is not supported: write SNAPPY, ZSTD, GZIP or none`);
  }
}

/** Small results share a pool of memory with others: typed arrays over them would not be aligned. */
function own(buffer: Buffer): Uint8Array {
  return buffer.length === buffer.buffer.byteLength ? new Uint8Array(buffer.buffer) : new Uint8Array(buffer);
}

/** Raw Snappy (no frames), whose length must be `size`. Format: google/snappy, format_description.txt. */
export function snappy(input: Uint8Array, size: number): Uint8Array {
  const broken = (): never => {
    throw new Error('a page is not valid Snappy');
  };
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    if (at >= input.length || shift > 28) broken();
    const byte = input[at++]!;
    length += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (length !== size) throw new Error(`a page has ${length} bytes where its header says ${size}`);
  const output = new Uint8Array(size);
  let filled = 0;
  /** The little-endian number of `bytes` bytes. */
  const number = (bytes: number): number => {
    if (at + bytes > input.length) broken();
    let value = 0;
    for (let i = 0; i < bytes; i++) value += input[at++]! * 2 ** (8 * i);
    return value;
  };
  while (at < input.length) {
    const tag = input[at++]!;
    if ((tag & 3) === 0) {
      const short = tag >>> 2;
      const count = (short < 60 ? short : number(short - 59)) + 1;
      if (at + count > input.length || filled + count > size) broken();
      if (count < 16) for (let i = 0; i < count; i++) output[filled + i] = input[at + i]!;
      else output.set(input.subarray(at, at + count), filled);
      at += count;
      filled += count;
      continue;
    }
    const near = (tag & 3) === 1;
    const count = near ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const back = near ? (tag >>> 5) * 256 + number(1) : number((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > filled || filled + count > size) broken();
    // Source and target may overlap: the bytes copied first are copied again.
    for (let i = 0; i < count; i++) output[filled + i] = output[filled + i - back]!;
    filled += count;
  }
  if (filled !== size) broken();
  return output;
}
