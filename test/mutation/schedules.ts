// Simulates so many histories from a seed on and prints, as its last line, the first violation: `seed N: ...`, or `no violation`.
import { simulate } from '../simulation/simulate.ts';

const [from, count] = process.argv.slice(2).map(Number) as [number, number];
let found = 'no violation';
for (let seed = from; seed < from + count && found === 'no violation'; seed++) {
  const { violations } = await simulate(seed);
  if (violations.length > 0) found = `seed ${seed}: ${violations[0]!.replaceAll('\n', ' ')}`;
}
console.log(found);
process.exit(0);
