// Parses statements: which kind it is, then INSERT, STATEMENT SET, SET and RESET. CREATE is in ddl.ts.
import type { Statement } from './ast.ts';
import { parseCreate } from './ddl.ts';
import { UNSUPPORTED_STATEMENTS } from './keywords.ts';
import { parseQuery, unexpectedAfterQuery } from './query.ts';
import { atQuery } from './query-start.ts';
import type { TokenStream } from './token-stream.ts';

type Insert = Extract<Statement, { kind: 'insert' }>;

const STARTS = ['CREATE', 'INSERT', 'SELECT', 'WITH', 'VALUES', 'EXECUTE', 'BEGIN', 'SET', 'RESET', 'TABLE'];

/**
 * Takes one statement and the semicolon after it, if there is one.
 * @throws EngineError SQL_SYNTAX, SQL_UNSUPPORTED, SQL_TOO_DEEP
 */
export function parseStatement(ts: TokenStream): Statement {
  const statement = parseBare(ts);
  if (!ts.accept(';') && ts.peek().kind !== 'end') throw unexpectedAfterQuery(ts, '; or the end of the text');
  return statement;
}

function parseBare(ts: TokenStream): Statement {
  const start = ts.peek();
  switch (start.key) {
    case 'CREATE':
      return parseCreate(ts);
    case 'INSERT':
      return parseInsert(ts);
    case 'EXECUTE':
      return parseExecute(ts);
    case 'BEGIN':
      return parseBeginStatementSet(ts);
    case 'SET':
      return parseSet(ts);
    case 'RESET': {
      ts.next();
      const { text } = optionText(ts, [';']);
      return { kind: 'reset', key: text === '' ? null : text, span: ts.spanFrom(start) };
    }
    case 'END':
      throw ts.error(start, 'END without a statement set', 'a statement set is: EXECUTE STATEMENT SET BEGIN ... END');
  }
  if (start.key === '(' || atQuery(ts)) {
    const query = parseQuery(ts);
    return { kind: 'query', query, span: query.span };
  }
  if (UNSUPPORTED_STATEMENTS.has(start.key)) {
    const second = ts.peek(1);
    const what = second.kind === 'word' ? `${start.key} ${second.key}` : start.key;
    throw ts.unsupported(
      start,
      `the statement ${what}`,
      'a job is made of CREATE TABLE, CREATE VIEW, SET, INSERT INTO and statement sets',
    );
  }
  throw ts.unexpected('a statement', STARTS);
}

function parseInsert(ts: TokenStream): Insert {
  const start = ts.expect('INSERT');
  const overwrite = ts.accept('OVERWRITE');
  if (!overwrite && !ts.at('INTO')) throw ts.unexpected('INTO or OVERWRITE', ['INTO', 'OVERWRITE']);
  if (!overwrite) ts.next();
  const target = ts.identifier('a table name');
  if (ts.at('PARTITION'))
    throw ts.unsupported(ts.peek(), 'INSERT ... PARTITION', 'select the values of the partition columns');
  const query = ts.at('(') && (atQuery(ts, 1) || ts.peek(1).key === '(');
  const columns = ts.at('(') && !query ? ts.parenthesized(() => ts.name('a column name').text) : [];
  if (ts.peek().key !== '(' && !atQuery(ts)) throw ts.unexpected('a query', ['SELECT', 'VALUES', 'WITH', 'TABLE']);
  const parsed = parseQuery(ts);
  if (ts.at('ON', 'CONFLICT')) throw ts.unsupported(ts.peek(), 'ON CONFLICT');
  return { kind: 'insert', target, columns, overwrite, query: parsed, span: ts.spanFrom(start) };
}

/** EXECUTE STATEMENT SET BEGIN ... END; EXECUTE before an INSERT or a query means nothing more. */
function parseExecute(ts: TokenStream): Statement {
  const start = ts.expect('EXECUTE');
  if (ts.at('INSERT') || atQuery(ts)) return { ...parseBare(ts), span: ts.spanFrom(start) };
  if (ts.at('PLAN')) throw ts.unsupported(start, 'the statement EXECUTE PLAN');
  ts.expect('STATEMENT', 'SET', 'BEGIN');
  return { kind: 'statementSet', inserts: parseInserts(ts), span: ts.spanFrom(start) };
}

/** BEGIN STATEMENT SET; INSERT ...; END */
function parseBeginStatementSet(ts: TokenStream): Statement {
  const start = ts.expect('BEGIN');
  ts.expect('STATEMENT', 'SET', ';');
  return { kind: 'statementSet', inserts: parseInserts(ts), span: ts.spanFrom(start) };
}

/** INSERT statements, each with its semicolon, up to END. */
function parseInserts(ts: TokenStream): Insert[] {
  const inserts: Insert[] = [];
  do {
    if (!ts.at('INSERT')) throw ts.unexpected('INSERT', ['INSERT', 'END']);
    inserts.push(parseInsert(ts));
    if (!ts.accept(';')) throw unexpectedAfterQuery(ts, ';');
  } while (!ts.accept('END'));
  return inserts;
}

/** SET 'key' = 'value', also without quotes as Flink's SQL client takes it. */
function parseSet(ts: TokenStream): Statement {
  const start = ts.expect('SET');
  const key = optionText(ts, ['=', ';']);
  const hint = "write SET 'key' = 'value'";
  if (key.text === '') throw ts.error(ts.peek(), 'SET needs a key and a value', hint);
  if (!ts.accept('=')) throw ts.error(ts.peek(), `SET ${key.text} has no value`, hint);
  const value = optionText(ts, [';']);
  if (value.text === '' && !value.quoted) throw ts.error(ts.peek(), `SET ${key.text} has no value`, hint);
  return { kind: 'set', key: key.text, value: value.text, span: ts.spanFrom(start) };
}

/** A key or a value: one string, or bare words up to one of `stops`. */
function optionText(ts: TokenStream, stops: string[]): { text: string; quoted: boolean } {
  if (ts.peek().kind === 'string') return { text: ts.next().text, quoted: true };
  const { text, span } = ts.raw(stops);
  if (/['`"]|[\r\n]/.test(text))
    throw ts.error(
      span,
      'this is neither a string nor a bare word',
      "write SET 'key' = 'value'; with a semicolon after it",
    );
  return { text, quoted: false };
}
