// The planner's entry: the SQL text of a job to its physical plan.
import { parseDuration } from '../config.ts';
import type { SourceDescription } from '../connectors/connector.ts';
import type { Span, Statement } from '../sql/ast.ts';
import { parseScript } from '../sql/parse.ts';
import { KEY_GROUPS } from '../state/key-groups.ts';
import { bindInsert, bindQueryStatement, type Insert } from './bind-insert.ts';
import { rename } from './bind-from.ts';
import { QueryBinder } from './bind-query.ts';
import { Catalog, type TableDefinition } from './catalog.ts';
import { emitsUpdates } from './changelog.ts';
import type { ExecPlan, TableSpec } from './exec-plan.ts';
import { ExprFactory, located } from './expr-factory.ts';
import { PhysicalPlanner } from './physical-plan.ts';
import { failIn, type Fail } from './plan-error.ts';
import { optimize } from './rules.ts';

export interface PlanOptions {
  mode: 'STREAMING' | 'BATCH';
  /** Subtasks of operators that can have any number: the slots of the job. */
  parallelism: number;
  /** Unless the text sets pipeline.name. */
  jobName: string;
  describeSource: (table: TableSpec) => SourceDescription;
  /** Throws when the sink cannot be written; `changelog` tells whether updates will arrive. */
  describeSink: (table: TableSpec, changelog: boolean) => void;
}

/**
 * Plans a script: declarations in their order, then all INSERTs as one job.
 * @throws EngineError SQL_* with line and column; errors of connectors keep their codes and get the place of their table
 */
export function planScript(text: string, options: PlanOptions): ExecPlan {
  const script = parseScript(text);
  const fail = failIn(text);
  const make = new ExprFactory(fail);
  const catalog = new Catalog(make);
  const queries = new QueryBinder(catalog, make, options.mode);
  const inserts: Insert[] = [];
  let query: Span | null = null;
  for (const statement of script.statements) {
    if (statement.kind === 'query') {
      if (query !== null)
        throw fail(
          'SQL_UNSUPPORTED',
          firstWord(statement.span),
          'a second SELECT is not supported',
          'a script prints one query: INSERT the others INTO tables',
        );
      query = statement.span;
      inserts.push(bindQueryStatement(statement.query, catalog, queries, make));
    } else inserts.push(...declare(statement, catalog, queries, make));
  }
  checkSettings(catalog, options, fail);
  if (inserts.length === 0)
    throw fail(
      'SQL_EMPTY',
      { start: 0, end: 0 },
      'this script has nothing to run',
      'add an INSERT INTO ... SELECT, or a SELECT',
    );
  return physical(inserts, catalog, options, fail);
}

/** Carries out one statement; returns its INSERTs. */
function declare(
  statement: Exclude<Statement, { kind: 'query' }>,
  catalog: Catalog,
  queries: QueryBinder,
  make: ExprFactory,
): Insert[] {
  switch (statement.kind) {
    case 'createTable':
      catalog.createTable(statement);
      return [];
    case 'createView':
      catalog.createView(statement, () => {
        const node = queries.bind(statement.query);
        return statement.columns.length === 0 ? node : rename(node, statement.columns, statement.name.span, make.fail);
      });
      return [];
    case 'set':
      catalog.settings.set(statement.key, { value: statement.value, span: statement.span });
      return [];
    case 'reset':
      if (statement.key === null) catalog.settings.clear();
      else catalog.settings.delete(statement.key);
      return [];
    case 'insert':
      return [bindInsert(statement, catalog, queries, make)];
    case 'statementSet':
      return statement.inserts.map((insert) => bindInsert(insert, catalog, queries, make));
  }
}

function physical(inserts: Insert[], catalog: Catalog, options: PlanOptions, fail: Fail): ExecPlan {
  const { mode } = options;
  const settings = Object.fromEntries([...catalog.settings].map(([key, { value }]) => [key, value]));
  const roots = optimize(
    inserts.map(({ node }) => node),
    mode,
  );
  const sourceParallelism = (table: TableDefinition): number => {
    const { boundedness, maxParallelism } = describe(() => options.describeSource(table.spec), fail, table.span);
    if (mode === 'BATCH' && boundedness === 'UNBOUNDED')
      throw fail(
        'SQL_UNSUPPORTED',
        table.span,
        `table ${table.spec.name} never ends: a batch reads only what ends`,
        'run it in streaming mode, or bound the table: no replay.* options, a number-of-rows for datagen',
      );
    return Math.max(1, maxParallelism);
  };
  const planner = new PhysicalPlanner({
    mode,
    parallelism: parallelismOf(catalog, options, fail),
    jobName: settings['pipeline.name'] ?? options.jobName,
    settings,
    sourceParallelism,
  });
  inserts.forEach(({ table, node, span, declaration }, i) => {
    describe(() => options.describeSink(table, false), fail, declaration);
    if (emitsUpdates(node, mode)) describe(() => options.describeSink(table, true), fail, span);
    planner.addInsert(roots[i]!, table);
  });
  return planner.finish();
}

function describe<T>(ask: () => T, fail: Fail, span: Span): T {
  try {
    return ask();
  } catch (error) {
    throw located(error, fail, span);
  }
}

/** SET 'parallelism.default' may ask for less than the job has slots, not for more. */
function parallelismOf(catalog: Catalog, { parallelism }: PlanOptions, fail: Fail): number {
  const setting = catalog.settings.get('parallelism.default');
  if (setting === undefined) return parallelism;
  const wanted = Number(setting.value);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > KEY_GROUPS)
    throw fail(
      'SQL_SETTING',
      setting.span,
      `parallelism.default is '${setting.value}'`,
      `set a whole number from 1 to ${KEY_GROUPS}`,
    );
  return Math.min(parallelism, wanted);
}

/** Refuses settings that would be ignored although they change what the job computes. */
function checkSettings({ settings }: Catalog, { mode }: PlanOptions, fail: Fail): void {
  const runtimeMode = settings.get('execution.runtime-mode');
  if (runtimeMode !== undefined) {
    const wanted = runtimeMode.value.toUpperCase();
    if (wanted !== mode)
      throw fail(
        'SQL_SETTING',
        runtimeMode.span,
        `execution.runtime-mode is set to ${runtimeMode.value}, but the job runs in mode ${mode}`,
        'remove the SET, or run the job in the other mode',
      );
  }
  const timeToLive = settings.get('table.exec.state.ttl');
  if (timeToLive !== undefined && !isDuration(timeToLive.value))
    throw fail(
      'SQL_SETTING',
      timeToLive.span,
      `table.exec.state.ttl is set to ${timeToLive.value}, which is not a duration`,
      "write a number and a unit: '30 min', '1 h' or '7 d'; '0 ms' keeps state for ever",
    );
  const zone = settings.get('table.local-time-zone');
  if (zone !== undefined && !['UTC', 'GMT', 'Z', 'Etc/UTC', 'default'].includes(zone.value))
    throw fail(
      'SQL_UNSUPPORTED',
      zone.span,
      `the time zone ${zone.value} is not supported`,
      'the session is in UTC: shift times with INTERVAL where they are shown',
    );
}

function firstWord({ start }: Span): Span {
  return { start, end: start + 6 };
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text, 'table.exec.state.ttl');
    return true;
  } catch {
    return false;
  }
}
