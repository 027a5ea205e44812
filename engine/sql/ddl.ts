// Parses CREATE TABLE and CREATE VIEW.
import type { ColumnDefinition, Statement, TableOption } from './ast.ts';
import { parseExpression } from './expressions.ts';
import { parseQuery } from './query.ts';
import type { Token } from './lexer.ts';
import type { TokenStream } from './token-stream.ts';
import { parseType } from './types.ts';

type CreateTable = Extract<Statement, { kind: 'createTable' }>;

/** What CREATE may make in Flink and this engine refuses by name. */
const REFUSED = ['FUNCTION', 'CATALOG', 'DATABASE', 'MODEL', 'CONNECTION', 'MATERIALIZED', 'SYSTEM', 'SECRET'];

/** Takes a statement that begins with CREATE. */
export function parseCreate(ts: TokenStream): Statement {
  const start = ts.expect('CREATE');
  if (ts.at('OR', 'REPLACE') || ts.at('OR', 'ALTER')) throw ts.unsupported(ts.peek(), `CREATE OR ${ts.peek(1).key}`);
  const temporary = ts.accept('TEMPORARY');
  const what = ts.peek();
  if (REFUSED.includes(what.key))
    throw ts.unsupported(ts.spanFrom(start), `CREATE ${what.key === 'MATERIALIZED' ? 'MATERIALIZED TABLE' : what.key}`);
  if (ts.accept('TABLE')) return parseCreateTable(ts, start, temporary);
  if (ts.accept('VIEW')) return parseCreateView(ts, start, temporary);
  throw ts.unexpected('TABLE or VIEW', ['TABLE', 'VIEW', 'TEMPORARY']);
}

function ifNotExists(ts: TokenStream): boolean {
  if (!ts.at('IF')) return false;
  ts.expect('IF', 'NOT', 'EXISTS');
  return true;
}

function parseCreateView(ts: TokenStream, start: Token, temporary: boolean): Statement {
  const exists = ifNotExists(ts);
  const name = ts.identifier('a view name');
  const columns = ts.at('(') ? ts.parenthesized(() => columnName(ts)) : [];
  parseComment(ts);
  if (!ts.at('AS')) throw ts.unexpected('AS', ['AS', 'COMMENT']);
  ts.next();
  const query = parseQuery(ts);
  return { kind: 'createView', name, temporary, ifNotExists: exists, columns, query, span: ts.spanFrom(start) };
}

/** A column of a view may have a comment. */
function columnName(ts: TokenStream): string {
  const name = ts.name('a column name').text;
  parseComment(ts);
  return name;
}

function parseCreateTable(ts: TokenStream, start: Token, temporary: boolean): CreateTable {
  const exists = ifNotExists(ts);
  const name = ts.identifier('a table name');
  const table: CreateTable = {
    kind: 'createTable',
    name,
    temporary,
    ifNotExists: exists,
    columns: [],
    watermark: null,
    primaryKey: [],
    partitionedBy: [],
    comment: null,
    options: [],
    span: name.span,
  };
  if (ts.at('(')) ts.parenthesized(() => parseTableElement(ts, table));
  table.comment = parseComment(ts);
  if (ts.at('DISTRIBUTED'))
    throw ts.unsupported(ts.peek(), 'DISTRIBUTED BY', 'remove it: connectors here have no buckets');
  if (ts.accept('PARTITIONED', 'BY')) table.partitionedBy = ts.parenthesized(() => ts.name('a column name').text);
  if (ts.accept('WITH')) table.options = parseOptions(ts);
  if (ts.at('LIKE')) throw ts.unsupported(ts.peek(), 'CREATE TABLE ... LIKE', 'write the columns and options out');
  if (ts.at('AS'))
    throw ts.unsupported(ts.peek(), 'CREATE TABLE ... AS SELECT', 'declare the table, then INSERT INTO it');
  return { ...table, span: ts.spanFrom(start) };
}

