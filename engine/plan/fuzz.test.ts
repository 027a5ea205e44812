// Whatever the text, the planner gives a plan that compiles or an EngineError with a place; it never breaks.
import fc from 'fast-check';
import { compileCalc } from '../codegen/calc.ts';
import type { CellValue } from '../columnar/batch.ts';
import { EngineError } from '../errors.ts';
import type { ExecPlan } from './exec-plan.ts';
import { operators, plan, run } from './plans.fixture.ts';
import type { Schema, SqlType } from './types.ts';

type Kind = 'number' | 'text' | 'truth' | 'time' | 'any';

const TEMPLATES: Record<Exclude<Kind, 'any'>, { leaves: string[]; calls: string[] }> = {
  number: {
    leaves: ['id', 'amount', 'ratio', 'p.id', '1', '0', '-7', '2.50', '1E3', '3000000000', 'CAST(NULL AS INT)'],
    calls: [
      ...[
        '(N + N)',
        '(N - N)',
        '(N * N)',
        '(N / N)',
        '(N % N)',
        '(-N)',
        'MOD(N, N)',
        'ABS(N)',
        'SQRT(N)',
        'ROUND(N, 1)',
      ],
      ...[
        'CASE WHEN B THEN N ELSE N END',
        'CASE N WHEN N THEN N END',
        'COALESCE(N, N)',
        'NULLIF(N, N)',
        'GREATEST(N, N)',
      ],
      ...[
        'CAST(N AS INT)',
        'CAST(N AS DECIMAL(10, 2))',
        'TRY_CAST(S AS BIGINT)',
        'CHAR_LENGTH(S)',
        'EXTRACT(DAY FROM T)',
      ],
      ...['CAST(N AS DOUBLE)', 'FLOOR(N)', 'TIMESTAMPDIFF(HOUR, T, T)', 'IF(B, N, N)', 'YEAR(T)', 'CAST(B AS INT)'],
    ],
  },
  text: {
    leaves: ['name', '`name`', "'x'", "''", "'2024-01-01'", 'CAST(NULL AS STRING)'],
    calls: [
      ...[
        '(S || S)',
        'UPPER(S)',
        'TRIM(S)',
        'CAST(N AS STRING)',
        'CAST(T AS STRING)',
        'CAST(B AS CHAR(3))',
        'LEFT(S, 2)',
      ],
      ...["DATE_FORMAT(T, 'yyyy')", 'CONCAT(S, S)', 'SUBSTRING(S FROM 2)', 'CASE WHEN B THEN S END', 'COALESCE(S, S)'],
    ],
  },
  truth: {
    leaves: ['ok', 'TRUE', 'FALSE', 'UNKNOWN', '(id > 3)'],
    calls: [
      ...[
        '(B AND B)',
        '(B OR B)',
        '(NOT B)',
        '(B IS NOT TRUE)',
        '(N IS NULL)',
        '(N = N)',
        '(N <> N)',
        '(N < N)',
        '(S >= S)',
      ],
      ...[
        '(S LIKE S)',
        "(S NOT LIKE 'a%')",
        '(N BETWEEN N AND N)',
        '(N NOT BETWEEN SYMMETRIC N AND N)',
        '(N IN (N, N, 3))',
      ],
      ...['(T < T)', "(S IN ('a', NULL))", '(N IS DISTINCT FROM N)', "(T > '2024-01-01')"],
    ],
  },
  time: {
    leaves: ['seen', "TIMESTAMP '2024-01-01 00:00:00'", 'CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', "DATE '2024-01-01'"],
    calls: [
      "(T + INTERVAL '1' DAY)",
      "(T - INTERVAL '2' MONTH)",
      'FLOOR(T TO HOUR)',
      'CAST(T AS DATE)',
      'CAST(T AS TIMESTAMP(3))',
    ],
  },
};
const HOLES: Record<string, Kind> = { N: 'number', S: 'text', B: 'truth', T: 'time', X: 'any' };
const AGGREGATES = [
  'COUNT(*)',
  'COUNT(X)',
  'SUM(N)',
  'AVG(N)',
  'MIN(X)',
  'MAX(S)',
  'SUM(N) FILTER (WHERE B)',
  '(SUM(N) / COUNT(*))',
];

