// Scripts and the plans that they become.
import { batch, operator, operators, plan, shape, sinkColumns } from './plans.fixture.ts';

test('a filter and a projection are one Calc behind a source that reads only what they need', () => {
  const of = plan("INSERT INTO out1 SELECT name, id * 2 FROM plain WHERE ok AND name <> 'x'");
  expect(shape(of)).toBe(
    [
      'x2',
      '  TableSourceScan(plain, fields=[id, name, ok])',
      "    Calc(select=[name AS k, (id * 2) AS n], where=[(ok AND (name <> 'x'))])",
      '      Sink(out1, fields=[k, n])',
    ].join('\n'),
  );
});

test('a projection that changes nothing is not there at all', () => {
  expect(shape(plan('INSERT INTO out1 SELECT name, id FROM (SELECT name, id FROM plain)')).split('\n')).toEqual([
    'x2',
    '  TableSourceScan(plain, fields=[id, name])',
    '    Calc(select=[name AS k, id AS n])',
    '      Sink(out1, fields=[k, n])',
  ]);
  const copied = plan(
    "CREATE TABLE same (id BIGINT, name STRING) WITH ('connector' = 'print'); INSERT INTO same SELECT id, name FROM plain",
  );
  expect(operators(copied).map(({ type }) => type)).toEqual(['Source', 'Sink']);
});

test('filters of views and subqueries merge into one, innermost first', () => {
  const of = plan(`
    CREATE VIEW big AS SELECT id, name, amount + 1 AS more FROM plain WHERE amount > 10;
    INSERT INTO out1 SELECT name, more FROM (SELECT * FROM big WHERE more < 20) WHERE id = 3`);
  expect(operator(of, 'Calc').name).toBe(
    'Calc(select=[name AS k, CAST((amount + 1) AS BIGINT) AS n], where=[(((amount > 10) AND ((amount + 1) < 20)) AND (id = 3))])',
  );
});

test('GROUP BY cuts the plan at a hash exchange; the aggregate gives accumulators, a Calc behind it the values', () => {
  const of = plan(
    'INSERT INTO out1 SELECT origin, AVG(delay) FROM flights WHERE distance > 100 GROUP BY origin HAVING COUNT(*) > 1',
  );
  expect(shape(of)).toBe(
    [
      'x2',
      '  TableSourceScan(flights, fields=[date, delay, distance, origin])',
      '    WatermarkAssigner(rowtime=[date], watermark=[(date - 3600000:INTERVAL SECOND)])',
      '      Calc(select=[origin, delay], where=[(distance > 100)])',
      'x2 <- HASH(origin)',
      '  GroupAggregate(groupBy=[origin], select=[origin, sum(delay), count(delay), count(*)])',
      '    Calc(select=[origin AS k, (sum(delay) / NULLIF(count(delay), 0)) AS n], where=[(count(*) > 1)])',
      '      Sink(out1, fields=[k, n])',
    ].join('\n'),
  );
  expect(of.edges).toEqual([expect.objectContaining({ shuffle: 'PIPELINED', exchange: { kind: 'HASH', keys: [0] } })]);
});

test('a batch has the same operators but for the watermark, and blocking shuffles', () => {
  const of = batch('INSERT INTO out1 SELECT origin, COUNT(*) FROM flights GROUP BY origin');
  expect(operators(of).map(({ type }) => type)).toEqual(['Source', 'GroupAggregate', 'Sink']);
  expect(of.edges.map(({ shuffle }) => shuffle)).toEqual(['BLOCKING']);
});

test('SUM holds its count, so that AVG finds both; AVG adds nothing; COUNT of what is never NULL is COUNT(*)', () => {
  const names = (select: string): string[] =>
    operator(plan(`SELECT origin, ${select} FROM flights GROUP BY origin`), 'GroupAggregate').accumulators.map(
      ({ name }) => name,
    );
  expect(names('SUM(delay)')).toEqual(['sum(delay)', 'count(delay)']);
  expect(names('SUM(delay), AVG(delay), COUNT(delay)')).toEqual(['sum(delay)', 'count(delay)']);
  expect(names('COUNT(code), SUM(code), COUNT(*)')).toEqual(['count(*)', 'sum(code)']);
  expect(names('SUM(delay) FILTER (WHERE distance > 100)')).toEqual([
    'sum(delay) filter (distance > 100)',
    'count(delay) filter (distance > 100)',
  ]);
  expect(names('MIN(delay + 1), MAX(UPPER(destination))')).toEqual(['min(delay + 1)', 'max(UPPER(destination))']);
  expect(names('AVG(CAST(delay AS DOUBLE))')).toEqual(['sum(CAST(delay AS DOUBLE))', 'count(delay)']);
});

