// How every part of the planner reports a mistake: a stable code and the place in the SQL text.
import type { EngineError } from '../errors.ts';
import type { Span } from '../sql/ast.ts';
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

/**
 * The entry of `known` that `name` was probably meant to be: equal but for upper and lower case, or at most a third of its letters off. Null when
 * none is near.
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein distance, or `limit` when it is that much or more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return Math.min(previous[b.length]!, limit);
}

/** "did you mean x? ..." before the rest of a hint. */
export function hintOf(name: string, known: readonly string[], rest: string): string {
  const near = nearest(name, known);
  return near === null ? rest : `did you mean ${near}? ${rest}`;
}
