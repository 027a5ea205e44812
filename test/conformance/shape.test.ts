// What counts as a difference between an answer and a recorded one.
import { shapeDifferences, type Json } from './shape.ts';

const differences = (recorded: Json, actual: Json, ...ignored: string[]): string[] =>
  shapeDifferences(recorded, actual, new Set(ignored));

test.each<[string, Json, Json]>([
  ['other values and more fields', { id: 'a', n: 1 }, { id: 'b', n: 2, more: true }],
  ['a number that Flink does not have', { busy: 'NaN' }, { busy: 0.5 }],
  ['a value that one moment lacks', { latest: null, first: 1 }, { latest: { id: 1 }, first: null }],
  ['elements of which some have a field', [{ a: 1 }, { a: 1, b: 2 }], [{ a: 3, b: 4 }, { a: 5 }]],
])('%s make no difference', (_, recorded, actual) => {
  expect(differences(recorded, actual)).toEqual([]);
});

test.each<[string, Json, Json, string]>([
  ['a field that is missing', { id: 'a', n: 1 }, { id: 'b' }, '.n: missing'],
  ['one that only some elements have', [{ a: 1 }, { a: 2 }], [{ a: 1 }, {}], '[].a: missing'],
  ['another type', { n: 1 }, { n: '1' }, '.n: string instead of number'],
  ['another type deep down', { v: [{ m: { n: 1 } }] }, { v: [{ m: { n: [] } }] }, '.v[].m.n: array instead of number'],
  ['a list without anything in it', { jobs: [1] }, { jobs: [] }, '.jobs[]: no element to compare'],
  ['nothing at all', { jobs: [1] }, null, 'null instead of an answer'],
])('%s is told', (_, recorded, actual, told) => {
  expect(differences(recorded, actual)).toEqual([told]);
});

test('what is left out is left out with what is in it, and nothing else', () => {
  const recorded = { tasks: { a: 1 }, n: 1 };
  expect(differences(recorded, { tasks: 'none' }, '.tasks')).toEqual(['.n: missing']);
});