test('names of accumulators do not depend on aliases, views or the order of columns', () => {
  const names = (sql: string): string[] => operator(plan(sql), 'GroupAggregate').accumulators.map(({ name }) => name);
  const direct = names('SELECT SUM(delay + distance) FROM flights GROUP BY origin');
  expect(direct).toEqual(['sum(delay + CAST(distance AS BIGINT))', 'count(delay + CAST(distance AS BIGINT))']);
  expect(
    names('SELECT SUM(a + b) FROM (SELECT distance AS b, origin AS c, delay AS a FROM flights) AS v GROUP BY c'),
  ).toEqual(direct);
  expect(
    names('CREATE VIEW v (x, y) AS SELECT origin, delay + distance FROM flights; SELECT SUM(y) FROM v AS w GROUP BY x'),
  ).toEqual(direct);
});

test('types of aggregates are those of Flink', () => {
  const of = batch(
    'SELECT COUNT(*), SUM(distance), AVG(distance), AVG(price), SUM(price), MIN(origin), SUM(code), AVG(CAST(delay AS FLOAT)) FROM flights GROUP BY origin',
  );
  expect(sinkColumns(of)).toEqual([
    'EXPR$0 BIGINT NOT NULL',
    'EXPR$1 INT',
    'EXPR$2 INT',
    'EXPR$3 DECIMAL(18, 6)',
    'EXPR$4 DECIMAL(18, 2)',
    'EXPR$5 STRING',
    'EXPR$6 BIGINT NOT NULL',
    'EXPR$7 FLOAT',
  ]);
});

test('an aggregate without GROUP BY runs in one subtask', () => {
  const of = plan('SELECT COUNT(*), MAX(delay) FROM flights');
  const aggregate = of.vertices[1]!;
  expect(aggregate).toMatchObject({ parallelism: 1, maxParallelism: 1 });
  expect(of.edges[0]!.exchange).toEqual({ kind: 'SINGLETON' });
});

test("TUMBLE as a table function: the window is the aggregate's, its columns come out behind the accumulators", () => {
  const of = plan(`
    INSERT INTO files
    SELECT origin, COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(\`date\`), INTERVAL '1' DAY, INTERVAL '-2' HOUR))
    WHERE delay > 0 GROUP BY window_start, window_end, origin`);
  expect(shape(of).split('\n').slice(3, 6)).toEqual([
    '      Calc(select=[origin, date], where=[(delay > 0)])',
    'x2 <- HASH(origin)',
    '  WindowAggregate(groupBy=[origin], window=[TUMBLE(time_col=[date], size=[1 d], offset=[22 h])], select=[origin, count(*), window_start, window_end, window_time])',
  ]);
  expect(operator(of, 'WindowAggregate')).toMatchObject({
    window: { kind: 'TUMBLE', rowtime: 1, size: 86_400_000, offset: 79_200_000 },
    keys: [0],
  });
});

test('the window may come by way of subqueries and views, with arguments by name', () => {
  const of = plan(`
    CREATE VIEW windows AS SELECT window_start AS s, window_end AS e, delay, UPPER(origin) AS place FROM TABLE(
      TUMBLE(DATA => TABLE flights, TIMECOL => DESCRIPTOR(\`date\`), SIZE => INTERVAL '10' MINUTE));
    SELECT place, s + INTERVAL '1' MINUTE, SUM(delay) FROM windows GROUP BY s, e, place HAVING e > TIMESTAMP '2001-01-01 00:00:00'`);
  expect(operator(of, 'WindowAggregate').accumulators.map(({ name }) => name)).toEqual(['sum(delay)', 'count(delay)']);
  expect(operators(of).at(-2)!.name).toBe(
    'Calc(select=[place, (window_start + 60000:INTERVAL SECOND) AS EXPR$1, sum(delay) AS EXPR$2], where=[(window_end > 978307200000)])',
  );
});

