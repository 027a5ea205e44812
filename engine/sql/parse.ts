// The parser's entry: the text of a job to its statements.
import type { Script, Statement } from './ast.ts';
import { parseStatement } from './statements.ts';
import { TokenStream } from './token-stream.ts';

/** How many nodes may stand above one another in a statement's tree: `a + b + c + ...` is as deep as it is long. */
export const MAX_HEIGHT = 600;

/**
 * Parses Flink SQL: statements separated by semicolons.
 * @throws EngineError with line and column: SQL_SYNTAX, SQL_UNSUPPORTED (Flink has it, this engine does not), SQL_TOO_DEEP
 */
export function parseScript(text: string): Script {
  const ts = new TokenStream(text);
  const statements: Statement[] = [];
  while (ts.peek().kind !== 'end') {
    if (ts.accept(';')) continue;
    const statement = parseStatement(ts);
    if (height(statement) > MAX_HEIGHT)
      throw ts.error(
        statement.span,
        `this statement is more than ${MAX_HEIGHT} levels deep`,
        'shorten chains of operators (x IN (...) in place of x = 1 OR x = 2 ...), or split them with views',
        'SQL_TOO_DEEP',
      );
    statements.push(statement);
  }
  return { text, statements };
}

/** The greatest number of nodes on a path from `root` down. Without recursion: this is what protects the recursive stages that follow. */
function height(root: object): number {
  let greatest = 0;
  const stack: { node: object; depth: number }[] = [{ node: root, depth: 1 }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, depth } = entry;
    greatest = Math.max(greatest, depth);
    for (const child of Object.values(node) as unknown[])
      if (child !== null && typeof child === 'object')
        stack.push({ node: child, depth: 'kind' in child ? depth + 1 : depth });
  }
  return greatest;
}
