import { counted, span } from './words.ts';

it('says a time in a unit of which there are at least two, and never as nothing', () => {
  expect([100, 10_000, 90_000, 600_000, 5_400_000, 7_200_000].map(span)).toEqual([
    '0.1 s',
    '10 s',
    '90 s',
    '10 min',
    '90 min',
    '2 h',
  ]);
});

it('says one of a thing as one', () => {
  expect([counted(1, 'subtask'), counted(3, 'subtask')]).toEqual(['1 subtask', '3 subtasks']);
});