test('GROUP BY TUMBLE(...) is the same window, and the same operator id', () => {
  const legacy = plan(
    `INSERT INTO out1 SELECT origin, COUNT(*) FROM flights GROUP BY TUMBLE(\`date\`, INTERVAL '1' HOUR), origin`,
  );
  const tvf =
    plan(`INSERT INTO out1 SELECT origin, COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(\`date\`), INTERVAL '1' HOUR))
    GROUP BY window_start, window_end, origin`);
  expect(operator(legacy, 'WindowAggregate').id).toBe(operator(tvf, 'WindowAggregate').id);
  const of = plan(`SELECT TUMBLE_START(\`date\`, INTERVAL '1' HOUR) AS s, TUMBLE_END(\`date\`, INTERVAL '1' HOUR) AS e,
    TUMBLE_ROWTIME(\`date\`, INTERVAL '1' HOUR) AS t, COUNT(*) AS n FROM flights GROUP BY TUMBLE(\`date\`, INTERVAL '1' HOUR)`);
  expect(operators(of).at(-2)!.name).toBe(
    'Calc(select=[window_start AS s, window_end AS e, window_time AS t, count(*) AS n])',
  );
});

test('all INSERTs of a script are one job, and a table is read once for all of them', () => {
  const set = `INSERT INTO out1 SELECT origin, COUNT(*) FROM flights GROUP BY origin;
    INSERT INTO out2 SELECT destination, delay FROM flights;`;
  const of = plan(set);
  expect(shape(of)).toBe(
    [
      'x2',
      '  TableSourceScan(flights, fields=[date, delay, origin, destination])',
      '    WatermarkAssigner(rowtime=[date], watermark=[(date - 3600000:INTERVAL SECOND)])',
      '      Calc(select=[origin])',
      '      Calc(select=[destination AS k, delay AS n])',
      '        Sink(out2, fields=[k, n])',
      'x2 <- HASH(origin)',
      '  GroupAggregate(groupBy=[origin], select=[origin, count(*)])',
      '    Sink(out1, fields=[k, n])',
    ].join('\n'),
  );
  expect(plan(`EXECUTE STATEMENT SET BEGIN ${set} END`)).toEqual(of);
});

test('a source with fewer subtasks than the job is rebalanced before the sink, not before a hash exchange', () => {
  const one = { describeSource: () => ({ boundedness: 'UNBOUNDED' as const, maxParallelism: 1 }) };
  const copied = plan('INSERT INTO out1 SELECT name, id + 1 FROM plain', one);
  expect(shape(copied)).toBe(
    [
      'x1',
      '  TableSourceScan(plain, fields=[id, name])',
      'x2 <- REBALANCE',
      '  Calc(select=[name AS k, (id + 1) AS n])',
      '    Sink(out1, fields=[k, n])',
    ].join('\n'),
  );
  expect(copied.vertices[0]!.maxParallelism).toBe(1);
  const grouped = plan('INSERT INTO out1 SELECT UPPER(name), COUNT(*) FROM plain GROUP BY UPPER(name)', one);
  expect(grouped.vertices.map(({ parallelism }) => parallelism)).toEqual([1, 2]);
  expect(grouped.edges.map(({ exchange }) => exchange.kind)).toEqual(['HASH']);
});

test('computed columns are computed before the watermark only when it needs them', () => {
  const of =
    plan(`CREATE TABLE events (ms BIGINT, v INT, t AS TO_TIMESTAMP_LTZ(ms, 3), w AS v * 2, WATERMARK FOR t AS t) WITH ('connector' = 'datagen');
    SELECT w FROM events`);
  expect(shape(of).split('\n').slice(1, 5)).toEqual([
    '  TableSourceScan(events, fields=[ms, v])',
    '    Calc(select=[v, TO_TIMESTAMP_LTZ(ms, 3) AS t])',
    '      WatermarkAssigner(rowtime=[t], watermark=[t])',
    '        Calc(select=[(v * 2) AS w])',
  ]);
});

test('DISTINCT groups by all columns, and emits no updates', () => {
  const of = plan('INSERT INTO files SELECT DISTINCT name, id FROM plain');
  expect(operator(of, 'GroupAggregate')).toMatchObject({ keys: [0, 1], accumulators: [] });
});

