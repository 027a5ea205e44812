// Validity as one byte per row, to and from the bitmaps of columns; and row numbers in sequence.

/** One bit per row from one byte per row (1 = not NULL); null when no row is NULL. */
export function packValidity(valid: Uint8Array, rows: number): Uint8Array | null {
  let row = 0;
  while (row < rows && valid[row] === 1) row++;
  if (row === rows) return null;
  const bits = new Uint8Array((rows + 7) >> 3);
  for (row = 0; row < rows; row++) bits[row >> 3]! |= valid[row]! << (row & 7);
  return bits;
}

/** from, from + 1, ...: `length` numbers. */
export function sequence(from: number, length: number): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = from + i;
  return numbers;
}
