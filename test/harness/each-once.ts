// Whether each number of a sequence came, and came once: told in ranges, so that the report of a failure can be read.

export interface Deviation {
  /** As `from-to`. */
  missing: string[];
  doubled: string[];
  unexpected: string[];
}

export const AS_EXPECTED: Deviation = { missing: [], doubled: [], unexpected: [] };

/** How `numbers`, in any order, differ from 0, 1, ... `rows` - 1. */
export function deviationFromEachOnce(numbers: readonly number[], rows: number): Deviation {
  const times = new Map<number, number>();
  for (const n of numbers) times.set(n, (times.get(n) ?? 0) + 1);
  const expected = Array.from({ length: rows }, (_, n) => n);
  const due = new Set(expected);
  return {
    missing: ranges(expected.filter((n) => !times.has(n))),
    doubled: ranges(expected.filter((n) => (times.get(n) ?? 0) > 1)),
    unexpected: ranges([...times.keys()].filter((n) => !due.has(n)).sort((a, b) => a - b)),
  };
}

/** The same of numbers that are handed out in parts of so many, each part from its start on and to wherever; by part, of those that any number is of. */
export function deviationsOfParts(numbers: readonly number[], part: number): Map<number, Deviation> {
  const parts = Map.groupBy(numbers, (n) => Math.floor(n / part));
  return new Map(
    [...parts].map(([index, found]) => {
      const own = found.map((n) => n - index * part);
      return [index, deviationFromEachOnce(own, own.length)];
    }),
  );
}

function ranges(ascending: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const n of ascending) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return found.map(([from, to]) => (Object.is(from, to) ? String(from) : `${from}-${to}`));
}