test('UNION ALL is an edge from each part; equal parts stay two', () => {
  const of = plan('INSERT INTO out1 SELECT name, id FROM plain UNION ALL SELECT origin, distance FROM flights');
  expect(of.edges.map(({ exchange }) => exchange.kind)).toEqual(['FORWARD', 'FORWARD']);
  expect(new Set(of.edges.map(({ targetVertex }) => targetVertex)).size).toBe(1);
  const twice = plan('SELECT id FROM plain UNION ALL SELECT id FROM plain');
  expect(new Set(twice.edges.map(({ id }) => id)).size).toBe(2);
});

test('ORDER BY and LIMIT end in one subtask; columns that only the order needs are dropped', () => {
  const of = batch('SELECT name, amount AS a FROM plain ORDER BY a DESC, ratio, 1 NULLS LAST LIMIT 5 OFFSET 2');
  expect(operator(of, 'Sort')).toMatchObject({
    keys: [
      { index: 1, descending: true, nullsFirst: false },
      { index: 2, descending: false, nullsFirst: true },
      { index: 0, descending: false, nullsFirst: false },
    ],
    limit: 5,
    offset: 2,
  });
  expect(of.vertices.at(-1)!).toMatchObject({ parallelism: 1 });
  expect(sinkColumns(of)).toEqual(['name STRING', 'a INT']);
});

test('INSERT with columns fills the others with NULL and casts as Flink does', () => {
  const of = plan('INSERT INTO out1 (n) SELECT amount FROM plain');
  expect(operator(of, 'Calc').name).toBe('Calc(select=[NULL:STRING AS k, CAST(amount AS BIGINT) AS n])');
  expect(sinkColumns(plan("INSERT INTO strict SELECT COALESCE(name, ''), 1 FROM plain"))).toEqual([
    'k STRING NOT NULL',
    'n BIGINT NOT NULL',
  ]);
});

test('a bare SELECT is printed', () => {
  const of = plan("SELECT 'a' AS x, id FROM plain");
  expect(operator(of, 'Sink').table).toEqual({
    name: 'query_result',
    connector: 'print',
    options: { connector: 'print' },
    schema: [
      { name: 'x', type: { root: 'CHAR', length: 1, nullable: false } },
      { name: 'id', type: { root: 'BIGINT', nullable: true } },
    ],
  });
});

test('settings: the last SET wins, RESET removes it; parallelism may be lowered, the name given', () => {
  const of = plan(
    "SET 'a' = '1'; SET 'a' = '2'; SET 'b' = 'x'; RESET 'b'; SET 'parallelism.default' = '1'; SET 'pipeline.name' = 'mine'; SELECT id FROM plain",
  );
  expect(of.settings).toEqual({ a: '2', 'parallelism.default': '1', 'pipeline.name': 'mine' });
  expect(of.jobName).toBe('mine');
  expect(of.vertices.map(({ parallelism }) => parallelism)).toEqual([1]);
  expect(plan("SET 'parallelism.default' = '9'; SELECT id FROM plain").vertices[0]!.parallelism).toBe(2);
});

test('the sink is told whether updates arrive', () => {
  const asked: [string, boolean][] = [];
  const describeSink = (table: { name: string }, changelog: boolean): void => void asked.push([table.name, changelog]);
  const sql =
    'INSERT INTO out1 SELECT name, COUNT(*) FROM plain GROUP BY name; INSERT INTO out2 SELECT name, id FROM plain';
  plan(sql, { describeSink });
  expect(asked).toEqual([
    ['out1', false],
    ['out1', true],
    ['out2', false],
  ]);
  asked.length = 0;
  batch(sql, { describeSink });
  expect(asked.map(([, changelog]) => changelog)).toEqual([false, false]);
});

test('constants are computed in the plan', () => {
  const of = plan(
    "SELECT 1 + 2 * 3, 'a' || 'b', CAST('12' AS BIGINT), -(5), DATE '2024-02-29' + INTERVAL '1' YEAR, 7 / 2, 1.50 * 2 FROM plain WHERE TRUE AND 2 > 1",
  );
  expect(operator(of, 'Calc').name).toBe(
    "Calc(select=[7 AS EXPR$0, 'ab' AS EXPR$1, 12:BIGINT AS EXPR$2, -5 AS EXPR$3, 20147:DATE AS EXPR$4, 3 AS EXPR$5, 3.00 AS EXPR$6])",
  );
});

test('a plan is plain JSON', () => {
  const of = plan('INSERT INTO out1 SELECT origin, COUNT(*) FROM flights GROUP BY origin');
  expect(JSON.parse(JSON.stringify(of))).toEqual(of);
});
