import { AS_EXPECTED, deviationFromEachOnce, deviationsOfParts } from './each-once.ts';

test('numbers that came once each, in any order, deviate in nothing', () => {
  expect(deviationFromEachOnce([2, 0, 1], 3)).toEqual(AS_EXPECTED);
});

test('what is missing, doubled or should not be there is told in ranges', () => {
  expect(deviationFromEachOnce([0, 3, 3, 4, 4, 7, 9, NaN], 8)).toEqual({
    missing: ['1-2', '5-6'],
    doubled: ['3-4'],
    unexpected: ['9', 'NaN'],
  });
});

test('parts may end anywhere, but have no gaps and nothing twice', () => {
  expect(deviationsOfParts([100, 0, 101, 2, 1], 100)).toEqual(
    new Map([
      [1, AS_EXPECTED],
      [0, AS_EXPECTED],
    ]),
  );
  expect(deviationsOfParts([100, 102, 102], 100)).toEqual(
    new Map([[1, { missing: ['1'], doubled: ['2'], unexpected: [] }]]),
  );
});
