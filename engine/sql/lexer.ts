// Cuts SQL text into tokens. Never fails: what is no token becomes one of kind `bad`, which is an error only where a parser takes it.
import type { Span } from './ast.ts';

/**
 * `word`: an unquoted name or keyword; `name`: a backquoted one; `string`: its text without quotes; `number`: as written; `symbol`: an operator
 * or a bracket; `end`: the end of the text; `bad`: no token of SQL.
 */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'symbol' | 'end' | 'bad';

export interface Token extends Span {
  kind: TokenKind;
  /** The value: unescaped for `name` and `string`, as written for the rest. */
  text: string;
  /** The text of a word in upper case, a symbol as it is, else empty: what keywords and symbols are compared with. */
  key: string;
  /** Why a `bad` token is none, and what to do. */
  problem?: { message: string; hint?: string | undefined; code: 'SQL_SYNTAX' | 'SQL_UNSUPPORTED' };
}

const SPACE = /\s+|(?:--|\/\/)[^\r\n]*/y;
const WORD = /[\p{L}_$][\p{L}\p{N}\p{M}_$]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /<>|<=|>=|\|\||=>|[()[\],;.+\-*/%=<>]/y;

/** Typographic quotes, dashes and commas that editors put in place of the plain ones. */
const LOOKALIKES: Record<string, string> = {
  '‘': "'",
  '’': "'",
  '“': "'",
  '”': "'",
  '´': "'",
  '–': '-',
  '—': '-',
  '，': ',',
};

/** All tokens of `text`; the last one is of kind `end`. Takes time linear in the length of the text. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let position = skipSpace(text, 0); position < text.length; position = skipSpace(text, tokens.at(-1)!.end))
    tokens.push(scan(text, position));
  tokens.push({ kind: 'end', text: '', key: '', start: text.length, end: text.length });
  return tokens;
}

/** The offset after white space and closed comments. */
function skipSpace(text: string, from: number): number {
  let position = from;
  for (;;) {
    const space = matchAt(SPACE, text, position);
    if (space !== null) {
      position += space.length;
      continue;
    }
    const close = isComment(text, position) ? text.indexOf('*/', position + 2) : -1;
    if (close < 0) return position;
    position = close + 2;
  }
}

function isComment(text: string, position: number): boolean {
  return text.startsWith('/*', position) && text[position + 2] !== '+';
}

/** The token at `position`, where neither white space nor a closed comment stands. */
function scan(text: string, position: number): Token {
  const token = (kind: TokenKind, end: number, value: string, key = ''): Token => ({
    kind,
    text: value,
    key,
    start: position,
    end,
  });
  const bad = (
    end: number,
    message: string,
    hint?: string,
    code: 'SQL_SYNTAX' | 'SQL_UNSUPPORTED' = 'SQL_SYNTAX',
  ): Token => ({
    ...token('bad', end, text.slice(position, end)),
    problem: { message, hint, code },
  });

  const word = matchAt(WORD, text, position);
  if (word !== null) {
    const end = position + word.length;
    const quote = text[end] === "'" ? /^(?:[nxe]|_.*)$/i.test(word) : /^u$/i.test(word) && text.startsWith("&'", end);
    if (quote)
      return bad(
        end,
        `strings with the prefix ${word} are not supported`,
        "write plain text as '...'",
        'SQL_UNSUPPORTED',
      );
    return token('word', end, word, word.toUpperCase());
  }
  const number = matchAt(NUMBER, text, position);
  if (number !== null) {
    const end = position + number.length;
    const tail = matchAt(WORD, text, end);
    if (tail === null) return token('number', end, number);
    const hint = `put a space after ${number}, or backquote the name: \`${number}${tail}\``;
    return bad(end + tail.length, `${number}${tail} is neither a number nor a name`, hint);
  }
  const symbol = matchAt(SYMBOL, text, position);
  if (symbol !== null && !text.startsWith('/*', position))
    return token('symbol', position + symbol.length, symbol, symbol);
  switch (text.charAt(position)) {
    case "'": {
      const end = closing(text, position, "'");
      if (end >= 0) return token('string', end, text.slice(position + 1, end - 1).replaceAll("''", "'"));
      return bad(
        text.length,
        'this string is never closed',
        "add a quote; one inside a string is written twice: 'it''s'",
      );
    }
    case '`': {
      const end = closing(text, position, '`');
      if (end === position + 2) return bad(end, 'a name cannot be empty', 'write a name between the backquotes');
      if (end >= 0) return token('name', end, text.slice(position + 1, end - 1).replaceAll('``', '`'));
      return bad(text.length, 'this backquoted name is never closed', 'add the closing backquote');
    }
    case '"':
      return bad(position + 1, 'double quotes have no meaning in Flink SQL', "write text as '...' and names as `...`");
    case '/':
      if (isComment(text, position)) return bad(text.length, 'this comment is never closed', 'add */');
      return bad(
        position + 3,
        'hints (/*+ ... */) are not supported',
        'put the options into the WITH clause of the table',
        'SQL_UNSUPPORTED',
      );
    case '!':
      if (text[position + 1] === '=') return bad(position + 2, '!= is not an operator of Flink SQL', 'write <>');
  }
  const character = String.fromCodePoint(text.codePointAt(position)!);
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  const plain = LOOKALIKES[character];
  return bad(
    position + character.length,
    `unexpected character ${/\p{C}/u.test(character) ? code : `${character} (${code})`}`,
    plain === undefined ? 'inside a name it needs backquotes: `...`' : `write the plain ${plain}`,
  );
}

/** The offset after the quote that closes the one at `position`; a doubled quote does not close. -1: never closed. */
function closing(text: string, position: number, quote: string): number {
  for (let at = text.indexOf(quote, position + 1); at >= 0; at = text.indexOf(quote, at + 2))
    if (text[at + 1] !== quote) return at + 1;
  return -1;
}

function matchAt(pattern: RegExp, text: string, position: number): string | null {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0] ?? null;
}
