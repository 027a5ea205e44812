// How every part of the planner reports a mistake: a stable code and the place in the SQL text.
import type { EngineError } from '../errors.ts';
import type { Span } from '../sql/ast.ts';
import { closest } from '../sql/hints.ts';
import { sqlError } from '../sql/sql-error.ts';

/** The planner's own codes. SQL_SYNTAX is the parser's, SQL_UNSUPPORTED and SQL_TOO_DEEP belong to both. */
export type PlanErrorCode =
  | 'SQL_UNSUPPORTED'
  | 'SQL_UNKNOWN_TABLE'
  | 'SQL_UNKNOWN_COLUMN'
  | 'SQL_AMBIGUOUS_COLUMN'
  | 'SQL_UNKNOWN_FUNCTION'
  | 'SQL_DUPLICATE_NAME'
  | 'SQL_TYPE'
  | 'SQL_LITERAL'
  | 'SQL_ARGUMENTS'
  | 'SQL_AGGREGATE'
  | 'SQL_WINDOW'
  | 'SQL_TIME_ATTRIBUTE'
  | 'SQL_CHANGELOG'
  | 'SQL_INSERT'
  | 'SQL_TABLE'
  | 'SQL_SETTING'
  | 'SQL_TOO_DEEP'
  | 'SQL_EMPTY';

/** Makes the error for a place in the text; the caller throws it. */
export type Fail = (code: PlanErrorCode, span: Span, message: string, hint?: string) => EngineError;

/** `Fail` for one script. */
export function failIn(text: string): Fail {
  return (code, span, message, hint) => sqlError(text, span, message, hint, code);
}

/** The refusal of something that is Flink SQL but not (yet) this engine's. */
export function unsupported(fail: Fail, span: Span, what: string, hint: string): EngineError {
  return fail('SQL_UNSUPPORTED', span, `${what} is not supported`, hint);
}

/** "did you mean x? ..." before the rest of a hint, when one of `known` is near `name`. */
export function hintOf(name: string, known: readonly string[], rest: string): string {
  const upper = known.map((candidate) => candidate.toUpperCase());
  const near = closest(name.toUpperCase(), upper);
  return near === undefined ? rest : `did you mean ${known[upper.indexOf(near)]!}? ${rest}`;
}
