// The plan as REST gives it, against a recorded answer of Flink 2.3.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planToRest, type RestPlan } from './describe.ts';
import { batch, plan } from './plans.fixture.ts';

const recorded = (
  JSON.parse(readFileSync(join(__dirname, '../../test/fixtures/flink-2.3/job_plan.json'), 'utf8')) as {
    plan: RestPlan & { jid: string };
  }
).plan;

const WINDOW = `INSERT INTO files SELECT origin, COUNT(*) FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(\`date\`), INTERVAL '1' DAY))
  WHERE delay > 0 GROUP BY window_start, window_end, origin`;

/** Names and types of fields. */
function form(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(form);
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, form(inner)]));
}

test('a source and an aggregation have the fields and types of a recorded plan', () => {
  const { jid, ...rest } = recorded;
  expect(jid).toMatch(/^[0-9a-f]{32}$/);
  expect(form(planToRest(plan(WINDOW)))).toEqual(form(rest));
});

test('descriptions are trees of numbered operators, escaped for HTML', () => {
  const { nodes } = planToRest(plan(WINDOW));
  expect(nodes.map(({ description }) => description.split('<br/>'))).toEqual([
    [
      '[1]:TableSourceScan(table=[[default_catalog, default_database, flights]], fields=[date, delay, origin])',
      '+- [2]:WatermarkAssigner(rowtime=[date], watermark=[(date - 3600000:INTERVAL SECOND)])',
      '   +- [3]:Calc(select=[origin, date], where=[(delay &gt; 0)])',
      '',
    ],
    [
      '[5]:WindowAggregate(groupBy=[origin], window=[TUMBLE(time_col=[date], size=[1 d])], select=[origin, count(*), window_start, window_end, window_time])',
      '+- [6]:Calc(select=[origin AS k, count(*) AS n])',
      '   +- files[7]: Writer',
      '',
    ],
  ]);
  expect(nodes[1]!.inputs).toEqual([
    { num: 0, id: nodes[0]!.id, ship_strategy: 'HASH', exchange: 'pipelined_bounded' },
  ]);
});

test('vertices are named by their chains, branches in parentheses; a batch has blocking edges', () => {
  const of = batch(
    'INSERT INTO out1 SELECT name, COUNT(*) FROM plain GROUP BY name; INSERT INTO out2 SELECT name, id FROM plain WHERE ok',
  );
  expect(of.vertices.map(({ name }) => name)).toEqual([
    'Source: plain[1] -> (Calc[2], Calc[3] -> out2[4]: Writer)',
    'GroupAggregate[6] -> out1[7]: Writer',
  ]);
  const { nodes } = planToRest(of);
  expect(nodes[0]!.description.split('<br/>')[1]).toMatch(/^:- \[2\]:Calc/);
  expect(nodes[1]!.inputs![0]!.exchange).toBe('blocking');
});
