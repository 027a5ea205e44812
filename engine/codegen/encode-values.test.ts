// Digits written straight into bytes are what the formatting functions, which make strings, say.
import fc from 'fast-check';
import { formatDate, formatDecimal, formatDouble, formatTime, formatTimestamp } from '../connectors/format-value.ts';
import { MAX_VALUE_BYTES, putDate, putDouble, putLong, putTime, putTimestamp, putWhole } from './encode-values.ts';

const bytes = new Uint8Array(64);
/** What `put` writes, and that it stays within the room that encoders keep. */
function text(put: (target: Uint8Array, at: number) => number): string {
  const end = put(bytes, 3);
  expect(end - 3).toBeLessThanOrEqual(MAX_VALUE_BYTES);
  return Buffer.from(bytes.subarray(3, end)).toString();
}

test('every day from year 0 to 9999, and some beyond', () => {
  let wrong = 0;
  for (let day = -719528; day <= 2932896; day += 1 + (day & 7)) {
    const end = putDate(bytes, 0, day);
    if (Buffer.from(bytes.subarray(0, end)).toString('latin1') !== formatDate(day)) wrong++;
  }
  expect(wrong).toBe(0);
  for (const day of [-719529, -719528, -719469, -719468, -1, 0, 11016, 2932896, 2932897, 90000000])
    expect(text((target, at) => putDate(target, at, day))).toBe(formatDate(day));
});

test('times and timestamps', () => {
  fc.assert(
    fc.property(fc.nat(86399999), fc.integer({ min: -62167219200000, max: 253402300799999 }), (time, stamp) => {
      expect(text((target, at) => putTime(target, at, time))).toBe(formatTime(time));
      expect(text((target, at) => putTimestamp(target, at, stamp, 84))).toBe(formatTimestamp(stamp, 'T'));
    }),
  );
});

test('whole numbers, decimals and doubles', () => {
  const long = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
    fc.constantFrom(0n, 2n ** 31n, 2n ** 53n, -(2n ** 53n), 10n ** 9n, 10n ** 18n),
  );
  fc.assert(
    fc.property(long, fc.nat(18), (value, scale) => {
      const halves = new Int32Array(BigInt64Array.of(0n, value).buffer);
      expect(text((target, at) => putLong(target, at, halves, 1, 0))).toBe(String(value));
      expect(text((target, at) => putLong(target, at, halves, 1, scale))).toBe(formatDecimal(value, scale));
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(text((target, at) => putWhole(target, at, value))).toBe(String(value));
    }),
  );
  const double = fc.oneof(
    fc.double(),
    fc.tuple(fc.integer(), fc.nat(5)).map(([value, places]) => value / 10 ** places),
    fc.constantFrom(0, -0, 1e7, 9999999.999, 0.001, -0.001, 0.0005),
  );
  fc.assert(
    fc.property(double, (value) => {
      expect(text((target, at) => putDouble(target, at, value))).toBe(formatDouble(value));
    }),
    { numRuns: 1000 },
  );
});
