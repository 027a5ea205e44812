// What a source's task says of its splits at a barrier.
import type { SourceReader, SourceSplit } from '../connectors/connector.ts';
import { TaskMetrics } from './task-metrics.ts';
import { TaskSource } from './task-source.ts';

const split: SourceSplit = { id: 's', ordinal: 0, group: 's', position: {} };

/** Has read all that it was given. */
const readToTheEnd: SourceReader = {
  addSplit: () => undefined,
  poll: () => null,
  needsSplit: () => true,
  snapshot: () => [{ ...split, pace: { elapsed: 5, behind: 3 } }],
  backlog: () => ({ unread: null, due: null, read: { rows: 0, bytes: 0 } }),
  close: () => undefined,
};

test('a reader between two splits tells its pace, and one that gets no more nothing: its schedule goes on without rows', () => {
  const source = new TaskSource('op', 't', readToTheEnd, new TaskMetrics(() => 0), () => undefined);
  source.receive(split);
  expect(source.poll(1)).toEqual({ kind: 'waiting' });
  expect(source.snapshot()).toEqual(readToTheEnd.snapshot());
  source.receive(null);
  expect(source.poll(1)).toEqual({ kind: 'ended' });
  expect(source.snapshot()).toEqual([]);
});
