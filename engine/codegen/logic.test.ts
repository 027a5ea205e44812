// Generated three-valued logic against a plain interpreter, on random expressions over columns with and without NULLs.
import * as fc from 'fast-check';
import { fromRows, toRows, type CellValue } from '../columnar/batch.ts';
import { gather } from '../columnar/select.ts';
import type { Expr } from '../plan/exec-plan.ts';
import { sqlType, type Schema, type SqlType } from '../plan/types.ts';
import { compileExpression } from './expression.ts';
import { compilePredicate } from './predicate.ts';

const BOOLEAN = sqlType.boolean();
const INT = sqlType.int();
const STRING = sqlType.string();
const schema: Schema = [
  { name: 'p', type: BOOLEAN },
  { name: 'q', type: BOOLEAN },
  { name: 'x', type: INT },
  { name: 'y', type: INT },
  { name: 's', type: STRING },
  { name: 't', type: STRING },
];

type Truth = boolean | null;
const and = (a: Truth, b: Truth): Truth =>
  a === false || b === false ? false : a === null || b === null ? null : true;
const not = (a: Truth): Truth => (a === null ? null : !a);
const compare: Record<string, (a: CellValue, b: CellValue) => boolean> = {
  '=': (a, b) => a === b,
  '<>': (a, b) => a !== b,
  '<': (a, b) => a! < b!,
  '<=': (a, b) => a! <= b!,
  '>': (a, b) => a! > b!,
  '>=': (a, b) => a! >= b!,
};

/** The meaning of an expression, as slowly and plainly as can be. */
function interpret(expr: Expr, row: CellValue[]): CellValue {
  if (expr.kind === 'column') return row[expr.index]!;
  if (expr.kind === 'literal') return expr.value;
  const { fn } = expr;
  const value = (at: number): CellValue => interpret(expr.args[at]!, row);
  const truth = (at: number): Truth => value(at) as Truth;
  if (fn in compare) return value(0) === null || value(1) === null ? null : compare[fn]!(value(0), value(1));
  switch (fn) {
    case 'AND':
      return and(truth(0), truth(1));
    case 'OR':
      return not(and(not(truth(0)), not(truth(1))));
    case 'NOT':
      return not(truth(0));
    case 'IS NULL':
      return value(0) === null;
    case 'IS NOT NULL':
      return value(0) !== null;
    case 'IS TRUE':
      return truth(0) === true;
    case 'IS NOT TRUE':
      return truth(0) !== true;
    case 'IS FALSE':
      return truth(0) === false;
    case 'IS NOT FALSE':
      return truth(0) !== false;
    case 'IS DISTINCT FROM':
      return value(0) !== value(1);
    case 'IS NOT DISTINCT FROM':
      return value(0) === value(1);
    case 'IN':
      return expr.args
        .slice(1)
        .map((_item, i): Truth => (value(0) === null || value(i + 1) === null ? null : value(0) === value(i + 1)))
        .reduce((a, b) => not(and(not(a), not(b))), false as Truth);
    case 'COALESCE':
      return value(0) ?? value(1);
    case 'NULLIF':
      return value(0) === value(1) ? null : value(0);
    case 'CASE':
      return truth(0) === true ? value(1) : truth(2) === true ? value(3) : value(4);
    case 'IF':
      return truth(0) === true ? value(1) : value(2);
    case 'UPPER':
      return value(0) === null ? null : (value(0) as string).toUpperCase();
    case '||':
      return value(0) === null || value(1) === null ? null : `${value(0) as string}${value(1) as string}`;
    default:
      throw new Error(`the interpreter has no ${fn}`);
  }
}

const call = (fn: string, type: SqlType, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type });
const columns = (type: SqlType): fc.Arbitrary<Expr> =>
  fc.constantFrom(
    ...schema.flatMap((field, index): Expr[] =>
      field.type.root === type.root ? [{ kind: 'column', index, type }] : [],
    ),
  );
const literals = (type: SqlType, values: CellValue[]): fc.Arbitrary<Expr> =>
  fc.constantFrom(...values.map((value): Expr => ({ kind: 'literal', value: value as string | null, type })));

const values: Record<string, CellValue[]> = {
  BOOLEAN: [true, false, null],
  INT: [0, 1, 2, null],
  VARCHAR: ['a', 'b', 'A', 'é', null],
};

