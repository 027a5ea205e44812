// Times and numbers as messages say them.

const UNITS = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Milliseconds in the largest unit of which there are two or more: `90 s`, `10 min`, `2 h`. */
export function span(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= 2 * each) ?? ['s', 1_000];
  return `${Number((ms / size).toFixed(1))} ${unit}`;
}

/** `1 subtask`, `2 subtasks`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
