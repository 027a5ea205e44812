// A batch whose text ends in a bare query, made to write the rows of that query to files: for people they become a table, not a changelog.
import { typeToString, type Schema } from '../../engine/plan/types.ts';
import { sinkConnector, sourceConnector } from '../../engine/connectors/registry.ts';
import { EngineError } from '../../engine/errors.ts';
import { planScript } from '../../engine/plan/plan-script.ts';
import { parseScript } from '../../engine/sql/parse.ts';
import type { ExecPlan } from '../../engine/plan/exec-plan.ts';
import { sqlText, type ResolvedFlowJobSpec } from '../api/resolved.ts';

export interface QueryIntoFiles {
  /** The text with the query as an INSERT into CSV files, NULL where there is nothing. */
  sql: string;
  columns: { name: string; numeric: boolean }[];
}

const NUMERIC = new Set(['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL']);

/** Null: the job is a stream, has no bare query, or one whose types no file takes. `spec` is one that can be planned. */
export function queryIntoFiles(name: string, spec: ResolvedFlowJobSpec, directory: string): QueryIntoFiles | null {
  const text = sqlText(spec);
  const query = spec.mode === 'Batch' ? parseScript(text).statements.find(({ kind }) => kind === 'query') : undefined;
  if (query === undefined) return null;
  const { table, schema } = resultTable(plan(name, spec, text));
  const columns = schema.map(({ name, type }) => `${quoted(name)} ${typeToString({ ...type, nullable: true })}`);
  const declaration =
    `CREATE TABLE ${quoted(table)} (${columns.join(', ')}) WITH ('connector' = 'filesystem', 'format' = 'csv', ` +
    `'path' = '${directory.replaceAll("'", "''")}', 'csv.null-literal' = 'NULL', 'sink.rolling-policy.file-size' = '16MB');`;
  const { start, end } = query.span;
  const sql = `${text.slice(0, start)}${declaration} INSERT INTO ${quoted(table)} ${text.slice(start, end)}${text.slice(end)}`;
  try {
    plan(name, spec, sql);
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
  return { sql, columns: schema.map(({ name, type }) => ({ name, numeric: NUMERIC.has(type.root) })) };
}

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

function plan(name: string, spec: ResolvedFlowJobSpec, text: string): ExecPlan {
  return planScript(text, {
    mode: 'BATCH',
    parallelism: spec.job.parallelism,
    jobName: name,
    describeSource: (table) => sourceConnector(table).describe(table),
    describeSink: (table, changelog) => sinkConnector(table).describe(table, changelog),
  });
}

/** The planner's own table for a bare query: `query_result`, with a line behind it for each table that has this name already. */
function resultTable(plan: ExecPlan): { table: string; schema: Schema } {
  const sinks = plan.vertices.flatMap(({ operators }) =>
    operators.flatMap((o) => (o.type === 'Sink' ? [o.table] : [])),
  );
  const [result] = sinks
    .filter(({ name }) => /^query_result_*$/.test(name))
    .sort((a, b) => b.name.length - a.name.length);
  return { table: result!.name, schema: result!.schema };
}
