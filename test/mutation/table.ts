// The table of mutations in docs/RELIABILITY.md: written by the run that caught them, checked by the tests.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutation.ts';

export interface Row {
  mutation: Mutation;
  /** The test, or the seed and what went wrong with it. */
  by: string;
}

const PAGE = join('docs', 'RELIABILITY.md');
const BEGIN = '<!-- mutations: written by `npm run mutate -- --write` -->';
/** More of a violation than a reader wants. */
const MOST = 160;
const END = '<!-- end of mutations -->';

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ mutation: { name, does, file, caughtBy }, by }) =>
      `| \`${name}\` | ${does} | \`${file}\` | ${'test' in caughtBy ? `\`${caughtBy.test}\`: ${by}` : `simulation, ${shortened(by)}`} |`,
  );
  return ['| mutation | what the code then does | where | caught by |', '|---|---|---|---|', ...lines].join('\n');
}

function shortened(text: string): string {
  const line = text.replaceAll('|', '/');
  return line.length > MOST ? `${line.slice(0, MOST)}...` : line;
}

export function writeTable(rows: readonly Row[]): void {
  const { before, after } = page();
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${tableOf(rows)}\n\n${END}${after}`);
}

/** Names of the mutations in the page, in its order. */
export function namesInPage(): string[] {
  return [...page().table.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

function page(): { before: string; table: string; after: string } {
  const text = readFileSync(PAGE, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const [table, after] = rest?.split(END) ?? [];
  if (table === undefined || after === undefined) throw new Error(`${PAGE} has lost the marks around its table`);
  return { before: before!, table, after };
}
