import { median, meets, summaryLine } from './report.ts';

test('a target is met on its boundary and missed behind it', () => {
  expect(meets(3, '<= 3')).toBe(true);
  expect(meets(3.01, '<= 3')).toBe(false);
  expect(meets(6, '>= 6')).toBe(true);
  expect(meets(5.9, '>= 6')).toBe(false);
  expect(() => meets(1, 'about 3')).toThrow(/not of the form/);
});

test('the last line names every figure, every target and the missed ones', () => {
  const line = summaryLine('demo', [
    { name: 'speedup', label: 'times Flink', value: 5.123456, target: '>= 6' },
    { name: 'memoryMiB', label: 'memory', value: 80, target: '<= 100' },
    { name: 'rows', label: 'rows', value: 3_000_000 },
  ]);
  expect(JSON.parse(line)).toEqual({
    bench: 'demo',
    figures: { speedup: 5.123, memoryMiB: 80, rows: 3_000_000 },
    targets: { speedup: '>= 6', memoryMiB: '<= 100' },
    missed: ['speedup'],
  });
});

test('the median of an even count is the mean of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
  expect(() => median([])).toThrow();
});
