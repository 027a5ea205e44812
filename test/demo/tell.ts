// What the comparison of a stream with a batch says to people.
import { isEqual, type Comparison } from './compare.ts';

export function tellComparison(comparison: Comparison): string[] {
  const { expected, actual, equal, missing, unexpected, duplicated, different, withoutNewColumns } = comparison;
  const counts = `   ${expected} windows in the batch, ${actual} in the stream, ${equal} equal (${withoutNewColumns} of them from before the upgrade, without the mean).`;
  if (isEqual(comparison)) return [counts, '   EVERY ROW IS EQUAL: nothing was lost, nothing doubled.'];
  const first = [...missing, ...unexpected, ...duplicated, ...different].slice(0, 5).join('\n     ');
  return [
    counts,
    `   NOT EQUAL: ${missing.length} missing, ${unexpected.length} unexpected, ${duplicated.length} doubled, ${different.length} different:\n     ${first}`,
  ];
}
