import { compareRows, isEqual, type Row } from './compare.ts';

const batch: Row[] = [
  { day: 1, origin: 'ATL', flights: 10, mean: 2.5 },
  { day: 1, origin: 'ORD', flights: 7, mean: 1 },
];

test('the same rows in another order are equal', () => {
  expect(isEqual(compareRows(batch, [...batch].reverse(), ['day', 'origin']))).toBe(true);
});

test('rows written before the upgrade are compared in the columns they have, and counted', () => {
  const comparison = compareRows(batch, [{ day: 1, origin: 'ATL', flights: 10 }, batch[1]!], ['day', 'origin']);
  expect(isEqual(comparison)).toBe(true);
  expect(comparison.withoutNewColumns).toBe(1);
});

test.each<[string, Row[], string]>([
  ['a lost row', [batch[0]!], 'missing'],
  ['a row written twice', [...batch, batch[0]!], 'duplicated'],
  ['a row that should not be there', [...batch, { day: 2, origin: 'ATL', flights: 1, mean: 1 }], 'unexpected'],
  ['a wrong number', [batch[0]!, { ...batch[1]!, flights: 8 }], 'different'],
])('%s is found', (_what, stream, where) => {
  const comparison = compareRows(batch, stream, ['day', 'origin']);
  expect(isEqual(comparison)).toBe(false);
  expect(comparison[where as 'missing']).toHaveLength(1);
});

test('nothing is not equal to nothing: an empty batch run proves nothing', () => {
  expect(isEqual(compareRows([], [], ['day']))).toBe(false);
});
