// How much memory batches keep.
import type { ColumnBatch } from './batch.ts';

/** Bytes of the buffers that `batches` keep alive: one that several columns share, as dictionaries are shared, counts once, and one that is seen in part counts in full. */
export function bufferBytes(batches: readonly ColumnBatch[]): number {
  const buffers = new Set<ArrayBufferLike>();
  const add = (array: { buffer: ArrayBufferLike } | null): void => {
    if (array !== null) buffers.add(array.buffer);
  };
  for (const { columns, kinds } of batches) {
    add(kinds);
    for (const column of columns) {
      add(column.validity);
      if (column.physical === 'str') [column.codes, column.offsets, column.bytes].forEach(add);
      else add(column.values);
    }
  }
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.byteLength;
  return bytes;
}
