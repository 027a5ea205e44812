// Parses type names: `DECIMAL(10, 2)`, `TIMESTAMP(3) WITH LOCAL TIME ZONE`, `ARRAY<INT NOT NULL>`, `ROW<a INT, b STRING>`.
import type { TypeName } from './ast.ts';
import type { TokenStream } from './token-stream.ts';

/** Types written as one word, with how many numbers in parentheses they take at most; aliases stand beside the name they mean. */
const SIMPLE: Record<string, { name: string; parameters: number }> = {
  BOOLEAN: { name: 'BOOLEAN', parameters: 0 },
  TINYINT: { name: 'TINYINT', parameters: 0 },
  SMALLINT: { name: 'SMALLINT', parameters: 0 },
  INT: { name: 'INT', parameters: 0 },
  INTEGER: { name: 'INT', parameters: 0 },
  BIGINT: { name: 'BIGINT', parameters: 0 },
  FLOAT: { name: 'FLOAT', parameters: 0 },
  REAL: { name: 'FLOAT', parameters: 0 },
  DOUBLE: { name: 'DOUBLE', parameters: 0 },
  DECIMAL: { name: 'DECIMAL', parameters: 2 },
  DEC: { name: 'DECIMAL', parameters: 2 },
  NUMERIC: { name: 'DECIMAL', parameters: 2 },
  CHAR: { name: 'CHAR', parameters: 1 },
  CHARACTER: { name: 'CHAR', parameters: 1 },
  VARCHAR: { name: 'VARCHAR', parameters: 1 },
  STRING: { name: 'STRING', parameters: 0 },
  BINARY: { name: 'BINARY', parameters: 1 },
  VARBINARY: { name: 'VARBINARY', parameters: 1 },
  BYTES: { name: 'BYTES', parameters: 0 },
  DATE: { name: 'DATE', parameters: 0 },
  TIME: { name: 'TIME', parameters: 1 },
  TIMESTAMP: { name: 'TIMESTAMP', parameters: 1 },
  TIMESTAMP_LTZ: { name: 'TIMESTAMP_LTZ', parameters: 1 },
};

const NAMES = [...Object.keys(SIMPLE), 'ARRAY', 'MAP', 'MULTISET', 'ROW'];

/**
 * Takes a type. `suffix` allows [NOT] NULL after it, as columns and fields have it; CAST does not.
 * @throws EngineError SQL_SYNTAX, SQL_UNSUPPORTED (RAW, structured types)
 */
export function parseType(ts: TokenStream, suffix: boolean): TypeName {
  return ts.nested(() => {
    const start = ts.peek();
    let type = parseUnsuffixed(ts);
    for (;;) {
      if (suffix && ts.accept('NOT', 'NULL')) type = { ...type, nullable: false };
      else if (suffix && ts.accept('NULL')) type = { ...type, nullable: true };
      // The standard's other notation: INT ARRAY is ARRAY<INT>.
      else if (ts.at('ARRAY') || ts.at('MULTISET')) type = base(ts.next().key, { arguments: [type] });
      else return { ...type, span: ts.spanFrom(start) };
    }
  });
}

function base(name: string, parts: Partial<TypeName>): TypeName {
  return {
    kind: 'type',
    name,
    parameters: [],
    arguments: [],
    fields: [],
    nullable: true,
    span: { start: 0, end: 0 },
    ...parts,
  };
}

function parseUnsuffixed(ts: TokenStream): TypeName {
  const token = ts.peek();
  if (token.kind === 'name')
    throw ts.unsupported(token, `the type \`${token.text}\``, 'user-defined types do not exist here');
  switch (token.key) {
    case 'ARRAY':
    case 'MULTISET':
      ts.next();
      return base(token.key, { arguments: angled(ts, () => parseType(ts, true), 1, token.key) });
    case 'MAP':
      ts.next();
      return base('MAP', { arguments: angled(ts, () => parseType(ts, true), 2, 'MAP') });
    case 'ROW':
      ts.next();
      return base('ROW', { fields: rowFields(ts) });
    case 'INTERVAL':
    case 'RAW':
    case 'STRUCTURED':
    case 'VARIANT':
    case 'BITMAP':
      throw ts.unsupported(token, `the type ${token.key}`);
  }
  const simple = Object.hasOwn(SIMPLE, token.key) ? SIMPLE[token.key]! : undefined;
  if (token.kind !== 'word' || simple === undefined) throw ts.unexpected('a type', NAMES);
  ts.next();
  let { name } = simple;
  if (token.key === 'DOUBLE') ts.accept('PRECISION');
  if ((name === 'CHAR' || name === 'BINARY') && ts.accept('VARYING')) name = `VAR${name}`;
  const parameters = ts.at('(') && simple.parameters > 0 ? ts.parenthesized(() => ts.integer('a whole number')) : [];
  if (parameters.length > Math.max(simple.parameters, name.startsWith('VAR') ? 1 : 0))
    throw ts.error(ts.spanFrom(token), `${token.key} takes at most ${simple.parameters} number in parentheses`);
  return base(timeZone(ts, name), { parameters });
}

/** WITH LOCAL TIME ZONE makes TIMESTAMP_LTZ; WITHOUT TIME ZONE is the default. */
function timeZone(ts: TokenStream, name: string): string {
  if (name !== 'TIME' && name !== 'TIMESTAMP') return name;
  const start = ts.peek();
  if (ts.accept('WITHOUT', 'TIME', 'ZONE')) return name;
  if (ts.at('WITH', 'TIME', 'ZONE') || (name === 'TIME' && ts.at('WITH', 'LOCAL', 'TIME', 'ZONE')))
    throw ts.unsupported(
      start,
      `the type ${name} ${ts.at('WITH', 'TIME') ? 'WITH TIME ZONE' : 'WITH LOCAL TIME ZONE'}`,
      'use TIMESTAMP_LTZ(3)',
    );
  return ts.accept('WITH', 'LOCAL', 'TIME', 'ZONE') ? 'TIMESTAMP_LTZ' : name;
}

function rowFields(ts: TokenStream): TypeName['fields'] {
  const field = (): TypeName['fields'][number] => {
    const name = ts.name('a field name').text;
    const type = parseType(ts, true);
    if (ts.peek().kind === 'string') ts.next();
    return { name, type };
  };
  if (ts.at('(')) return ts.parenthesized(field);
  if (ts.accept('<>')) return [];
  return angled(ts, field, null, 'ROW');
}

/** `<a, b>`; the stream has no `>>`, so nested types close one by one. */
function angled<T>(ts: TokenStream, item: () => T, count: number | null, name: string): T[] {
  ts.expect('<');
  const start = ts.peek();
  const items = ts.list(item);
  if (!ts.at('>')) throw ts.unexpected(', or >');
  ts.next();
  if (count !== null && items.length !== count)
    throw ts.error(ts.spanFrom(start), `${name} takes ${count} type${count === 1 ? '' : 's'}, not ${items.length}`);
  return items;
}
