// Whatever the text is: a Script or an EngineError with a position inside the text, and soon.
import fc from 'fast-check';
import { EngineError } from '../errors.ts';
import { parseScript } from './parse.ts';
import { tokenize } from './lexer.ts';

const examples = [
  `CREATE TABLE t (a BIGINT NOT NULL, b AS a + 1, c TIMESTAMP(3) METADATA FROM 'x' VIRTUAL, WATERMARK FOR c AS c - INTERVAL '5' SECOND,
   PRIMARY KEY (a) NOT ENFORCED) PARTITIONED BY (a) WITH ('connector' = 'filesystem', 'password' = 'x')`,
  'CREATE TEMPORARY VIEW v AS SELECT a, COUNT(DISTINCT b) FILTER (WHERE c > 1) AS n FROM t GROUP BY a HAVING COUNT(*) > 1',
  `INSERT INTO s SELECT window_start, CASE WHEN x IS NOT NULL THEN 1 ELSE 2 END, CAST(a AS DECIMAL(3, 2)) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts),
   INTERVAL '1' DAY)) GROUP BY window_start, window_end`,
  `EXECUTE STATEMENT SET BEGIN INSERT INTO a VALUES (1, 'it''s'), (2, NULL); INSERT INTO b SELECT * FROM (SELECT 1) x (y) LEFT JOIN z ON x.y = z.y; END;`,
  "SET 'a.b' = 'c'; SET d = 10s; RESET; WITH w AS (SELECT 1 UNION ALL SELECT 2) SELECT * FROM w ORDER BY 1 DESC LIMIT 5 OFFSET 1",
  `SELECT SUM(x) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), a NOT BETWEEN 1 AND 2, b LIKE 'x%' ESCAPE '!',
   c IN (1, 2), EXISTS (SELECT 1), -a * (b || c), TRIM(BOTH 'x' FROM d), ARRAY[1][1], \`q\`.r FROM t -- end`,
];

/** Parses; anything but a script or an EngineError that points into the text fails. */
function check(text: string): void {
  const from = performance.now();
  try {
    expect(parseScript(text).text).toBe(text);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.code).toMatch(/^SQL_(SYNTAX|UNSUPPORTED|TOO_DEEP)$/);
    const { line, column } = error.position!;
    const lines = text.split(/\r\n|\n|\r/);
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual([...lines[line! - 1]!].length + 2);
  }
  expect(performance.now() - from).toBeLessThan(5000);
}

const pieces = [
  ...new Set(examples.flatMap((text) => tokenize(text).map((token) => text.slice(token.start, token.end)))),
];

test('the examples are accepted', () => {
  for (const text of examples) parseScript(text);
});

test('random tokens', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (tokens) => check(tokens.join(' '))),
    { numRuns: 3000 },
  );
});

test('valid SQL with tokens removed, doubled, swapped or replaced', () => {
  const mutation = fc.record({
    at: fc.nat(1000),
    how: fc.constantFrom('remove', 'double', 'swap', 'replace'),
    piece: fc.constantFrom(...pieces),
  });
  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.array(mutation, { minLength: 1, maxLength: 4 }), (text, mutations) => {
      const tokens = tokenize(text).map((token) => text.slice(token.start, token.end));
      for (const { at, how, piece } of mutations) {
        const i = at % tokens.length;
        if (how === 'remove') tokens.splice(i, 1);
        else if (how === 'double') tokens.splice(i, 0, tokens[i]!);
        else if (how === 'swap') [tokens[i], tokens[0]] = [tokens[0]!, tokens[i]!];
        else tokens[i] = piece;
      }
      check(tokens.join(' '));
    }),
    { numRuns: 3000 },
  );
});

test('valid SQL with characters replaced, cut off at any place', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...examples),
      fc.nat(1000),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.nat(1000),
      (text, at, piece, cut) => {
        const i = at % text.length;
        check((text.slice(0, i) + piece + text.slice(i + 1)).slice(0, text.length - (cut % text.length)));
      },
    ),
    { numRuns: 3000 },
  );
});

test('random characters', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), check), { numRuns: 2000 });
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'`"/*-+().,;=<>!|a1 \n\r\t\\$é😀'), maxLength: 200 }), check),
    { numRuns: 3000 },
  );
});

test('a text of megabytes is read in time linear in its length', () => {
  const long = [
    ' '.repeat(2e6),
    "''".repeat(1e6),
    "'".repeat(1e6 + 1),
    '--\n'.repeat(5e5),
    '/**/'.repeat(4e5),
    '/*'.repeat(1e6),
    'a'.repeat(2e6),
    '('.repeat(1e6),
    '1.'.repeat(5e5),
  ];
  for (const text of long) check(`SELECT ${text}`);
});
