import fc from 'fast-check';
import type { SourceBacklog } from '../../connectors/connector.ts';
import { pendingRecords } from './pending-records.ts';

const backlog = (more: Partial<SourceBacklog>): SourceBacklog => ({
  unread: { rows: 0, bytes: 0 },
  due: null,
  read: { rows: 0, bytes: 0 },
  ...more,
});
const unassigned = (rows: number, bytes = 0, maxReaders = 128) => ({ unread: { rows, bytes }, maxReaders });

test('splits that nobody reads yet are pending in even shares', () => {
  const own = [backlog({ unread: { rows: 10, bytes: 0 } }), backlog({}), backlog({})];
  expect(pendingRecords(own, unassigned(8))).toEqual([12, 3, 3]);
  expect(pendingRecords(own, unassigned(8, 0, 1))).toEqual([18, 0, 0]);
});

test('rows of a text are reckoned from those that have been read; before one has, nothing is known', () => {
  const texts = (rows: number) => [
    backlog({ unread: { rows: 0, bytes: 500 }, read: { rows, bytes: rows * 50 } }),
    backlog({ unread: { rows: 0, bytes: 1 } }),
  ];
  expect(pendingRecords(texts(0), unassigned(0, 1000))).toEqual([null, null]);
  expect(pendingRecords(texts(4), unassigned(0, 1000))).toEqual([20, 11]);
});

test('a source with a rate has pending what is due, as far as there is so much', () => {
  const endless = backlog({ unread: { rows: Infinity, bytes: 0 }, due: 40 });
  const nearlyRead = backlog({ unread: { rows: 5, bytes: 0 }, due: 40 });
  const unknown = backlog({ unread: null, due: 40 });
  expect(pendingRecords([endless, nearlyRead, unknown], unassigned(0))).toEqual([40, 5, 40]);
});

test('what is not known has no number, and is not nothing', () => {
  const unknown = { unread: null, maxReaders: 128 };
  expect(pendingRecords([backlog({}), null], unknown)).toEqual([null, null]);
  expect(pendingRecords([backlog({ unread: null })], unassigned(0))).toEqual([null]);
  expect(pendingRecords([backlog({ unread: { rows: Infinity, bytes: 0 } })], unassigned(0))).toEqual([null]);
});

test('the subtasks have together what there is, and none has less than nothing', () => {
  const rows = fc.nat(1_000_000);
  fc.assert(
    fc.property(fc.array(fc.option(rows), { minLength: 1, maxLength: 20 }), rows, (own, left) => {
      const backlogs = own.map((count) => (count === null ? null : backlog({ unread: { rows: count, bytes: 0 } })));
      const found = pendingRecords(backlogs, unassigned(left));
      if (own.every((count) => count === null)) return;
      const sum = (values: (number | null)[]): number => values.reduce<number>((all, one) => all + (one ?? 0), 0);
      expect(sum(found)).toBe(sum(own) + left);
      found.forEach((one, subtask) => expect(one === null).toBe(own[subtask] === null));
    }),
  );
});
