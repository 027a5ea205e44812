// For the planner's tests: plans of short scripts, their shape as text, and their results by the real operators.
import { fromRows, toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { createOperator } from '../operators/create.ts';
import { MAX_WATERMARK, type Output } from '../operators/operator.ts';
import { EngineError } from '../errors.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import type { ExecPlan, ExecVertex, OperatorSpec, TableSpec } from './exec-plan.ts';
import { planScript, type PlanOptions } from './plan-script.ts';
import { typeToString } from './types.ts';

export const TABLES = `
CREATE TABLE flights (
  \`date\` TIMESTAMP(3), delay BIGINT, distance INT, origin STRING, destination STRING, price DECIMAL(10, 2), code BIGINT NOT NULL,
  WATERMARK FOR \`date\` AS \`date\` - INTERVAL '1' HOUR
) WITH ('connector' = 'datagen');
CREATE TABLE plain (id BIGINT, name STRING, amount INT, ratio DOUBLE, ok BOOLEAN, seen TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE out1 (k STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE out2 (k STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE files (k STRING, n BIGINT) WITH ('connector' = 'filesystem');
CREATE TABLE strict (k STRING NOT NULL, n BIGINT NOT NULL) WITH ('connector' = 'print');
`;

/** Lines of TABLES, so that positions can be told from the first line after it. */
const TABLE_LINES = TABLES.split('\n').length - 1;

function optionsOf(more: Partial<PlanOptions> = {}): PlanOptions {
  return {
    mode: 'STREAMING',
    parallelism: 2,
    jobName: 'job',
    describeSource: () => ({ boundedness: more.mode === 'BATCH' ? 'BOUNDED' : 'UNBOUNDED', maxParallelism: 128 }),
    describeSink: (table, changelog) => {
      if (changelog && table.connector === 'filesystem')
        throw new EngineError('SINK_INSERT_ONLY', `table ${table.name} takes no updates`, { hint: 'use a window' });
    },
    ...more,
  };
}

export function plan(sql: string, more: Partial<PlanOptions> = {}): ExecPlan {
  return planScript(TABLES + sql, optionsOf(more));
}

export function batch(sql: string, more: Partial<PlanOptions> = {}): ExecPlan {
  return plan(sql, { mode: 'BATCH', ...more });
}

/** The error of a script, with its line counted from the first line of `sql`. */
export function errorOf(
  sql: string,
  more: Partial<PlanOptions> = {},
): { code: string; at: string; message: string; hint: string } {
  try {
    plan(sql, more);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { line = 0, column = 0 } = error.position ?? {};
    return { code: error.code, at: `${line - TABLE_LINES}:${column}`, message: error.message, hint: error.hint ?? '' };
  }
  throw new Error(`no error: ${sql}`);
}

export function operators(of: ExecPlan): OperatorSpec[] {
  return of.vertices.flatMap((vertex) => vertex.operators);
}

export function operator<T extends OperatorSpec['type']>(of: ExecPlan, type: T): Extract<OperatorSpec, { type: T }> {
  const found = operators(of).find((candidate) => candidate.type === type);
  if (found === undefined) throw new Error(`no ${type} in the plan`);
  return found as Extract<OperatorSpec, { type: T }>;
}

/** Vertices with parallelism, incoming exchanges and operators' names, in the order of the plan. */
export function shape(of: ExecPlan): string {
  return of.vertices
    .map((vertex) => {
      const inputs = of.edges.filter((edge) => edge.targetVertex === vertex.id);
      const from = inputs.map(({ exchange, sourceOperator }) => {
        const source = operators(of).find(({ id }) => id === sourceOperator)!;
        const keys =
          exchange.kind === 'HASH' ? `(${exchange.keys.map((key) => source.outputSchema[key]!.name).join(', ')})` : '';
        return `${exchange.kind}${keys}`;
      });
      const head = `x${vertex.parallelism}${from.length === 0 ? '' : ` <- ${from.join(', ')}`}`;
      return [head, ...lines(vertex, null, '  ')].join('\n');
    })
    .join('\n');
}

function lines(vertex: ExecVertex, input: string | null, indent: string): string[] {
  return vertex.operators
    .filter((candidate) => candidate.input === input)
    .flatMap((candidate) => [
      indent + candidate.name.replace(/table=\[\[default_catalog, default_database, (.*?)\]\]/, '$1'),
      ...lines(vertex, candidate.id, `${indent}  `),
    ]);
}

/** `name TYPE` of each column that a sink gets. */
export function sinkColumns(of: ExecPlan): string[] {
  const sink = operator(of, 'Sink');
  const input = operators(of).find(({ id }) => id === sink.input);
  return (input ?? sink).outputSchema.map(({ name, type }) => `${name} ${typeToString(type)}`);
}

/**
 * Runs a plan with one subtask of everything, and returns the rows of each sink. `tables` are the rows of the sources, in the order of their
 * physical columns.
 */
export function run(of: ExecPlan, tables: Record<string, CellValue[][]> = {}): Record<string, CellValue[][]> {
  const results: Record<string, CellValue[][]> = {};
  const waiting = new Map<string, ColumnBatch[]>();
  for (const vertex of of.vertices) {
    const inputs = of.edges
      .filter((edge) => edge.targetVertex === vertex.id)
      .flatMap((edge) => waiting.get(edge.sourceOperator) ?? []);
    for (const head of vertex.operators.filter(({ input }) => input === null))
      feed(
        head,
        vertex,
        head.type === 'Source' ? [scan(head.table, head.projection, tables)] : inputs,
        of,
        waiting,
        results,
      );
  }
  return results;
}

function scan(table: TableSpec, projection: number[], tables: Record<string, CellValue[][]>): ColumnBatch {
  const rows = tables[table.name] ?? [];
  return fromRows(
    projection.map((index) => table.schema[index]!),
    rows.map((row) => projection.map((index) => row[index] ?? null)),
  );
}

function feed(
  spec: OperatorSpec,
  vertex: ExecVertex,
  inputs: ColumnBatch[],
  of: ExecPlan,
  waiting: Map<string, ColumnBatch[]>,
  results: Record<string, CellValue[][]>,
): void {
  const outputs: ColumnBatch[] = [];
  if (spec.type === 'Sink') {
    (results[spec.table.name] ??= []).push(...inputs.flatMap(toRows));
    return;
  }
  if (spec.type === 'Source') outputs.push(...inputs);
  else {
    const output: Output = { emit: (emitted) => outputs.push(emitted), emitWatermark: () => undefined };
    const instance = createOperator(spec, {
      subtask: 0,
      parallelism: 1,
      mode: of.mode,
      now: () => 0,
      count: () => undefined,
      stateBudget: Infinity,
      stateTimeToLive: null,
      temporaryFiles: localTemporaryFiles,
      spillDirectory: () => {
        throw new Error('no spilling here');
      },
    });
    for (const input of inputs) instance.processBatch(input, output);
    instance.processWatermark(MAX_WATERMARK, output);
    instance.finish(output);
    instance.close();
  }
  waiting.set(spec.id, outputs);
  for (const reader of vertex.operators.filter(({ input }) => input === spec.id))
    feed(reader, vertex, outputs, of, waiting, results);
}
