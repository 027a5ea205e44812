// The parser's cursor over the tokens: look ahead, accept, expect, and say well what was wrong.
import type { EngineError } from '../errors.ts';
import type { Identifier, Span } from './ast.ts';
import { describe, hintFor } from './hints.ts';
import { RESERVED } from './keywords.ts';
import { tokenize, type Token } from './lexer.ts';
import { sqlError, type SqlErrorCode } from './sql-error.ts';

/** How deep parentheses, subqueries, CASE, NOT and the like may be nested. Flink's own parser overflows its stack at some point. */
export const MAX_NESTING = 150;

export class TokenStream {
  readonly text: string;
  private readonly tokens: Token[];
  private index = 0;
  private nesting = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = tokenize(text);
  }

  /** The token `ahead` places on, without taking it. */
  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.index + ahead, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind === 'bad') throw this.unexpected('');
    if (token.kind !== 'end') this.index++;
    return token;
  }

  /** Whether the next tokens are these keywords or symbols. */
  at(...keys: string[]): boolean {
    return keys.every((key, ahead) => this.peek(ahead).key === key);
  }

  /** Takes these keywords or symbols if they all come next. */
  accept(...keys: string[]): boolean {
    if (!this.at(...keys)) return false;
    this.index += keys.length;
    return true;
  }

  /** Takes these keywords or symbols; anything else is an error. */
  expect(...keys: string[]): Token {
    let token = this.peek();
    for (const key of keys) {
      if (!this.at(key)) throw this.unexpected(key);
      token = this.next();
    }
    return token;
  }

  /** Takes a string literal; `what` names it in the error. */
  string(what: string): Token {
    if (this.peek().kind !== 'string') throw this.unexpected(`${what} in quotes`);
    return this.next();
  }

  /** Takes a whole number. */
  integer(what: string): number {
    const token = this.peek();
    if (token.kind !== 'number' || !/^\d{1,9}$/.test(token.text)) throw this.unexpected(what);
    return Number(this.next().text);
  }

  /** Takes a simple name; a reserved word is refused with a hint to quote it. */
  name(what: string): Token {
    const token = this.peek();
    if (!this.atName()) throw this.unexpected(what);
    this.index++;
    return token;
  }

  atName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'name' || (token.kind === 'word' && !RESERVED.has(token.key));
  }

  /** Takes `a.b.c`. */
  identifier(what: string): Identifier {
    const first = this.name(what);
    const parts = [first.text];
    let end = first.end;
    while (this.at('.') && this.peek(1).key !== '*') {
      this.index++;
      const part = this.name('a name after the point');
      parts.push(part.text);
      end = part.end;
    }
    return { kind: 'identifier', parts, span: { start: first.start, end } };
  }

  /** `( item, item, ... )`. */
  parenthesized<T>(item: () => T): T[] {
    this.expect('(');
    const items = this.list(item);
    if (!this.at(')')) throw this.unexpected(', or )');
    this.next();
    return items;
  }

  /** `item, item, ...`. */
  list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.accept(',')) items.push(item());
    return items;
  }

  /** Calls `parse` one level deeper and refuses to go too deep: an error, not an overflow of the stack. */
  nested<T>(parse: () => T): T {
    if (this.nesting >= MAX_NESTING)
      throw this.error(this.peek(), `nested more than ${MAX_NESTING} levels deep`, 'use views or WITH', 'SQL_TOO_DEEP');
    this.nesting++;
    try {
      return parse();
    } finally {
      this.nesting--;
    }
  }

  /** The span from `start` to the last token taken. */
  spanFrom(start: Span): Span {
    const last = this.tokens[this.index - 1];
    return { start: start.start, end: Math.max(last === undefined ? 0 : last.end, start.start) };
  }

  /** Takes what comes before one of `stops` or the end, SQL or not, and returns its text: SET and RESET allow bare words such as 10s. */
  raw(stops: string[]): { text: string; span: Span } {
    const start = this.peek().start;
    let end = start;
    while (this.peek().kind !== 'end' && !stops.includes(this.peek().key)) {
      end = this.peek().end;
      this.index++;
    }
    return { text: this.text.slice(start, end), span: { start, end } };
  }

  error(span: Span, message: string, hint?: string, code?: SqlErrorCode): EngineError {
    return sqlError(this.text, span, message, hint, code);
  }

  /** Something that Flink has and this engine does not. */
  unsupported(span: Span, what: string, hint?: string): EngineError {
    return this.error(span, `${what} is not supported`, hint, 'SQL_UNSUPPORTED');
  }

  /** The next token is not what the grammar wants: `expected` is a keyword, a symbol or a description, or empty. */
  unexpected(expected: string, candidates: string[] = [expected]): EngineError {
    const token = this.peek();
    if (token.problem !== undefined)
      return this.error(token, token.problem.message, token.problem.hint, token.problem.code);
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    const hint = hintFor(this.text, this.tokens, this.index, expected, candidates);
    return this.error(token, `unexpected ${describe(token)}${wanted}`, hint);
  }
}
