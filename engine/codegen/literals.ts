// Literals of the plan as JavaScript text.
import { EngineError } from '../errors.ts';
import { physical, typeToString, type SqlType } from '../plan/types.ts';
import type { Code } from './emitter.ts';
import { parseDecimal } from './runtime/numbers.ts';

const negative = (text: string): string => (text.startsWith('-') ? `(${text})` : text);

/** BIGINT and DECIMAL literals come as decimal text, temporal ones as their physical number. */
export function literal(value: boolean | number | string | null, type: SqlType): Code {
  if (value === null)
    return { v: { u8: 'false', i64: '0n', str: "''", i32: '0', f32: '0', f64: '0' }[physical(type)], n: 'true' };
  const n = 'false';
  switch (physical(type)) {
    case 'u8':
      return { v: String(value === true || value === 1 || value === 'true'), n };
    case 'str':
      return { v: JSON.stringify(String(value)), n };
    case 'i64': {
      const unscaled = parseDecimal(String(value), type.root === 'DECIMAL' ? (type.scale ?? 0) : 0);
      if (unscaled === null)
        throw new EngineError('PLAN_LITERAL', `'${value}' is no literal of type ${typeToString(type)}`);
      return { v: negative(`${unscaled}n`), n };
    }
    case 'f32':
      return { v: negative(numberText(Math.fround(Number(value)))), n };
    default:
      return { v: negative(numberText(Number(value))), n };
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
