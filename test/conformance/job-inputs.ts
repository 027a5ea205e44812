// The files that jobs of both engines read: a few hundred rows, the same at every run.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mulberry32 } from '../bench/bids.ts';

const SEED = 20_260_601;
const START = Date.UTC(2026, 5, 1, 8);

const timestamp = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

/** Orders come at most five seconds late. Weights are quarters, so that sums of them are exact in any order. */
function orders(): string {
  const random = mulberry32(SEED);
  const pick = (count: number): number => Math.floor(random() * count);
  return lines(
    Array.from({ length: 240 }, (_, id) => {
      const customer = pick(12) === 0 ? '' : `c${pick(14)}`;
      const product = ['tea', 'coffee', 'cocoa', 'milk, whole', 'a "fine" jam'][pick(5)]!;
      const quantity = pick(9) === 0 ? '' : pick(20);
      const price = (pick(100_000) / 100).toFixed(2);
      const weight = pick(15) === 0 ? '' : (pick(400) - 100) / 4;
      const at = timestamp(START + id * 7_000 - pick(5_000));
      return [id, customer, /[,"]/.test(product) ? `"${product.replaceAll('"', '""')}"` : product]
        .concat([quantity, price, weight, at].map(String))
        .join(',');
    }),
  );
}

/** Some of orders that there are not, some orders paid twice. */
function payments(): string {
  const random = mulberry32(SEED + 1);
  const pick = (count: number): number => Math.floor(random() * count);
  return lines(
    Array.from({ length: 120 }, (_, row) =>
      JSON.stringify({
        order_id: pick(20) === 0 ? null : pick(280),
        amount: pick(10) === 0 ? null : pick(90_000) / 100,
        method: ['card', 'cash', null, 'Überweisung'][pick(4)],
        paid: timestamp(START + 20_000 + row * 14_000 - pick(5_000)),
      }),
    ),
  );
}

/** A column of each type: ordinary values, limits, zeros and NULLs. */
function facts(): string {
  const random = mulberry32(SEED + 2);
  const pick = (count: number): number => Math.floor(random() * count);
  const words = [
    '',
    'a',
    'Zebra',
    'naïve',
    'straße',
    '  blank ',
    '2026-06-01',
    '42',
    '-7.5',
    'x,y;z',
    'A%b_c',
    '😀 emoji',
    'tab\there',
  ];
  return lines(
    Array.from({ length: 60 }, (_, id) => {
      const row: Record<string, unknown> = {
        id,
        b: pick(2) === 0,
        i: [0, 1, -1, 2_147_483_647, -2_147_483_648, pick(1000) - 500, pick(1000) - 500][pick(7)],
        l: [0, 9_007_199_254_740_991, -9_007_199_254_740_991, pick(1_000_000) - 500_000][pick(4)],
        d: [0, 0.1, -2.5, 1e10, 1.25e-5, 1e300, (pick(2000) - 1000) / 8][pick(7)],
        n: [0, 99_999_999.99, -99_999_999.99, (pick(200_000) - 100_000) / 100][pick(4)],
        s: words[pick(words.length)],
        dt: ['2024-02-29', '2026-01-01', '2025-12-31', '2026-06-15', '1999-12-31'][pick(5)],
        tm: ['00:00:00', '23:59:59', '12:34:56'][pick(3)],
        ts: ['2024-02-29 23:59:59.999', '2026-01-01 00:00:00', '2026-03-29 02:30:00.5', '2025-12-31 12:00:00.120'][
          pick(4)
        ],
      };
      for (const key of Object.keys(row)) if (key !== 'id' && pick(8) === 0) row[key] = null;
      return JSON.stringify(row);
    }),
  );
}

const FILES: Record<string, () => string> = {
  'orders.csv': orders,
  'payments.json': payments,
  'facts.json': facts,
  'customers.csv': () =>
    lines([
      'customer,name,city',
      ...Array.from({ length: 10 }, (_, i) => `c${i},"Name, ${i}",${['Köln', 'Paris', 'Zürich'][i % 3]}`),
    ]),
  // Quotes around separators, quotes and line breaks; nothing, nothing in quotes, and the NULL of the options.
  'quotes.csv': () =>
    '1,plain,10\n2,"a,b",20\n3,"say ""hi""",30\n4,"two\nlines",40\n5,,50\n6,"",60\n7,n/a,70\n8,"n/a",80\n9, spaced ,90\n10,ünï 😀,100\r\n',
  'semicolons.csv': () => "# a comment\n1;'it''s; so';1.5\n2;plain;-0.25\n# another\n3;'#3';1e3\n",
  'numbers.csv': () =>
    lines(['1,007,1.005,1e2,TRUE', '2,-5,-2.675,-0,false', '3,+12,0.5,1.5E-3,True', '4,0,12345.678,NaN,FALSE']),
  'times.csv': () =>
    lines([
      '1,2026-06-01,08:09:10,2026-06-01 08:09:10',
      '2,1969-12-31,00:00:00,2026-06-01 08:09:10.5',
      '3,2024-02-29,23:59:59,2026-06-01 08:09:10.123',
    ]),
  'empty.csv': () => lines(['1,10,one,1.5', '2,,two,', '3,30,,0.25']),
  'bad.csv': () => lines(['1,10,one', '2,ten,two', '3,30', '4,40,four,more', '5,50,five']),
  'edges.json': () =>
    lines([
      '{"id": 1, "s": "plain", "n": 1.50, "ok": true, "seen": "2026-06-01 08:00:00"}',
      '{"n": "2.25", "id": "2", "ok": "true", "s": 42}',
      '{"id": 3, "s": "\\u00fc \\ud83d\\ude00 \\"quoted\\" \\\\ \\n", "n": null, "ok": false}',
      '{"id": 4, "s": {"a": [1, 2]}, "extra": [1, {"x": 2}], "n": 1e2}',
      '{"id": 5, "id": 6, "s": null}',
      '',
      '{"ID": 7, "id": 8, "s": "", "n": 0, "seen": "2026-06-01 08:00:00.123"}',
    ]),
  'changes.json': () =>
    lines([
      '{"before": null, "after": {"id": 1, "s": "a"}, "op": "c"}',
      '{"before": null, "after": {"id": 2, "s": "b"}, "op": "c"}',
      '{"before": {"id": 1, "s": "a"}, "after": {"id": 1, "s": "c"}, "op": "u"}',
      '{"before": {"id": 2, "s": "b"}, "after": null, "op": "d"}',
    ]),
  'bad.json': () =>
    lines([
      '{"id": 1, "v": 10}',
      '{"id": 2, "v": "ten"}',
      '{"id": 3, "v": ',
      'not json',
      '{"id": 5, "v": 50}',
      '{"id": 6}',
    ]),
};

/** Writes all of them into a folder. */
export function writeJobInputs(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of Object.keys(FILES)) writeFileSync(join(folder, name), contentOf(name));
}

/** Of a text with the files that it names: `{from FILE`. */
export function digestWithInputs(text: string): string {
  const hash = createHash('sha256').update(text);
  for (const [, name] of text.matchAll(/\{from ([^ }]+)/g)) hash.update(contentOf(name!));
  return hash.digest('hex').slice(0, 16);
}

/** Of an input. */
export function contentOf(name: string): string {
  const file = FILES[name];
  if (file === undefined) throw new Error(`there is no input ${name}: those are ${Object.keys(FILES).join(', ')}`);
  return file();
}
