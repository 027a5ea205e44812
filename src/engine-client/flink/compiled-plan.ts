// Plans that Flink makes once of an SQL text and runs from then on (FLIP-190): COMPILE AND EXECUTE PLAN writes the plan where there is none, and runs the one that is
// there. Pure.
import { createHash } from 'node:crypto';
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { FLINK_FOLDERS } from './config.ts';
import { asOneJob, statementsOf } from './script.ts';

const INSERT = /^INSERT\b/i;
const STATEMENT_SET = /^EXECUTE\s+(?=STATEMENT\s+SET\b)/i;

/** Of the text, and of the keys by which Flink plans it: another version of Flink runs the same plan. 32 hex digits. */
export function planName(spec: ResolvedFlowJobSpec): string {
  const keys = Object.entries(spec.engine.config ?? {}).filter(([key]) => key.startsWith('table.'));
  const made = JSON.stringify([sqlText(spec), keys.sort(([a], [b]) => (a < b ? -1 : 1))]);
  return createHash('sha256').update(made).digest('hex').slice(0, 32);
}

/** What SqlDriver is given. `state`: root of the job's state, a URI. Throws RangeError where the text is not one job that can be run so. */
export function flinkScript(spec: ResolvedFlowJobSpec, state: string): string {
  const text = asOneJob(sqlText(spec));
  if (spec.job.sql?.plan !== 'Compiled') return text;
  return asCompiled(text, `${state}/${FLINK_FOLDERS.plans}/${planName(spec)}.json`);
}

/** `text` is one job already; lines stay where they are. */
function asCompiled(text: string, plan: string): string {
  const compile = `COMPILE AND EXECUTE PLAN '${plan}' FOR `;
  for (const { start, end } of statementsOf(text)) {
    const statement = text.slice(start, end);
    const set = STATEMENT_SET.exec(statement)?.[0];
    if (set === undefined && !INSERT.test(statement)) continue;
    return text.slice(0, start) + compile + text.slice(start + (set ?? '').length);
  }
  throw new RangeError(
    'spec.job.sql.plan is Compiled, and the text has neither INSERT nor EXECUTE STATEMENT SET, of which alone Apache Flink compiles plans: write the job so, or remove plan',
  );
}
