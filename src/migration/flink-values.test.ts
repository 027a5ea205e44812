import fc from 'fast-check';
import { durationMs, quantityValue } from '../api/schema-kit.ts';
import { cpuQuantity, durationText, flinkDurationMs, flinkMap, memoryBytes, memoryQuantity } from './flink-values.ts';

describe('a memory size', () => {
  test.each([
    ['2048m', '2Gi'],
    ['2g', '2Gi'],
    ['2 gb', '2Gi'],
    ['1536 MebiBytes', '1536Mi'],
    ['4096k', '4Mi'],
    ['1t', '1024Gi'],
    ['1073741824', '1Gi'],
    ['1000', '1000'],
    ['2Gi', '2Gi'],
    ['1.5Gi', '1536Mi'],
    ['500M', '500Mi'],
    ['1e3', null],
    ['lots', null],
    ['2x', null],
    ['', null],
  ])('%j of Flink is %j of Kubernetes', (flink, kubernetes) => {
    const bytes = memoryBytes(flink);
    expect(bytes === null ? null : memoryQuantity(bytes)).toBe(kubernetes);
  });

  test('keeps its bytes as a quantity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.constantFrom('', 'b', 'k', 'kb', 'm'), (number, unit) => {
        const bytes = memoryBytes(`${number}${unit}`);
        fc.pre(bytes !== null);
        expect(quantityValue(memoryQuantity(bytes))).toBe(bytes);
      }),
    );
  });
});

describe('a duration', () => {
  test.each([
    ['10s', '10s'],
    ['10 s', '10s'],
    ['90 sec', '90s'],
    ['1 min', '1m'],
    ['2 Minutes', '2m'],
    ['24h', '1d'],
    ['3 days', '3d'],
    ['60000', '1m'],
    ['1500', '1500ms'],
    ['500 micros', '1ms'],
    ['1 fortnight', null],
    ['-1', null],
    ['', null],
  ])('%j of Flink is %j of FlowJob', (flink, ours) => {
    const ms = flinkDurationMs(flink);
    expect(ms === null ? null : durationText(ms)).toBe(ours);
  });

  test('keeps its milliseconds as text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (ms) => expect(durationMs(durationText(ms))).toBe(ms)),
    );
  });
});

test.each([
  [1, 1, '1'],
  [0.5, 1, '500m'],
  ['1.25', 1, '1250m'],
  ['250m', 1, '250m'],
  [1, 1.5, '1500m'],
  [0.1, 3, '300m'],
  [0, 1, null],
  ['many', 1, null],
])('%j cores, times %j, are %j of Kubernetes', (cores, factor, quantity) =>
  expect(cpuQuantity(cores, factor)).toBe(quantity),
);

test('a map keeps what stands behind its first colon', () => {
  expect(flinkMap("a:1, 'b' : x:y")).toEqual({ a: '1', b: 'x:y' });
  expect(flinkMap('a')).toBeNull();
});
