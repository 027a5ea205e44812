// Statements and queries: what stands in the tree.
import type { Query, Statement, TableRef } from './ast.ts';
import { parseScript } from './parse.ts';

function only(text: string): Statement {
  const { statements } = parseScript(text);
  expect(statements).toHaveLength(1);
  return statements[0]!;
}

function query(text: string): Query {
  const statement = only(text);
  if (statement.kind !== 'query') throw new Error(statement.kind);
  return statement.query;
}

function from(text: string): TableRef {
  const { body } = query(`SELECT * FROM ${text}`);
  if (body.kind !== 'select' || body.from === null) throw new Error(body.kind);
  return body.from;
}

test('CREATE TABLE with every kind of column', () => {
  const statement = only(`
    CREATE TABLE IF NOT EXISTS db.t (
      id BIGINT NOT NULL COMMENT 'the key',
      \`date\` TIMESTAMP(3),
      price DECIMAL(10, 2),
      tags MAP<STRING, ARRAY<INT NOT NULL>>,
      place ROW<name STRING, spot ROW(x DOUBLE, y DOUBLE)> NOT NULL,
      doubled AS price * 2,
      ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
      WATERMARK FOR \`date\` AS \`date\` - INTERVAL '5' SECOND, -- a comment
      CONSTRAINT pk PRIMARY KEY (id, price) NOT ENFORCED
    ) COMMENT 'a table' PARTITIONED BY (id) WITH ('connector' = 'x', 'it''s' = '');`);
  expect(statement).toMatchObject({
    kind: 'createTable',
    name: { parts: ['db', 't'] },
    ifNotExists: true,
    temporary: false,
    columns: [
      { kind: 'physical', name: 'id', type: { name: 'BIGINT', nullable: false }, comment: 'the key' },
      { kind: 'physical', name: 'date', type: { name: 'TIMESTAMP', parameters: [3], nullable: true } },
      { kind: 'physical', name: 'price', type: { name: 'DECIMAL', parameters: [10, 2] } },
      {
        name: 'tags',
        type: {
          name: 'MAP',
          arguments: [{ name: 'STRING' }, { name: 'ARRAY', arguments: [{ name: 'INT', nullable: false }] }],
        },
      },
      {
        name: 'place',
        type: { name: 'ROW', nullable: false, fields: [{ name: 'name' }, { name: 'spot', type: { name: 'ROW' } }] },
      },
      { kind: 'computed', name: 'doubled', expression: { kind: 'binary', operator: '*' } },
      {
        kind: 'metadata',
        name: 'ts',
        type: { name: 'TIMESTAMP_LTZ', parameters: [3] },
        from: 'timestamp',
        virtual: true,
      },
    ],
    watermark: { column: 'date', expression: { kind: 'binary', operator: '-' } },
    primaryKey: ['id', 'price'],
    partitionedBy: ['id'],
    comment: 'a table',
    options: [
      { key: 'connector', value: 'x' },
      { key: "it's", value: '' },
    ],
  });
});

test('types and their other spellings', () => {
  const types = [
    'INTEGER',
    'DEC(3)',
    'NUMERIC',
    'REAL',
    'CHARACTER VARYING(5)',
    'CHAR(2)',
    'TIMESTAMP WITHOUT TIME ZONE',
    'BYTES',
    'INT ARRAY',
  ];
  const statement = only(`CREATE TABLE t (${types.map((type, i) => `c${i} ${type}`).join(', ')})`);
  if (statement.kind !== 'createTable') throw new Error(statement.kind);
  expect(
    statement.columns.map((c) => (c.kind === 'physical' ? [c.type.name, ...c.type.parameters].join(' ') : c.kind)),
  ).toEqual(['INT', 'DECIMAL 3', 'DECIMAL', 'FLOAT', 'VARCHAR 5', 'CHAR 2', 'TIMESTAMP', 'BYTES', 'ARRAY']);
});

test('the span of a statement is its text', () => {
  const text = ' CREATE VIEW v AS SELECT 1 ;\n\nINSERT INTO t SELECT * FROM v;;';
  expect(parseScript(text).statements.map(({ span }) => text.slice(span.start, span.end))).toEqual([
    'CREATE VIEW v AS SELECT 1',
    'INSERT INTO t SELECT * FROM v',
  ]);
});

test('views, inserts and statement sets', () => {
  expect(only('CREATE TEMPORARY VIEW v (a, b) AS SELECT 1, 2')).toMatchObject({
    kind: 'createView',
    temporary: true,
    columns: ['a', 'b'],
  });
  expect(only("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')")).toMatchObject({
    kind: 'insert',
    columns: ['a', 'b'],
    overwrite: false,
    query: {
      body: {
        kind: 'valuesBody',
        rows: [
          [{ value: '1' }, { value: 'x' }],
          [{}, {}],
        ],
      },
    },
  });
  expect(only('INSERT OVERWRITE t (SELECT 1)')).toMatchObject({ columns: [], overwrite: true });
  expect(only('EXECUTE INSERT INTO t SELECT 1')).toMatchObject({ kind: 'insert' });
  const inserts = [{ target: { parts: ['a'] } }, { target: { parts: ['b'] } }];
  const body = 'INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END';
  expect(only(`EXECUTE STATEMENT SET BEGIN ${body};`)).toMatchObject({ kind: 'statementSet', inserts });
  expect(only(`BEGIN STATEMENT SET; ${body}`)).toMatchObject({ kind: 'statementSet', inserts });
});

