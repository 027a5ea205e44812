// Encodings that DuckDB does not write, and damaged ones: every read stays within the page.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { withDirectory } from '../testing.ts';
import { PageStream } from './parquet-column.ts';
import { decompress, snappy } from './parquet-compression.ts';
import { PageBytes, readDelta, readHybrid, readValues, type ByteValues } from './parquet-encodings.ts';
import { fixedValues } from './parquet-values.ts';

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const zigzag = (value: bigint): number[] => {
  let rest = BigInt.asUintN(64, value >= 0n ? value << 1n : (-value << 1n) - 1n);
  const out: number[] = [];
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return [...out, Number(rest)];
};

/** Numbers of `width` bits one behind the other, least significant bit first. */
function packed(values: bigint[], width: number): number[] {
  const bits = values.reduce((sum, value, index) => sum | (value << BigInt(index * width)), 0n);
  return Array.from({ length: Math.ceil((values.length * width) / 8) }, (_, i) =>
    Number((bits >> BigInt(8 * i)) & 255n),
  );
}

test('runs and packed groups of any width', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 32 }),
      fc.array(
        fc.record({ packed: fc.boolean(), values: fc.array(fc.nat(0xffffffff), { minLength: 8, maxLength: 8 }) }),
      ),
      (width, runs) => {
        const mask = 2 ** width;
        const bytes: number[] = [];
        const expected: number[] = [];
        for (const run of runs) {
          const values = run.values.map((value) => value % mask);
          if (run.packed) {
            bytes.push(...varint(3), ...packed(values.map(BigInt), width));
            expected.push(...values);
          } else {
            bytes.push(...varint(10), ...packed([BigInt(values[0]!)], Math.ceil(width / 8) * 8));
            expected.push(...Array.from({ length: 5 }, () => values[0]!));
          }
        }
        const read = readHybrid(new PageBytes(Uint8Array.from(bytes)), width, expected.length);
        expect([...read]).toEqual(expected.map((value) => value | 0));
      },
    ),
  );
});

/** DELTA_BINARY_PACKED of `values`, in blocks of 32 with one miniblock. */
function deltas(values: bigint[]): number[] {
  const bytes = [...varint(32), ...varint(1), ...varint(values.length), ...zigzag(values[0] ?? 0n)];
  for (let at = 1; at < values.length; at += 32) {
    const block = values.slice(at, at + 32).map((value, i) => BigInt.asIntN(64, value - values[at + i - 1]!));
    const least = block.reduce((a, b) => (a < b ? a : b));
    const rest = block.map((delta) => BigInt.asUintN(64, delta - least));
    const width = rest.reduce((a, b) => (a > b ? a : b)).toString(2).length;
    while (rest.length < 32) rest.push(0n);
    bytes.push(...zigzag(least), width, ...packed(rest, width));
  }
  return bytes;
}

test('deltas of 32 and 64 bits, wrapping around', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 100 }), (values) => {
      const read = readDelta(new PageBytes(Uint8Array.from(deltas(values))), new BigInt64Array(values.length));
      expect([...read]).toEqual(values);
      const small = values.map((value) => BigInt.asIntN(32, value));
      const narrow = readDelta(new PageBytes(Uint8Array.from(deltas(small))), new Int32Array(values.length));
      expect([...narrow]).toEqual(small.map(Number));
    }),
  );
});

test('strings that share prefixes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })), (strings) => {
      const shared = strings.map((text, i) => {
        const before = strings[i - 1] ?? '';
        let length = 0;
        while (length < text.length && text[length] === before[length]) length++;
        return length;
      });
      const rests = strings.map((text, i) => text.slice(shared[i]));
      const bytes = [
        ...deltas(shared.map(BigInt)),
        ...deltas(rests.map((rest) => BigInt(rest.length))),
        ...Buffer.from(rests.join('')),
      ];
      const page = new PageBytes(Uint8Array.from(bytes));
      const read = readValues(page, 'DELTA_BYTE_ARRAY', 'BYTE_ARRAY', strings.length, undefined) as ByteValues;
      const text = Buffer.from(read.bytes).toString('latin1');
      expect(strings.map((_, i) => text.slice(read.offsets[i], read.offsets[i + 1]))).toEqual(strings);
    }),
  );
});

