import type { DecisionReason } from './model.ts';
import { whoseTurn, type RescaleRequest } from './turns.ts';

const MINUTE = 60_000;
const ask = (key: string, reason: DecisionReason, since: number): RescaleRequest => ({
  key,
  decision: { reason, direction: reason === 'Underused' ? 'Down' : 'Up' },
  since,
});

it('lets those go first who fall behind, then those who asked first', () => {
  const requests = [
    ask('a', 'Underused', 0),
    ask('b', 'Overloaded', 3),
    ask('c', 'AheadOfLoad', 1),
    ask('d', 'Lagging', 2),
  ];
  expect(whoseTurn(requests, 0, 3, MINUTE)).toEqual(['d', 'b', 'c']);
});

it('counts those that are under way', () => {
  const requests = [ask('a', 'Overloaded', 0), ask('b', 'Overloaded', 1)];
  expect(whoseTurn(requests, 2, 3, MINUTE)).toEqual(['a']);
  expect(whoseTurn(requests, 5, 3, MINUTE)).toEqual([]);
});

it('lets nobody wait forever', () => {
  const requests = [ask('late', 'Overloaded', 11 * MINUTE), ask('old', 'Underused', 0)];
  expect(whoseTurn(requests, 0, 1, 12 * MINUTE)).toEqual(['old']);
});
