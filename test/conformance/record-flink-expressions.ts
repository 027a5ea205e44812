// Puts expressions.sql to a real Flink and records what it answers: value for each row, type, or that it refuses.
// Run: node test/conformance/record-flink-expressions.ts [--all]; without --all only expressions that have no answer yet. All take a quarter
// of an hour. Needs what test/flink/tools.ts says.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFlink, FLINK_VERSION } from '../flink/distribution.ts';
import { AGGREGATE_QUERIES, COLUMNS, ROWS, SCALAR_QUERY, type RecordedExpression } from './expression-table.ts';
import { SqlGateway } from './flink-gateway.ts';
import { reasonOf } from './flink-reason.ts';

const FIXTURE = new URL('../fixtures/flink-2.3/expressions.json', import.meta.url);
/** Expressions of one job: a job costs a second, and one failing row fails all of its job. */
const GROUP = 60;

interface Question {
  section: string;
  sql: string;
}

function recorded(): RecordedExpression[] {
  return (JSON.parse(readFileSync(FIXTURE, 'utf8')) as { expressions: RecordedExpression[] }).expressions;
}

function save(answers: RecordedExpression[]): void {
  const lines = answers.map((answer) => `    ${JSON.stringify(answer)}`).join(',\n');
  writeFileSync(FIXTURE, `{\n  "flink": "${FLINK_VERSION}",\n  "expressions": [\n${lines}\n  ]\n}\n`);
}

function questions(): Question[] {
  let section = '';
  const found: Question[] = [];
  for (const line of readFileSync(new URL('expressions.sql', import.meta.url), 'utf8').split('\n')) {
    const heading = /^-- (\w+)$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    else if (line !== '' && !line.startsWith('--')) found.push({ section, sql: line });
  }
  return found;
}

/** A row of the table as a line of JSON, in the formats that Flink's JSON reads. */
function jsonRow(row: readonly (string | null)[]): string {
  const cells = row.map((value, i) => {
    const [name, type] = COLUMNS[i]!;
    const bare = /INT|FLOAT|DOUBLE|DECIMAL|BOOLEAN/.test(type);
    const text = type.startsWith('TIMESTAMP_LTZ') ? `${value}Z` : value;
    return `"${name}":${value === null ? 'null' : bare ? value : JSON.stringify(text)}`;
  });
  return `{${cells.join(',')}}`;
}

async function record(flink: SqlGateway, answers: RecordedExpression[], save: () => void): Promise<void> {
  for (const answer of answers) {
    try {
      const aggregate = answer.section === 'aggregates';
      answer.type = await typeOf(flink, (aggregate ? AGGREGATE_QUERIES[0] : SCALAR_QUERY)([answer.sql]));
      if (aggregate) answer.groupedType = await typeOf(flink, AGGREGATE_QUERIES[2]([answer.sql]));
    } catch (error) {
      answer.refused = reasonOf(error);
    }
  }
  const legal = answers.filter(({ refused }) => refused === undefined);
  console.log(`${legal.length} of ${answers.length} expressions are legal`);
  for (const [queries, group] of [
    [[SCALAR_QUERY], legal.filter(({ section }) => section !== 'aggregates')],
    [AGGREGATE_QUERIES, legal.filter(({ section }) => section === 'aggregates')],
  ] as const)
    for (let i = 0; i < group.length;) {
      // Those that are expected to fail are asked one by one.
      const end = group[i]!.section === 'failures' ? i + 1 : Math.min(group.length, i + GROUP);
      await evaluate(flink, queries, group.slice(i, end));
      save();
      i = end;
    }
}

async function typeOf(flink: SqlGateway, query: string): Promise<string> {
  await flink.run(`CREATE TEMPORARY VIEW x AS ${query}`);
  const rows = await flink.run('DESCRIBE x');
  await flink.run('DROP TEMPORARY VIEW x');
  const [, type, isNullable] = rows.at(-1)!;
  return `${type}${isNullable === 'false' ? ' NOT NULL' : ''}`;
}

/** Evaluates `group` in one job for each query, or in two halves when a row fails, down to one expression. */
async function evaluate(
  flink: SqlGateway,
  queries: readonly ((expressions: string[]) => string)[],
  group: RecordedExpression[],
): Promise<void> {
  try {
    const rows: (string | null)[][] = [];
    for (const query of queries) {
      const found = await flink.run(query(group.map(({ sql }) => sql)));
      rows.push(...found.sort((a, b) => order(a[0]!) - order(b[0]!)));
    }
    for (const [i, answer] of group.entries()) answer.values = rows.map((row) => row[i + 1]!);
  } catch (error) {
    if (group.length === 1) group[0]!.fails = reasonOf(error);
    else {
      const middle = group.length >> 1;
      await evaluate(flink, queries, group.slice(0, middle));
      await evaluate(flink, queries, group.slice(middle));
    }
  }
}

/** Of the first column of a result: ids by number, groups NULL, FALSE, TRUE. */
function order(key: string | null): number {
  return key === null ? -1 : key === 'false' ? 0 : Number(key === 'true' ? 1 : key);
}

const work = mkdtempSync(join(tmpdir(), 'flink-expressions-'));
const flink = await SqlGateway.start(await ensureFlink(console.log), work);
try {
  const data = join(work, 'rows.json');
  writeFileSync(data, ROWS.map(jsonRow).join('\n') + '\n');
  const columns = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
  await flink.run(
    `CREATE TABLE t (${columns}) WITH ('connector' = 'filesystem', 'path' = 'file://${data}', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL')`,
  );
  const known = new Map(process.argv.includes('--all') ? [] : recorded().map((answer) => [answer.sql, answer]));
  const answers = questions().map(({ section, sql }): RecordedExpression => ({ ...known.get(sql), section, sql }));
  await record(
    flink,
    answers.filter(({ sql }) => !known.has(sql)),
    () => save(answers),
  );
  save(answers);
} finally {
  await flink.stop();
  rmSync(work, { recursive: true, force: true });
}
