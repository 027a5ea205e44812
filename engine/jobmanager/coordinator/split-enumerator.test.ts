// The order in which splits are handed out.
import type { SourceSplit } from '../../connectors/connector.ts';
import { SplitEnumerator } from './split-enumerator.ts';
import { split } from './testing.ts';

const ordinals = (enumerator: SplitEnumerator, ...subtasks: number[]): (number | undefined)[] =>
  subtasks.map((subtask) => enumerator.next(subtask)?.ordinal);

const enumeratorOf = (mode: 'STREAMING' | 'BATCH', maxReaders: number, splits: SourceSplit[], parallelism = 3) =>
  new SplitEnumerator({ operatorId: 'op', mode, parallelism, maxReaders, splits });

test('a batch hands splits to whoever asks, in order', () => {
  const enumerator = enumeratorOf('BATCH', 128, [split(1, 'b'), split(0, 'a'), split(2, 'b')]);
  expect(ordinals(enumerator, 1, 0, 1, 0)).toEqual([0, 1, 2, undefined]);
});

test('a stream lets a subtask read its group to the end before it takes the next unread one', () => {
  const splits = [split(0, 'a'), split(1, 'a'), split(2, 'b'), split(3, 'b'), split(4, 'c')];
  const enumerator = enumeratorOf('STREAMING', 128, splits);
  expect(ordinals(enumerator, 0, 1, 0, 1, 0, 1)).toEqual([0, 2, 1, 3, 4, undefined]);
});

test('a subtask that has read nothing joins a group, one whose group is used up does not', () => {
  const splits = [split(0, 'a'), split(1, 'b'), split(2, 'b'), split(3, 'b')];
  const enumerator = enumeratorOf('STREAMING', 128, splits);
  expect(ordinals(enumerator, 0, 1, 0, 2)).toEqual([0, 1, undefined, 2]);
});

test('no more subtasks get splits than the source allows', () => {
  const enumerator = enumeratorOf('STREAMING', 1, [split(0), split(1)]);
  expect(ordinals(enumerator, 1, 0, 0)).toEqual([undefined, 0, 1]);
});

test('what a lost subtask was given comes back in its order', () => {
  const enumerator = enumeratorOf('BATCH', 128, [split(0), split(1), split(2)]);
  ordinals(enumerator, 0, 1, 0);
  enumerator.giveBack(0);
  expect(enumerator.snapshot().map(({ ordinal }) => ordinal)).toEqual([0, 2]);
});
