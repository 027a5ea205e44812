// Whether a job's SQL can be planned, asked before anything is started. The one place of the operator that knows the engine's planner.
import { sinkConnector, sourceConnector } from '../../engine/connectors/registry.ts';
import { describeError, EngineError } from '../../engine/errors.ts';
import { planScript } from '../../engine/plan/plan-script.ts';
import { sqlText, type ResolvedFlowJobSpec } from '../api/resolved.ts';

export interface SqlProblem {
  code: string;
  /** With the line, a caret and the hint; without the place, which each caller says in its own way. */
  message: string;
  /** From 1. */
  line: number | undefined;
  column: number | undefined;
}

/** Null: it can be planned, or is for the planner of another engine. Reads no file and starts nothing: what only shows at run time is not found here. */
export function validateSql(name: string, spec: ResolvedFlowJobSpec): SqlProblem | null {
  if (spec.engine.type === 'Flink') return null;
  try {
    planScript(sqlText(spec), {
      mode: spec.mode === 'Batch' ? 'BATCH' : 'STREAMING',
      parallelism: spec.job.parallelism,
      jobName: name,
      describeSource: (table) => sourceConnector(table).describe(table),
      describeSink: (table, changelog) => sinkConnector(table).describe(table, changelog),
    });
    return null;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { line, column } = error.position ?? {};
    const text = describeError(error);
    const place = `line ${line}, column ${column}: `;
    return { code: error.code, message: text.startsWith(place) ? text.slice(place.length) : text, line, column };
  }
}

/** What is wrong with a job on Apache Flink, for people; null when nothing is known to be. */
export type FlinkCheck = (spec: ResolvedFlowJobSpec) => string | null;

/** Of so many jobs the answers are remembered. */
const LIMIT = 10_000;

/** All that an answer may hang on. */
function questionOf({ engine, mode, job, state, jobManager, taskManager }: ResolvedFlowJobSpec): string {
  const own = [engine.type, mode, job];
  if (engine.type !== 'Flink') return JSON.stringify(own);
  return JSON.stringify([...own, engine.config, state.storage, jobManager.resources, taskManager.resources]);
}

/** Remembers the answer for each version of each job, as a pass asks every time. */
export class SqlChecker {
  private readonly answers = new Map<string, { question: string; answer: string | null }>();
  private readonly validate: typeof validateSql;
  private readonly checkFlink: FlinkCheck;

  constructor(checkFlink: FlinkCheck, validate: typeof validateSql = validateSql) {
    this.checkFlink = checkFlink;
    this.validate = validate;
  }

  /** What is wrong, for people; null when nothing is. */
  check(uid: string, name: string, spec: ResolvedFlowJobSpec): string | null {
    const question = questionOf(spec);
    const known = this.answers.get(uid);
    if (known?.question === question) return known.answer;
    const answer = spec.engine.type === 'Flink' ? this.checkFlink(spec) : this.judge(name, spec);
    this.answers.delete(uid);
    this.answers.set(uid, { question, answer });
    // Jobs go without a word to this class: those that were judged longest ago are judged anew when they are still there.
    if (this.answers.size > LIMIT) this.answers.delete(this.answers.keys().next().value!);
    return answer;
  }

  private judge(name: string, spec: ResolvedFlowJobSpec): string | null {
    try {
      const problem = this.validate(name, spec);
      const where = problem?.line === undefined ? '' : ` (line ${problem.line}, column ${problem.column})`;
      return problem === null ? null : `${problem.code}${where}: ${problem.message}`;
    } catch (error) {
      // A defect of the planner may not keep the operator from a job that runs, or from deleting it.
      return `The SQL could not be judged, which is a defect of the planner: ${String(error)}`;
    }
  }
}
