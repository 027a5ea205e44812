// The engine's error: a stable code, what was wrong, where, and what to do about it.
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import { redact } from './secret-references.ts';

/** Where in a text or file something is wrong. Lines, columns and rows count from 1. */
export interface ErrorPosition {
  file?: string;
  line?: number;
  column?: number;
  row?: number;
}

/**
 * An error that a user can act on. `code` is stable (`SQL_SYNTAX`, `CSV_BAD_ROW`, ...) and listed in docs/reference/errors.md;
 * `message` says what is wrong and names the offending value; `hint` says what to do.
 */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly position: ErrorPosition | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { hint?: string; position?: ErrorPosition; cause?: unknown } = {},
  ) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EngineError';
    this.code = code;
    this.hint = details.hint === undefined ? undefined : redact(details.hint);
    this.position = details.position;
  }
}

/** `CODE: text`, as the codes are documented and a message alone cannot be looked up. */
export const withCode = (code: string, text: string): string => `${code}: ${text}`;

/** What `withCode` has put together; `code` is null for a text without one of the codes before it. */
export function splitCode(text: string): { code: ErrorCode | null; text: string } {
  const code = /^[A-Z][A-Z0-9_]*(?=: )/.exec(text)?.[0];
  return code !== undefined && code in ERROR_CODES
    ? { code: code as ErrorCode, text: text.slice(code.length + 2) }
    : { code: null, text };
}

/** The same as `describeError`, with the code of an EngineError before it: for what is put on record. */
export function describeWithCode(error: unknown): string {
  return error instanceof EngineError ? withCode(error.code, describeError(error)) : describeError(error);
}

/** The text shown to people: message, then the hint on its own line. */
export function describeError(error: unknown): string {
  if (error instanceof EngineError)
    return error.hint === undefined ? error.message : `${error.message}\nHint: ${error.hint}`;
  return redact(error instanceof Error ? error.message : String(error));
}
