// String functions.
import { EngineError } from '../errors.ts';
import type { Expr } from '../plan/exec-plan.ts';
import { physical, sqlType, type SqlType } from '../plan/types.ts';
import type { Emit } from './emit-arithmetic.ts';
import { convert } from './emit-cast.ts';
import type { Call, Code, Emitter } from './emitter.ts';
import { likeMatcher, regexOf } from './runtime/text.ts';

const STRING = sqlType.string();
const INT = sqlType.int();

/** A strict function whose operands are converted to `types` (the last one repeats). */
function call(types: SqlType[], compute: (em: Emitter, ...values: string[]) => string, nullable = false): Emit {
  return (em, { args, type }) => {
    const codes = args.map((arg, i) => convert(em, em.emit(arg), arg.type, types[i] ?? types[types.length - 1]!));
    return em.strict(codes, physical(type), (...values) => compute(em, ...values), { guard: true, nullable });
  };
}

function literalText(expr: Expr | undefined): string | null {
  return expr?.kind === 'literal' && typeof expr.value === 'string' ? expr.value : null;
}

function like(em: Emitter, { args }: Call): Code {
  const [text, pattern, escape] = args as [Expr, Expr, Expr | undefined];
  const fixed = literalText(pattern);
  const escapeText = literalText(escape);
  if (fixed !== null && (escape === undefined || escapeText !== null)) {
    likeMatcher(fixed, escapeText);
    const matcher = em.constant(`${em.helper('likeMatcher')}(${JSON.stringify(fixed)}, ${JSON.stringify(escapeText)})`);
    return em.strict([em.emit(text)], 'u8', (v) => `${matcher}(${v})`, { guard: true });
  }
  const operands = [text, pattern, ...(escape === undefined ? [] : [escape])].map((arg) => em.emit(arg));
  return em.strict(operands, 'u8', (v, p, e = 'null') => `${em.helper('like')}(${v}, ${p}, ${e})`, { guard: true });
}

/** A pattern given as a literal is checked when the plan is compiled, not at the first row. */
const withPattern =
  (emit: Emit): Emit =>
  (em, expr) => {
    const pattern = literalText(expr.args[1]);
    if (pattern !== null) regexOf(pattern);
    return emit(em, expr);
  };

function concatWs(em: Emitter, { args }: Call): Code {
  const [separator, ...parts] = args.map((arg) => convert(em, em.emit(arg), arg.type, STRING)) as [Code, ...Code[]];
  const list = parts.map((part) => (part.n === 'false' ? part.v : `${part.n} ? null : ${part.v}`)).join(', ');
  return em.strict([separator], 'str', (v) => `${em.helper('concatWs')}(${v}, [${list}])`, { guard: true });
}

/** TRIM(text), TRIM(text, characters), or TRIM('BOTH' | 'LEADING' | 'TRAILING', characters, text) as the SQL form with FROM is bound. */
function trim(atStart: boolean, atEnd: boolean): Emit {
  return (em, { args, type }) => {
    if (args.length === 3) {
      const where = literalText(args[0]);
      if (where === null || !['BOTH', 'LEADING', 'TRAILING'].includes(where))
        throw new EngineError('PLAN_TRIM', 'TRIM of three operands starts with BOTH, LEADING or TRAILING');
      return trim(where !== 'TRAILING', where !== 'LEADING')(em, {
        kind: 'call',
        fn: 'TRIM',
        args: [args[2]!, args[1]!],
        type,
      });
    }
    const codes = args.map((arg) => em.emit(arg));
    const compute = (text: string, characters = "' '"): string =>
      `${em.helper('trim')}(${text}, ${characters}, ${atStart}, ${atEnd})`;
    return em.strict(codes, 'str', compute, { guard: true });
  };
}

export const textEmitters = {
  LIKE: like,
  '||': call([STRING], (_em, ...values) => `(${values.join(' + ')})`),
  CONCAT: call([STRING], (_em, ...values) => `(${values.join(' + ')})`),
  CONCAT_WS: concatWs,
  UPPER: call([STRING], (_em, v) => `${v}.toUpperCase()`),
  LOWER: call([STRING], (_em, v) => `${v}.toLowerCase()`),
  TRIM: trim(true, true),
  LTRIM: trim(true, false),
  RTRIM: trim(false, true),
  CHAR_LENGTH: call([STRING], (em, v) => `${em.helper('charLength')}(${v})`),
  SUBSTRING: call(
    [STRING, INT, INT],
    (em, v, from, length = '2147483647') => `${em.helper('substring')}(${v}, ${from}, ${length})`,
    true,
  ),
  POSITION: call([STRING], (em, needle, v) => `${em.helper('position')}(${needle}, ${v})`),
  REPLACE: call([STRING], (_em, v, search, by) => `${v}.replaceAll(${search}, () => ${by})`),
  LPAD: call([STRING, INT, STRING], (em, v, n, fill = "' '") => `${em.helper('pad')}(${v}, ${n}, ${fill}, true)`, true),
  RPAD: call(
    [STRING, INT, STRING],
    (em, v, n, fill = "' '") => `${em.helper('pad')}(${v}, ${n}, ${fill}, false)`,
    true,
  ),
  REVERSE: call([STRING], (em, v) => `${em.helper('reverse')}(${v})`),
  LEFT: call([STRING, INT], (em, v, n) => `${em.helper('left')}(${v}, ${n})`),
  RIGHT: call([STRING, INT], (em, v, n) => `${em.helper('right')}(${v}, ${n})`),
  SPLIT_INDEX: call([STRING, STRING, INT], (em, v, by, n) => `${em.helper('splitIndex')}(${v}, ${by}, ${n})`, true),
  REGEXP_REPLACE: withPattern(
    call([STRING], (em, v, pattern, by) => `${em.helper('regexpReplace')}(${v}, ${pattern}, ${by})`),
  ),
  REGEXP_EXTRACT: withPattern(
    call(
      [STRING, STRING, INT],
      (em, v, pattern, group = '0') => `${em.helper('regexpExtract')}(${v}, ${pattern}, ${group})`,
      true,
    ),
  ),
};