/** Expressions with the types that their places want, most of the time. */
const { number, text, truth, any } = fc.letrec<Record<Kind, string>>((tie) => {
  const hole = (kind: Kind): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 60, arbitrary: tie(kind) },
      { weight: 1, arbitrary: fc.constantFrom('nope', 'NULL', 'name', 'SUM(id)', "INTERVAL '1' DAY") },
    );
  const fill = (template: string): fc.Arbitrary<string> => {
    const parts = template.split(/\b([NSBTX])\b/);
    return fc
      .tuple(...parts.map((part, i) => (i % 2 === 1 ? hole(HOLES[part]!) : fc.constant(part))))
      .map((texts) => texts.join(''));
  };
  const of = ({ leaves, calls }: { leaves: string[]; calls: string[] }): fc.Arbitrary<string> =>
    fc.oneof({ maxDepth: 4, depthSize: 'small' }, fc.constantFrom(...leaves), ...calls.map(fill));
  return {
    number: of(TEMPLATES.number),
    text: of(TEMPLATES.text),
    truth: of(TEMPLATES.truth),
    time: of(TEMPLATES.time),
    any: fc.oneof(tie('number'), tie('text'), tie('truth'), tie('time')),
  };
});

const aggregate = fc
  .tuple(fc.constantFrom(...AGGREGATES), number, text, truth, any)
  .map(([template, n, s, b, x]) =>
    template.replace(/\b([NSBX])\b/g, (letter) => ({ N: n, S: s, B: b, X: x })[letter]!),
  );

const FROM = [
  'plain AS p',
  '(SELECT * FROM plain WHERE id > 1) AS p',
  '(SELECT * FROM plain UNION ALL SELECT * FROM plain) AS p',
];