/** One entry between the parentheses: a column, a watermark or a constraint. */
function parseTableElement(ts: TokenStream, table: CreateTable): void {
  const start = ts.peek();
  if (start.key === 'WATERMARK') {
    ts.expect('WATERMARK', 'FOR');
    const column = ts.identifier('a column name').parts.join('.');
    ts.expect('AS');
    const expression = parseExpression(ts);
    if (table.watermark !== null) throw ts.error(start, 'a table has one WATERMARK at most', 'remove one of them');
    table.watermark = { column, expression, span: ts.spanFrom(start) };
    return;
  }
  if (start.key === 'CONSTRAINT' || start.key === 'PRIMARY' || start.key === 'UNIQUE') {
    constraintName(ts);
    const keyStart = ts.peek();
    primaryKeyWords(ts);
    const columns = ts.parenthesized(() => ts.name('a column name').text);
    notEnforced(ts);
    setPrimaryKey(ts, table, columns, ts.spanFrom(keyStart));
    return;
  }
  const column = parseColumn(ts, table);
  table.columns.push(column);
}

function constraintName(ts: TokenStream): void {
  if (ts.accept('CONSTRAINT')) ts.name('a constraint name');
}

function primaryKeyWords(ts: TokenStream): void {
  if (ts.at('UNIQUE')) throw ts.unsupported(ts.peek(), 'UNIQUE', 'use PRIMARY KEY (...) NOT ENFORCED');
  ts.expect('PRIMARY', 'KEY');
}

function notEnforced(ts: TokenStream): void {
  if (ts.accept('NOT', 'ENFORCED')) return;
  const hint = 'write PRIMARY KEY ... NOT ENFORCED: the engine does not own the data and cannot enforce the key';
  throw ts.error(ts.peek(), 'a primary key must be NOT ENFORCED', hint);
}

function setPrimaryKey(
  ts: TokenStream,
  table: CreateTable,
  columns: string[],
  span: { start: number; end: number },
): void {
  if (table.primaryKey.length > 0) throw ts.error(span, 'a table has one primary key at most', 'remove one of them');
  table.primaryKey = columns;
}

function parseColumn(ts: TokenStream, table: CreateTable): ColumnDefinition {
  const start = ts.peek();
  const name = ts.name('a column name').text;
  if (ts.accept('AS')) {
    const expression = parseExpression(ts);
    return { kind: 'computed', name, expression, comment: parseComment(ts), span: ts.spanFrom(start) };
  }
  const type = parseType(ts, true);
  if (ts.accept('METADATA')) {
    const from = ts.accept('FROM') ? ts.string('the metadata key').text : null;
    const virtual = ts.accept('VIRTUAL');
    return { kind: 'metadata', name, type, from, virtual, comment: parseComment(ts), span: ts.spanFrom(start) };
  }
  let primaryKey = false;
  if (ts.at('CONSTRAINT') || ts.at('PRIMARY') || ts.at('UNIQUE')) {
    const keyStart = ts.peek();
    constraintName(ts);
    primaryKeyWords(ts);
    notEnforced(ts);
    setPrimaryKey(ts, table, [name], ts.spanFrom(keyStart));
    primaryKey = true;
  }
  if (ts.at('DEFAULT')) throw ts.unsupported(ts.peek(), 'DEFAULT of a column', 'use COALESCE(...) in the query');
  const comment = parseComment(ts);
  if (!ts.at(',') && !ts.at(')'))
    throw ts.unexpected(', or )', ['NOT', 'NULL', 'METADATA', 'PRIMARY', 'COMMENT', 'WITH', 'WATERMARK']);
  return { kind: 'physical', name, type, primaryKey, comment, span: ts.spanFrom(start) };
}

function parseComment(ts: TokenStream): string | null {
  return ts.accept('COMMENT') ? ts.string('the comment').text : null;
}

/** `('key' = 'value', ...)`. */
function parseOptions(ts: TokenStream): TableOption[] {
  if (ts.at('(', ')')) {
    ts.accept('(', ')');
    return [];
  }
  return ts.parenthesized(() => {
    const key = ts.string('an option');
    ts.expect('=');
    const value = ts.string('the value of the option').text;
    return { key: key.text, value, span: ts.spanFrom(key) };
  });
}
