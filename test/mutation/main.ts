// `npm run mutate [-- NAME...]`: breaks the code in one place at a time, in a copy, and sees that a test notices. Prints a table; ends with code 1
// when a mutation survives. `--write` puts the table into docs/RELIABILITY.md.
import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import { argumentsOf } from '../harness/arguments.ts';
import { describeCatcher, runCatcher, type Verdict } from './catchers.ts';
import { mutated, TreeCopy, type Catcher } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';
import { tableOf, writeTable, type Row } from './table.ts';

const { values, words: names } = argumentsOf({
  usage: `usage: npm run mutate [-- [--write] [NAME...]]
  NAME     only these mutations: ${MUTATIONS.map(({ name }) => name).join(', ')}
  --write  puts the table of all of them into docs/RELIABILITY.md
It works in copies of the project, for some minutes; Ctrl-C ends it and removes them.`,
  options: { write: { type: 'boolean' } },
  words: true,
});
const unknown = names.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name));
if (unknown.length > 0) {
  console.error(`no mutation ${unknown.join(', ')}; there are: ${MUTATIONS.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
const chosen = names.length === 0 ? MUTATIONS : MUTATIONS.filter(({ name }) => names.includes(name));
for (const mutation of chosen) mutated(mutation, readFileSync(mutation.file, 'utf8'));

const copies = Array.from({ length: Math.min(2, availableParallelism()) }, () => new TreeCopy());
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => {
    for (const copy of copies) copy.remove();
    process.exit(code);
  });

const rows: Row[] = [];
const problems: string[] = [];
try {
  // Without a mutation every test passes; else its failure would say nothing.
  const catchers = [...new Map(chosen.map(({ caughtBy }) => [describeCatcher(caughtBy), caughtBy])).values()];
  await inTurn(catchers, async (copy, catcher: Catcher) => {
    const verdict = await runCatcher(copy.root, catcher);
    if (verdict.kind !== 'passed')
      problems.push(`${describeCatcher(catcher)} fails without a mutation: ${reason(verdict)}`);
  });
  if (problems.length === 0)
    await inTurn(chosen, async (copy, mutation) => {
      const begun = performance.now();
      const verdict = await copy.with(mutation, async () => runCatcher(copy.root, mutation.caughtBy));
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      if (verdict.kind === 'failed') {
        rows.push({ mutation, by: verdict.by[0]! });
        console.log(
          `caught    ${mutation.name} in ${seconds} s by ${describeCatcher(mutation.caughtBy)}: ${verdict.by[0]!}`,
        );
        return;
      }
      problems.push(
        `${mutation.name}: ${verdict.kind === 'passed' ? `nothing in ${describeCatcher(mutation.caughtBy)} notices` : reason(verdict)}`,
      );
      console.log(`SURVIVED  ${mutation.name} in ${seconds} s`);
    });
} finally {
  for (const copy of copies) copy.remove();
}

rows.sort((a, b) => MUTATIONS.indexOf(a.mutation) - MUTATIONS.indexOf(b.mutation));
console.log(`\n${tableOf(rows)}`);
console.log(`${rows.length} of ${chosen.length} mutations caught`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else if (values.write === true && names.length === 0) writeTable(rows);

/** Each copy takes the next one when it is free. */
async function inTurn<T>(items: readonly T[], work: (copy: TreeCopy, item: T) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    copies.map(async (copy) => {
      while (next < items.length) await work(copy, items[next++]!);
    }),
  );
}

function reason(verdict: Verdict): string {
  if (verdict.kind === 'broken') return verdict.why;
  return verdict.kind === 'failed' ? verdict.by.join('; ') : '';
}
