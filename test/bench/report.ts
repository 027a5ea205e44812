// What every benchmark ends with: a table for people, then one line of JSON with the figures, the targets and which of them were missed.
import { cpus, totalmem } from 'node:os';

export interface Figure {
  /** camelCase, unit at the end: `batchRowsPerSecond`, `applyToFirstOutputSeconds`. */
  name: string;
  value: number;
  /** As in `<= 3` or `>= 6`; absent when the figure has no target. */
  target?: string;
  /** What it is, for the table. */
  label: string;
}

/** True when `value` meets a target such as `<= 3`. */
export function meets(value: number, target: string): boolean {
  const match = /^(<=|>=) (\d+(?:\.\d+)?)$/.exec(target);
  if (match === null) throw new Error(`target "${target}" is not of the form "<= 3" or ">= 6"`);
  const bound = Number(match[2]);
  return match[1] === '<=' ? value <= bound : value >= bound;
}

/** The last line of a benchmark's output. */
export function summaryLine(bench: string, figures: Figure[]): string {
  const targets = figures.flatMap((figure) =>
    figure.target === undefined ? [] : [[figure.name, figure.target] as const],
  );
  const missed = figures.filter((figure) => figure.target !== undefined && !meets(figure.value, figure.target));
  return JSON.stringify({
    bench,
    figures: Object.fromEntries(figures.map((figure) => [figure.name, Number(figure.value.toPrecision(4))])),
    targets: Object.fromEntries(targets),
    missed: missed.map((figure) => figure.name),
  });
}

/** Prints both forms. */
export function report(bench: string, figures: Figure[]): void {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  console.log(`\n${bench}, on ${machine}`);
  const width = Math.max(...figures.map((figure) => figure.label.length));
  for (const { label, value, target } of figures) {
    const verdict = target === undefined ? '' : `  target ${target}: ${meets(value, target) ? 'met' : 'MISSED'}`;
    console.log(`  ${label.padEnd(width)}  ${format(value).padStart(14)}${verdict}`);
  }
  console.log(summaryLine(bench, figures));
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: number[]): number {
  if (values.length === 0) throw new Error('median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