test('SET and RESET, with and without quotes', () => {
  expect(
    parseScript("SET 'a.b' = 'it''s'; SET a.b-c=10s; set x = a b ; SET 'y' = 5; RESET 'a'; RESET a.b; RESET")
      .statements,
  ).toMatchObject([
    { kind: 'set', key: 'a.b', value: "it's" },
    { kind: 'set', key: 'a.b-c', value: '10s' },
    { kind: 'set', key: 'x', value: 'a b' },
    { kind: 'set', key: 'y', value: '5' },
    { kind: 'reset', key: 'a' },
    { kind: 'reset', key: 'a.b' },
    { kind: 'reset', key: null },
  ]);
});

test('a query with all its clauses', () => {
  expect(
    query(`WITH w (x) AS (SELECT 1), v AS (SELECT 2)
      SELECT DISTINCT t.*, *, a b, c AS d FROM t WHERE x GROUP BY a, TUMBLE(ts, INTERVAL '1' DAY) HAVING y
      ORDER BY a DESC NULLS LAST, b LIMIT 5 OFFSET 2`),
  ).toMatchObject({
    with: [{ name: 'w', columns: ['x'] }, { name: 'v' }],
    body: {
      kind: 'select',
      distinct: true,
      items: [
        { kind: 'star', qualifier: { parts: ['t'] } },
        { kind: 'star', qualifier: null },
        { alias: 'b' },
        { alias: 'd' },
      ],
      from: { kind: 'table' },
      groupBy: [{ parts: ['a'] }, { kind: 'call', name: 'TUMBLE' }],
      having: { parts: ['y'] },
    },
    orderBy: [
      { descending: true, nullsFirst: false },
      { descending: false, nullsFirst: null },
    ],
    limit: { value: '5' },
    offset: { value: '2' },
  });
  expect(query('SELECT a FROM t OFFSET 3 ROWS FETCH NEXT 5 ROWS ONLY')).toMatchObject({
    limit: { value: '5' },
    offset: { value: '3' },
  });
  expect(query('SELECT a FROM t GROUP BY () LIMIT ALL')).toMatchObject({ body: { groupBy: [] }, limit: null });
});

test('INTERSECT binds tighter than UNION and EXCEPT, which go from left to right', () => {
  expect(query('SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4 ORDER BY 1')).toMatchObject({
    body: {
      operator: 'EXCEPT',
      left: { body: { operator: 'UNION', all: true, right: { body: { operator: 'INTERSECT', all: false } } } },
    },
    orderBy: [{}],
  });
});

test('parentheses keep an inner order and limit apart from the outer one', () => {
  expect(query('(SELECT 1) ORDER BY 1')).toMatchObject({ body: { kind: 'select', from: null }, orderBy: [{}] });
  expect(query('((SELECT 1) UNION (SELECT 2 LIMIT 3)) LIMIT 1')).toMatchObject({
    body: { kind: 'setOperation', right: { limit: { value: '3' } } },
    limit: { value: '1' },
  });
  expect(query('(SELECT 1 LIMIT 5) LIMIT 1')).toMatchObject({
    body: { items: [{ kind: 'star' }], from: { kind: 'subquery', query: { limit: { value: '5' } } } },
    limit: { value: '1' },
  });
});

test('joins go from left to right, commas among them', () => {
  expect(from('a, b LEFT JOIN c ON b.x = c.x CROSS JOIN d FULL OUTER JOIN e USING (x, y)')).toMatchObject({
    kind: 'join',
    type: 'FULL',
    using: ['x', 'y'],
    left: {
      type: 'CROSS',
      left: { type: 'LEFT', on: { operator: '=' }, left: { type: 'CROSS' } },
      right: { name: { parts: ['d'] } },
    },
  });
  expect(from('a JOIN (b JOIN c ON p) ON q')).toMatchObject({
    type: 'INNER',
    right: { kind: 'join', on: { parts: ['p'] } },
  });
});

test('subqueries and VALUES in FROM', () => {
  expect(from('(SELECT 1) AS t (x)')).toMatchObject({ kind: 'subquery', alias: { name: 't', columns: ['x'] } });
  expect(from('((SELECT 1) UNION (SELECT 2)) u')).toMatchObject({
    kind: 'subquery',
    query: { body: { operator: 'UNION' } },
  });
  expect(from('(VALUES (1, 2), (3, 4)) AS v (a, b)')).toMatchObject({
    kind: 'values',
    rows: [
      [{}, {}],
      [{}, {}],
    ],
    alias: { name: 'v' },
  });
  expect(from('(VALUES 1 LIMIT 1)')).toMatchObject({ kind: 'subquery', query: { body: { rows: [[{}]] } } });
});

test.each([
  ['positional', "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) w", [null, null, null]],
  ['without TABLE', "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY) AS w", [null, null, null]],
  [
    'named',
    "TABLE(tumble(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY)) w",
    ['DATA', 'TIMECOL', 'SIZE'],
  ],
])('window table functions: %s', (_, text, names) => {
  expect(from(text)).toMatchObject({
    kind: 'windowTvf',
    function: 'TUMBLE',
    alias: { name: 'w' },
    args: [
      { name: names[0], value: { kind: 'tableArgument', table: { parts: ['t'] } } },
      { name: names[1], value: { kind: 'descriptor', columns: ['ts'] } },
      { name: names[2], value: { kind: 'interval', value: '1', from: 'DAY' } },
    ],
  });
});