test('INT96 timestamps, also before 1970', () => {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  const times = [Date.UTC(2026, 10, 22, 14, 17, 44, 123), Date.UTC(1950, 0, 2, 3, 4, 5, 6)];
  times.forEach((time, i) => {
    const day = Math.floor(time / 86_400_000);
    view.setBigInt64(12 * i, BigInt(time - day * 86_400_000) * 1_000_000n, true);
    view.setInt32(12 * i + 8, day + 2440588, true);
  });
  const values = readValues(new PageBytes(bytes), 'PLAIN', 'INT96', 2, undefined);
  const type = { root: 'TIMESTAMP', precision: 3, nullable: true } as const;
  expect([...fixedValues(type, { name: 't', type: 'INT96' }, values)]).toEqual(times);
});

test('any bytes decode to as many values as asked, or to an error', () => {
  const encodings = [
    'PLAIN',
    'RLE',
    'DELTA_BINARY_PACKED',
    'DELTA_LENGTH_BYTE_ARRAY',
    'DELTA_BYTE_ARRAY',
    'BYTE_STREAM_SPLIT',
  ];
  const types = [
    'BOOLEAN',
    'INT32',
    'INT64',
    'INT96',
    'FLOAT',
    'DOUBLE',
    'BYTE_ARRAY',
    'FIXED_LEN_BYTE_ARRAY',
  ] as const;
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom(...encodings),
      fc.constantFrom(...types),
      fc.nat(50),
      (bytes, encoding, type, count) => {
        let values;
        try {
          values = readValues(new PageBytes(bytes), encoding, type, count, 5);
        } catch (error) {
          expect((error as Error).message).toMatch(/^a page |^values of type /);
          return;
        }
        expect(ArrayBuffer.isView(values) ? values.length : values.offsets.length - 1).toBe(count);
      },
    ),
    { numRuns: 2000 },
  );
});

test('Snappy: literals and copies, overlapping ones too; damage is an error', () => {
  // "abcabcabcX": a literal of 3, a copy of 6 from 3 back, a literal of 1.
  const bytes = Uint8Array.from([10, 2 << 2, 97, 98, 99, (2 << 2) | 1, 3, 0, 88]);
  expect(Buffer.from(snappy(bytes, 10)).toString()).toBe('abcabcabcX');
  expect(() => decompress('SNAPPY', bytes, 9)).toThrow('a page has 10 bytes where its header says 9');
  for (const broken of [[], [3], [3, 0xfc, 255, 255, 255, 255], [3, 1, 0], [4, 0, 97, 1, 9], [2, 0, 97]])
    expect(() => snappy(Uint8Array.from(broken), broken[0] ?? 0)).toThrow('a page is not valid Snappy');
});

test("a page's checksum is checked where there is one", async () => {
  const body = Uint8Array.of(7, 0, 0, 0, 8, 0, 0, 0);
  // Thrift's compact protocol: type, two sizes, the checksum, then rows, encoding PLAIN and the encodings of levels (RLE).
  const header = (crc: number): number[] => {
    const [size, sum] = [zigzag(8n), zigzag(BigInt(crc | 0))];
    return [0x15, 0, 0x15, ...size, 0x15, ...size, 0x15, ...sum, 0x1c, 0x15, 4, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0];
  };
  await withDirectory((directory) => {
    const read = (crc: number): unknown => {
      const path = join(directory, 'page');
      const bytes = Uint8Array.from([...header(crc), ...body]);
      writeFileSync(path, bytes);
      const file = openSync(path, 'r');
      const chunk = {
        type: 'INT32',
        codec: 'UNCOMPRESSED',
        data_page_offset: 0n,
        total_compressed_size: BigInt(bytes.length),
      } as ConstructorParameters<typeof PageStream>[1];
      try {
        return new PageStream(file, chunk, { name: 'n', type: 'INT32', repetition_type: 'REQUIRED' }, 2, () => {
          throw new Error('there is no dictionary');
        }).next();
      } finally {
        closeSync(file);
      }
    };
    expect(read(crc32(body))).toEqual({ rows: 2, levels: null, codes: null, values: Int32Array.of(7, 8) });
    expect(() => read(crc32(body) ^ 1)).toThrow("a page's checksum does not match");
  });
});
