import fc from 'fast-check';
import { reviseHistory, type KeptRevision } from './revisions.ts';

/** What is kept after each of the accepted versions, in order. */
function histories(accepted: readonly string[], limit: number): KeptRevision[][] {
  let kept: KeptRevision[] = [];
  return accepted.map((name) => {
    const { number, remove } = reviseHistory(kept, name, limit);
    if (number !== null) kept = [...kept.filter((one) => one.name !== name), { name, revision: number }];
    kept = kept.filter((one) => !remove.includes(one.name));
    return kept;
  });
}
const newestFirst = (kept: readonly KeptRevision[]): string[] =>
  [...kept].sort((a, b) => b.revision - a.revision).map(({ name }) => name);

test('a version that is accepted again is the newest again', () => {
  expect(newestFirst(histories(['a', 'b', 'a'], 10).at(-1)!)).toEqual(['a', 'b']);
});

test('a version that is kept as the newest is written once', () => {
  expect(reviseHistory([{ name: 'a', revision: 3 }], 'a', 10)).toEqual({ number: null, remove: [] });
});

test('whatever is accepted in whatever order, the newest is what was accepted last, the one before is there, and no more than the limit beside', () => {
  const version = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(fc.array(version, { minLength: 1, maxLength: 30 }), fc.nat(3), (accepted, limit) => {
      histories(accepted, limit).forEach((kept, at) => {
        const names = newestFirst(kept);
        expect(names[0]).toBe(accepted[at]);
        const before = accepted.slice(0, at + 1).findLast((name) => name !== accepted[at]);
        expect(names[1]).toBe(before);
        expect(names.length).toBe(Math.min(new Set(accepted.slice(0, at + 1)).size, Math.max(1, limit) + 1));
        expect(new Set(kept.map(({ revision }) => revision)).size).toBe(kept.length);
      });
    }),
  );
});
