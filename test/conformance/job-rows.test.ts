import { resultsOf } from './job-results.ts';
import { comparable } from './job-rows.ts';

/** Whether the two lines stand for the same row of a sink of `format`. */
function isSame(format: 'csv' | 'json', one: string, other: string): boolean {
  const script = `CREATE TABLE snk (n DECIMAL(8, 2), s STRING, d DOUBLE) WITH ({to snk.${format}});`;
  const placed = script.replace(/\{.*\}/, "'connector' = 'filesystem'");
  const [a, b] = [one, other].map((line) => comparable({ snk: [line] }, script, placed));
  return JSON.stringify(a) === JSON.stringify(b);
}

test.each([
  ['csv', '1.50,plain,2.0', '1.5,"plain",2.0'],
  ['csv', '100.00,"a ""b"", c",2.0', '1E+2,"a ""b"", c",2.0'],
  ['json', '{"n":1.50,"s":"😀","d":2.0}', '{"n":1.5,"s":"\\uD83D\\uDE00","d":2.0}'],
  ['json', '{"n":-0.10,"s":null,"d":null}', '{"n":-1E-1,"s":null,"d":null}'],
] as const)('in %s the rows %s and %s are the same', (format, one, other) => {
  expect(isSame(format, one, other)).toBe(true);
});

test.each([
  ['csv', '1.5,,2.0', '1.5,"",2.0'],
  ['csv', '1.5,a,2.0', '1.5,"a ",2.0'],
  ['csv', '1.5,1.50,2.0', '1.5,1.5,2.0'],
  ['csv', '1.5,a,10000000.0', '1.5,a,1.0E7'],
  ['json', '{"n":1.5,"s":"1.50","d":2.0}', '{"n":1.5,"s":"1.5","d":2.0}'],
  ['json', '{"n":1.5,"s":null,"d":2.0}', '{"n":1.5,"s":"null","d":2.0}'],
  ['json', '{"n":1.5,"d":2.0}', '{"n":1.5,"s":null,"d":2.0}'],
  ['json', '{"n":1.5,"s":null,"d":2}', '{"n":1.5,"s":null,"d":2.0}'],
] as const)('in %s the rows %s and %s are not', (format, one, other) => {
  expect(isSame(format, one, other)).toBe(false);
});

test('of what was printed the rows count that were not taken back, of this job and sink', () => {
  const printed = [
    'a/snk> +I[1, x]',
    'a/snk:2> -U[1, x]',
    'a/snk:2> +U[2, x]',
    'a/snk> +I[3]',
    'a/snk> -D[3]',
    'b/snk> +I[4]',
  ];
  expect(resultsOf('{to snk.print}', '', 'a', printed)).toEqual({ snk: ['2, x'] });
});

test('a row that was taken back and never given is told', () => {
  expect(resultsOf('{to snk.print}', '', 'a', ['a/snk> -D[1]'])).toEqual({ snk: ['-1 1'] });
});
