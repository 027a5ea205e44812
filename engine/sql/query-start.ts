// Tells by a few tokens whether a query begins: after a parenthesis both a query and an expression may stand.
import type { TokenStream } from './token-stream.ts';

/** Whether the token `ahead` places on begins a query: SELECT, WITH, VALUES, or TABLE with a name. */
export function atQuery(ts: TokenStream, ahead = 0): boolean {
  const { key } = ts.peek(ahead);
  if (key === 'TABLE') return ts.atName(ahead + 1);
  return key === 'SELECT' || key === 'WITH' || key === 'VALUES';
}

/** Whether what was read in parentheses goes on as a query: `((SELECT ...) UNION ...)`. */
export function atQueryRest(ts: TokenStream): boolean {
  return ['UNION', 'INTERSECT', 'EXCEPT', 'MINUS', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH'].includes(ts.peek().key);
}
