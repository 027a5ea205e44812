// How the command line lays out what it shows.
import { age, renderTable, valueAt } from './table.ts';

test('columns are as wide as their widest cell, and lines end where their text ends', () => {
  expect(
    renderTable(
      ['A', 'LONG'],
      [
        ['wider', ''],
        ['x', 'y'],
      ],
    ),
  ).toBe('A       LONG\nwider\nx       y');
});

test('ages are as kubectl prints them', () => {
  const now = new Date('2026-01-31T12:00:00Z');
  const ago = (seconds: number): string => age(new Date(now.getTime() - seconds * 1000), now);
  expect([-5, 0, 119, 120, 200, 600, 7_200, 11_000, 40_000, 200_000, 864_000].map(ago)).toEqual([
    '0s',
    '0s',
    '119s',
    '2m',
    '3m20s',
    '10m',
    '120m',
    '3h3m',
    '11h',
    '2d7h',
    '10d',
  ]);
});

test('paths of columns lead through lists by a field of their items', () => {
  const object = {
    status: {
      conditions: [
        { type: 'A', status: '1' },
        { type: 'B', status: '2' },
      ],
    },
  };
  expect(valueAt(object, '.status.conditions[?(@.type=="B")].status')).toBe('2');
  expect(valueAt(object, '.status.conditions[?(@.type=="C")].status')).toBeUndefined();
  expect(valueAt(object, '.spec.mode')).toBeUndefined();
});
