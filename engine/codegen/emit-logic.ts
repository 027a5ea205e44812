// Three-valued logic, NULL handling and choice between operands.
import type { Expr } from '../plan/exec-plan.ts';
import { physical } from '../plan/types.ts';
import { comparisonType, compareText, type Emit } from './emit-arithmetic.ts';
import { convert } from './emit-cast.ts';
import type { Call, Code, Emitter } from './emitter.ts';

/** AND and OR. The right side is computed only when the left does not decide: it may be guarded by the left (x <> 0 AND 1 / x > 2). */
function connective(and: boolean): Emit {
  return (em, { args }) => args.slice(1).reduce((left, arg) => connect(em, and, left, arg), em.emit(args[0]!));
}

function connect(em: Emitter, and: boolean, left: Code, arg: Expr): Code {
  const decided = String(!and);
  if (left.n === 'false' && left.v === decided) return left;
  let right: Code = left;
  const computed = em.block(() => {
    right = em.emit(arg);
  });
  if (left.n === 'false' && right.n === 'false' && computed === '')
    return { v: em.bind(`${left.v} ${and ? '&&' : '||'} ${right.v}`), n: 'false' };
  const [v, n] = [em.name('t'), em.name('t')];
  const goesOn = and ? left.v : `!${left.v}`;
  if (left.n === 'false' && right.n === 'false') {
    em.line(`let ${v} = ${decided}; if (${goesOn}) {\n${computed}\n${v} = ${right.v};\n}`);
    return { v, n: 'false' };
  }
  // The result is the right side's, unless that leaves the left side's NULL undecided.
  const undecided = and ? right.v : `!${right.v}`;
  em.line(`let ${v} = ${decided}, ${n} = false;
if (${left.n === 'false' ? goesOn : left.n === 'true' ? 'true' : `${left.n} || ${goesOn}`}) {
${computed}
if (${right.n}) ${n} = true; else if (${undecided}) { ${n} = ${left.n}; ${v} = ${String(and)}; }
}`);
  return { v, n };
}

/** IS [NOT] NULL. */
function isNull(negated: boolean): Emit {
  return (em, { args }) => {
    const [arg] = args as [Expr];
    const n = arg.kind === 'column' ? em.isNull(arg.index) : em.emit(arg).n;
    return { v: negated ? em.bind(n === 'false' ? 'true' : n === 'true' ? 'false' : `!${n}`) : n, n: 'false' };
  };
}

/** IS [NOT] TRUE and IS [NOT] FALSE. */
function isTruth(value: boolean, negated: boolean): Emit {
  return (em, { args }) => {
    const code = em.emit(args[0]!);
    const truth = em.truth({ v: value ? code.v : `!${code.v}`, n: code.n });
    return { v: em.bind(negated ? `!(${truth})` : truth), n: 'false' };
  };
}

/** operand IN (literals): NULL when nothing matches and a literal is NULL. */
function inList(em: Emitter, { args }: Call): Code {
  const [operand, ...items] = args as [Expr, ...Expr[]];
  const known = items.filter((item) => !(item.kind === 'literal' && item.value === null));
  const found = known.length === 0 ? { v: 'false', n: em.emit(operand).n } : oneOf(em, operand, known);
  if (known.length === items.length) return found;
  return { v: found.v, n: em.bind(found.n === 'false' ? `!${found.v}` : `${found.n} || !${found.v}`) };
}

function oneOf(em: Emitter, operand: Expr, items: Expr[]): Code {
  const boolean = { root: 'BOOLEAN', nullable: true } as const;
  const allLiterals = items.every((item) => item.kind === 'literal');
  if (!allLiterals || (items.length <= 4 && operand.kind === 'column')) {
    const tests = items.map((item): Expr => ({ kind: 'call', fn: '=', args: [operand, item], type: boolean }));
    return tests.length === 1 ? em.emit(tests[0]!) : em.emit({ kind: 'call', fn: 'OR', args: tests, type: boolean });
  }
  const type = comparisonType([operand.type, ...items.map((item) => item.type)]);
  const value = convert(em, em.emit(operand), operand.type, type);
  const texts = items.map((item) => convert(em, em.emit(item), item.type, type).v);
  if (items.length <= 8 || items.some((item) => item.type.root !== operand.type.root))
    return em.strict([value], 'u8', (v) => texts.map((text) => `${v} === ${text}`).join(' || '));
  const set = em.constant(`new Set([${texts.join(', ')}])`);
  return em.strict([value], 'u8', (v) => `${set}.has(${v})`, { guard: true });
}

function nullIf(em: Emitter, { args, type }: Call): Code {
  const [left, right] = args as [Expr, Expr];
  const common = comparisonType([left.type, right.type]);
  const a = em.emit(left);
  const [x, y] = [convert(em, a, left.type, common), convert(em, em.emit(right), right.type, common)];
  const equal = em.strict([x, y], 'u8', (p, q) => compareText(em, '=', common, p, q));
  const same = em.truth(equal);
  const value = convert(em, a, left.type, type);
  return { v: value.v, n: em.bind(value.n === 'false' ? same : `${value.n} || ${same}`) };
}

/** An operand as the type of the call. */
const as =
  (em: Emitter, { type }: Call) =>
  (arg: Expr): Code =>
    convert(em, em.emit(arg), arg.type, type);

export const logicEmitters = {
  AND: connective(true),
  OR: connective(false),
  NOT: (em: Emitter, { args }: Call): Code => em.strict([em.emit(args[0]!)], 'u8', (v) => `!${v}`),
  'IS NULL': isNull(false),
  'IS NOT NULL': isNull(true),
  'IS TRUE': isTruth(true, false),
  'IS NOT TRUE': isTruth(true, true),
  'IS FALSE': isTruth(false, false),
  'IS NOT FALSE': isTruth(false, true),
  IN: inList,
  CASE: (em: Emitter, call: Call): Code => caseOf(em, call),
  IF: (em: Emitter, call: Call): Code => caseOf(em, call),
  COALESCE: (em: Emitter, call: Call): Code => em.firstNotNull(call.args, physical(call.type), as(em, call)),
  NULLIF: nullIf,
  CAST: cast,
  TRY_CAST: (em: Emitter, { args, type }: Call): Code => convert(em, em.emit(args[0]!), args[0]!.type, type, true),
};

function cast(em: Emitter, { args, type }: Call): Code {
  const [arg] = args as [Expr];
  if (arg.kind === 'column' && arg.type.root === 'BIGINT' && type.root === 'DOUBLE') return em.longAsDouble(arg.index);
  return convert(em, em.emit(arg), arg.type, type);
}

function caseOf(em: Emitter, call: Call): Code {
  return em.branches(call.args, physical(call.type), as(em, call));
}