const plainQuery = fc
  .tuple(
    fc.constantFrom('', 'DISTINCT '),
    fc.array(any, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(...FROM),
    truth,
  )
  .map(([distinct, items, from, where]) => `SELECT ${distinct}${items.join(', ')} FROM ${from} WHERE ${where}`);

const groupedQuery = fc
  .tuple(
    fc.array(any, { minLength: 0, maxLength: 2 }),
    fc.array(aggregate, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(...FROM),
    truth,
    aggregate,
  )
  .map(([keys, aggregates, from, where, having]) =>
    [
      `SELECT ${[...keys, ...aggregates].join(', ')} FROM ${from} WHERE ${where}`,
      keys.length === 0 ? '' : `GROUP BY ${keys.join(', ')}`,
      `HAVING ${having} IS NOT NULL`,
    ].join(' '),
  );

const windowQuery = fc
  .tuple(fc.array(any, { maxLength: 2 }), fc.array(aggregate, { minLength: 1, maxLength: 2 }))
  .map(([keys, aggregates]) => {
    const from = `TABLE(TUMBLE(TABLE timed, DESCRIPTOR(seen), INTERVAL '1' HOUR)) AS p`;
    return `SELECT ${['window_start', ...keys, ...aggregates].join(', ')} FROM ${from} GROUP BY ${['window_start', 'window_end', ...keys].join(', ')}`;
  });

const TIMED = `CREATE TABLE timed (id BIGINT, name STRING, amount INT, ratio DOUBLE, ok BOOLEAN, seen TIMESTAMP(3), WATERMARK FOR seen AS seen)
  WITH ('connector' = 'datagen');`;

const query = fc.oneof(
  plainQuery,
  groupedQuery,
  windowQuery,
  fc
    .tuple(plainQuery, fc.constantFrom('1', '2 DESC', '1 NULLS LAST'))
    .map(([q, order]) => `${q} ORDER BY ${order} LIMIT 3`),
);

/** The plan, or null for a refusal that says what and where. */
function planned(sql: string, mode: 'STREAMING' | 'BATCH'): ExecPlan | null {
  try {
    return plan(sql, { mode });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    expect(error.position?.line).toBeGreaterThan(0);
    expect(error.position?.column).toBeGreaterThan(0);
    expect(error.message).not.toMatch(/undefined|\[object|NaN/);
    return null;
  }
}

function checkPlan(of: ExecPlan): void {
  const byId = new Map(operators(of).map((operator) => [operator.id, operator]));
  expect(byId.size).toBe(operators(of).length);
  for (const vertex of of.vertices) expect(vertex.operators[0]!.id).toBe(vertex.id);
  for (const operator of byId.values()) {
    if (operator.type === 'Calc') compileCalc(operator);
    const input = operator.input === null ? undefined : byId.get(operator.input);
    if (input !== undefined && 'inputSchema' in operator) expect(operator.inputSchema).toEqual(input.outputSchema);
    if ('accumulators' in operator)
      expect(operator.outputSchema).toHaveLength(
        operator.keys.length + operator.accumulators.length + (operator.type === 'WindowAggregate' ? 3 : 0),
      );
  }
  // Names may differ: what a UNION ALL puts together has the names of its first query.
  const typesOf = (schema: Schema): SqlType[] => schema.map(({ type }) => type);
  for (const edge of of.edges)
    expect(typesOf(edge.schema)).toEqual(typesOf(byId.get(edge.sourceOperator)!.outputSchema));
}

const ROWS: CellValue[][] = [
  [1n, 'a', 3, 1.5, true, 0],
  [-9n, '2024-01-01', -1, 0, false, 86_400_000],
  [null, null, null, null, null, 5],
];

/** Data may be refused (a division by zero, a text that is no number), but no operator breaks. */
function runPlan(of: ExecPlan): void {
  try {
    run(of, { plain: ROWS, timed: ROWS });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
}

test('generated queries', () => {
  let plans = 0;
  fc.assert(
    fc.property(query, fc.constantFrom('STREAMING' as const, 'BATCH' as const), (sql, mode) => {
      const of = planned(TIMED + sql, mode);
      if (of === null) return;
      plans++;
      checkPlan(of);
      runPlan(of);
    }),
    { numRuns: 400 },
  );
  expect(plans).toBeGreaterThan(60);
});

const SEEDS = [
  "CREATE TABLE t (a INT, b AS a + 1, c TIMESTAMP(3), WATERMARK FOR c AS c - INTERVAL '1' SECOND) WITH ('connector' = 'x');",
  'EXECUTE STATEMENT SET BEGIN INSERT INTO out1 SELECT name, COUNT(*) FROM plain GROUP BY name; INSERT INTO out2 (n) SELECT id FROM plain; END;',
  "CREATE VIEW v (a, b) AS SELECT origin, SUM(delay) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(`date`), INTERVAL '1' DAY)) GROUP BY window_start, window_end, origin;",
  "SELECT TUMBLE_START(`date`, INTERVAL '1' HOUR), CAST(AVG(price) AS STRING) FROM flights GROUP BY TUMBLE(`date`, INTERVAL '1' HOUR) HAVING COUNT(*) > 1;",
  "WITH w AS (VALUES (1, 'a'), (2, NULL)) SELECT * FROM w UNION ALL SELECT amount, name FROM plain ORDER BY 1 LIMIT 3;",
];
const WORDS = SEEDS.join(' ').match(/'[^']*'|`[^`]*`|\w+|[^\s\w]/g) ?? [];

test('texts with words left out, doubled, swapped and replaced', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SEEDS),
      fc.array(fc.tuple(fc.nat(60), fc.constantFrom('drop', 'double', 'replace', 'swap'), fc.constantFrom(...WORDS)), {
        maxLength: 3,
      }),
      fc.constantFrom('STREAMING' as const, 'BATCH' as const),
      (seed, edits, mode) => {
        const words = seed.match(/'[^']*'|`[^`]*`|\w+|\s+|[^\s\w]/g) ?? [];
        for (const [at, edit, word] of edits) {
          const i = at % words.length;
          if (edit === 'drop') words.splice(i, 1);
          else if (edit === 'double') words.splice(i, 0, words[i]!);
          else if (edit === 'replace') words[i] = word;
          else [words[i], words[words.length - 1]] = [words[words.length - 1]!, words[i]!];
        }
        const of = planned(words.join(''), mode);
        if (of !== null) checkPlan(of);
      },
    ),
    { numRuns: 600 },
  );
});
