// What a syntax error suggests: the keyword that was meant, the bracket that is open, the comma that is missing.
import { RESERVED } from './keywords.ts';
import type { Token } from './lexer.ts';
import { positionAt } from './position.ts';

/** A token as an error names it. The contents of strings stay out: they may be secrets. */
export function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'end of the text';
    case 'string':
      return 'string';
    case 'name':
      return `name \`${token.text}\``;
    default:
      return token.key !== '' && RESERVED.has(token.key) ? `keyword ${token.text}` : `"${token.text}"`;
  }
}

/**
 * A hint for the unexpected token at `index`, or undefined.
 * @param expected what the grammar wanted there, as the message says it
 * @param keywords keywords that could stand there, for misspelt ones
 */
export function hintFor(
  text: string,
  tokens: Token[],
  index: number,
  expected: string,
  keywords: readonly string[],
): string | undefined {
  const token = tokens[index]!;
  const previous = tokens[index - 1];
  const misspelt =
    misspeltKeyword(token, keywords) ?? (isPlainWord(previous) ? misspeltKeyword(previous, keywords) : undefined);
  if (misspelt !== undefined) return misspelt;
  if (token.kind === 'end' || token.key === ';') {
    const open = openBracket(tokens, index);
    if (open === undefined) return undefined;
    const { line, column } = positionAt(text, open.start);
    return `the ${open.key} at line ${line}, column ${column} is never closed`;
  }
  if (token.key === ')' && openBracket(tokens, index) === undefined) return 'no parenthesis is open here: remove it';
  if (previous?.key === ',' && (token.key === ')' || token.key === 'FROM')) return 'remove the comma before it';
  if (token.key === 'FROM' && previous?.key === 'SELECT') return 'name a column, or * for all';
  const reserved = token.kind === 'word' && RESERVED.has(token.key);
  if (reserved && (expected.includes('name') || ['.', ',', 'AS', 'BY', 'SELECT', '('].includes(previous?.key ?? '')))
    return `${token.text} is a reserved word: to use it as a name, write \`${token.text}\``;
  if (isOperand(token) && (isOperand(previous) || previous?.key === ')'))
    return 'is a comma or an operator missing before it?';
  return undefined;
}

function misspeltKeyword(token: Token | undefined, keywords: readonly string[]): string | undefined {
  if (token?.kind !== 'word' || token.key.length < 3 || keywords.includes(token.key)) return undefined;
  const meant = closest(token.key, keywords);
  return meant === undefined ? undefined : `did you mean ${meant} instead of ${token.text}?`;
}

function isPlainWord(token: Token | undefined): boolean {
  return token?.kind === 'word' && !RESERVED.has(token.key);
}

function isOperand(token: Token | undefined): boolean {
  return token?.kind === 'name' || token?.kind === 'string' || token?.kind === 'number' || isPlainWord(token);
}

/** The innermost bracket before `index` that is still open in its statement. */
function openBracket(tokens: Token[], index: number): Token | undefined {
  const open: Token[] = [];
  for (const token of tokens.slice(0, index)) {
    if (token.key === '(' || token.key === '[') open.push(token);
    else if (token.key === ')' || token.key === ']') open.pop();
    else if (token.key === ';') open.length = 0;
  }
  return open.at(-1);
}

/**
 * The candidate that `word` is most likely a misspelling of: at most two edits away, one for words of up to four letters; undefined if there is
 * none. Compares upper case with upper case.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = word.length <= 4 ? 2 : 3;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance || candidate.length < 2) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
