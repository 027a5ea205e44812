// Errors that point into the SQL text: where, the line itself with a caret under the place, and a hint.
import type { ErrorCode } from '../error-codes.ts';
import { EngineError } from '../errors.ts';
import { secretValues } from '../secrets.ts';
import type { Span } from './ast.ts';
import { positionAt } from './position.ts';

/** Codes of errors that have a place in the SQL text. */
export type SqlErrorCode = Extract<ErrorCode, `SQL_${string}`>;

/** Characters of a source line that are shown before and after the place. */
const BEFORE = 80;
const AFTER = 60;

/**
 * An EngineError about `span` of `text`. The message is `line L, column C: <message>`, then the line and a caret under the span; values of
 * secret options are masked in it.
 * @param code stable code: SQL_SYNTAX, SQL_UNSUPPORTED, SQL_TOO_DEEP, or a later stage's own SQL_*
 */
export function sqlError(
  text: string,
  span: Span,
  message: string,
  hint?: string,
  code: SqlErrorCode = 'SQL_SYNTAX',
): EngineError {
  const start = Math.min(Math.max(span.start, 0), text.length);
  const { line, column, lineStart } = positionAt(text, start);
  const lineEnd = lineStart + text.slice(lineStart).search(/[\r\n]|$/);
  const masked = maskSecrets(text, lineStart, lineEnd);
  const before = [...masked.slice(0, start - lineStart)].map(printable);
  const after = [...masked.slice(start - lineStart)].map(printable);
  const cutBefore = before.length > BEFORE;
  const prefix = cutBefore ? '...' + before.slice(-BEFORE).join('') : before.join('');
  const source = prefix + after.slice(0, AFTER).join('') + (after.length > AFTER ? '...' : '');
  const marked = [...text.slice(start, Math.max(start, Math.min(span.end, lineEnd)))].length;
  const caret = ' '.repeat([...prefix].length) + '^'.repeat(Math.min(Math.max(1, marked), AFTER));
  const gutter = ` ${line} | `;
  const excerpt = `${gutter}${source}\n${' '.repeat(gutter.length - 2)}| ${caret}`;
  return new EngineError(code, `line ${line}, column ${column}: ${message}\n${excerpt}`, {
    position: { line, column },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Tabs and control characters as spaces, so that the caret stands under its place. */
function printable(character: string): string {
  return /\p{C}/u.test(character) ? ' ' : character;
}

/** The line from `from` to `to` with asterisks in place of the values of secret options, one for each UTF-16 unit. */
function maskSecrets(text: string, from: number, to: number): string {
  let line = text.slice(from, to);
  for (const value of secretValues(text)) {
    const [start, end] = [Math.max(value.start - from, 0), Math.min(value.end - from, line.length)];
    if (start < end) line = line.slice(0, start) + '*'.repeat(end - start) + line.slice(end);
  }
  return line;
}