const { bool, int, text } = fc.letrec<{ bool: Expr; int: Expr; text: Expr }>((tie) => {
  const pairs = fc.oneof(fc.tuple(tie('int'), tie('int')), fc.tuple(tie('text'), tie('text')));
  const leaf = (type: SqlType): fc.Arbitrary<Expr> =>
    fc.oneof({ weight: 3, arbitrary: columns(type) }, literals(type, values[type.root]!));
  /** What every type can be made of. */
  const choices = (type: SqlType, self: fc.Arbitrary<Expr>): fc.Arbitrary<Expr>[] => [
    fc.tuple(tie('bool'), self, tie('bool'), self, self).map((args) => call('CASE', type, ...args)),
    fc.tuple(tie('bool'), self, self).map((args) => call('IF', type, ...args)),
    fc.tuple(fc.constantFrom('COALESCE', 'NULLIF'), self, self).map(([fn, ...args]) => call(fn, type, ...args)),
  ];
  return {
    bool: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf(BOOLEAN),
      fc.tuple(fc.constantFrom('AND', 'OR'), tie('bool'), tie('bool')).map(([fn, a, b]) => call(fn, BOOLEAN, a, b)),
      fc
        .tuple(fc.constantFrom('NOT', 'IS TRUE', 'IS NOT TRUE', 'IS FALSE', 'IS NOT FALSE', 'IS NULL'), tie('bool'))
        .map(([fn, a]) => call(fn, BOOLEAN, a)),
      fc
        .tuple(fc.constantFrom('IS NULL', 'IS NOT NULL'), fc.oneof(tie('int'), tie('text')))
        .map(([fn, a]) => call(fn, BOOLEAN, a)),
      fc
        .tuple(fc.constantFrom(...Object.keys(compare), 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM'), pairs)
        .map(([fn, pair]) => call(fn, BOOLEAN, ...pair)),
      fc
        .tuple(tie('int'), fc.array(literals(INT, values['INT']!), { minLength: 1, maxLength: 10 }))
        .map(([a, items]) => call('IN', BOOLEAN, a, ...items)),
      fc
        .tuple(tie('text'), fc.array(literals(STRING, values['VARCHAR']!), { minLength: 1, maxLength: 10 }))
        .map(([a, items]) => call('IN', BOOLEAN, a, ...items)),
      ...choices(BOOLEAN, tie('bool')),
    ),
    int: fc.oneof({ maxDepth: 3 }, leaf(INT), ...choices(INT, tie('int'))),
    text: fc.oneof(
      { maxDepth: 3 },
      leaf(STRING),
      tie('text').map((a) => call('UPPER', STRING, a)),
      fc.tuple(tie('text'), tie('text')).map((args) => call('||', STRING, ...args)),
      ...choices(STRING, tie('text')),
    ),
  };
});

const cells = fc.tuple(...schema.map((field) => fc.constantFrom(...values[field.type.root]!)));
const rowsWithoutNull = fc.tuple(
  ...schema.map((field) => fc.constantFrom(...values[field.type.root]!.filter((value) => value !== null))),
);

test('generated code means what the interpreter means, with NULLs and without, over plain and dictionary strings', () => {
  fc.assert(
    fc.property(
      fc.oneof(bool, int, text),
      fc.oneof(
        fc.array(cells, { minLength: 1, maxLength: 20 }),
        fc.array(rowsWithoutNull, { minLength: 1, maxLength: 9 }),
      ),
      (expr, rows) => {
        const plain = fromRows(schema, rows);
        const run = compileExpression(expr, schema);
        const expected = rows.map((row) => interpret(expr, row));
        const coded = gather(
          plain,
          Int32Array.from(rows, (_row, index) => index),
        );
        for (const batch of [plain, coded, coded]) {
          const result = {
            schema: [{ name: 'r', type: expr.type }],
            rows: rows.length,
            columns: [run(batch)],
            kinds: null,
          };
          expect(toRows(result).map(([value]) => value)).toEqual(expected);
        }
        if (expr.type.root !== 'BOOLEAN') return;
        const selection = new Int32Array(rows.length);
        const count = compilePredicate(expr, schema)(plain, selection);
        expect([...selection.subarray(0, count)]).toEqual(
          expected.flatMap((value, index) => (value === true ? [index] : [])),
        );
      },
    ),
    { numRuns: 1500 },
  );
});
