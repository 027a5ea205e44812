// Calls of scalar functions: looks up the signature, checks and casts the operands.
import { checkPattern } from '../codegen/runtime/date-format.ts';
import { regexOf } from '../codegen/runtime/text.ts';
import type { Expression, Span } from '../sql/ast.ts';
import type { OperatorBinder } from './bind-operators.ts';
import type { Expr } from './exec-plan.ts';
import { located, type ExprFactory } from './expr-factory.ts';
import { literal } from './expressions.ts';
import { hintOf, unsupported } from './plan-error.ts';
import { SIGNATURES, type Parameter, type Signature } from './signatures.ts';
import { isText, isTimestamp, nullable } from './type-rules.ts';
import { sqlType, typeToString, type SqlType } from './types.ts';

type Call = Extract<Expression, { kind: 'call' }>;

/** Functions of one unit: YEAR(ts) is EXTRACT(YEAR FROM ts). */
const UNIT_OF: Record<string, string> = {
  YEAR: 'YEAR',
  QUARTER: 'QUARTER',
  MONTH: 'MONTH',
  WEEK: 'WEEK',
  DAYOFYEAR: 'DOY',
  DAYOFMONTH: 'DAY',
  DAYOFWEEK: 'DOW',
  HOUR: 'HOUR',
  MINUTE: 'MINUTE',
  SECOND: 'SECOND',
};

/** Units that each function takes. */
const UNITS: Record<string, readonly string[]> = {
  EXTRACT: ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'DOY', 'DOW', 'HOUR', 'MINUTE', 'SECOND', 'EPOCH'],
  FLOOR_TIME: ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'],
  CEIL_TIME: ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'],
  TIMESTAMPADD: ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'],
  TIMESTAMPDIFF: ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND'],
};

/** Functions whose second operand is a pattern, and what refuses a wrong one. */
const PATTERNS: Record<string, (pattern: string) => unknown> = {
  REGEXP_REPLACE: regexOf,
  REGEXP_EXTRACT: regexOf,
  DATE_FORMAT: checkPattern,
  FROM_UNIXTIME: checkPattern,
  TO_DATE: checkPattern,
  TO_TIMESTAMP: checkPattern,
  UNIX_TIMESTAMP: checkPattern,
};

/** Types that a NULL literal may take where a parameter does not say. */
const NULL_TYPES: SqlType[] = [sqlType.string(), sqlType.int(), sqlType.timestamp(3), sqlType.boolean()];

/** Names of functions and operators that a text may call, for suggestions. */
export const CALLABLE: readonly string[] = [
  ...Object.keys(SIGNATURES),
  ...Object.keys(UNIT_OF),
  'IF',
  'MOD',
  'NULLIF',
].sort();

export class FunctionBinder {
  private readonly make: ExprFactory;
  private readonly operators: OperatorBinder;

  constructor(make: ExprFactory, operators: OperatorBinder) {
    this.make = make;
    this.operators = operators;
  }

  /** @throws EngineError SQL_UNKNOWN_FUNCTION, SQL_ARGUMENTS, SQL_TYPE */
  bind(node: Call, args: Expr[]): Expr {
    const { span } = node;
    const name = this.nameOf(node, args);
    if (name === 'IF') return this.conditional(args, span);
    if (name === 'NULLIF') return this.nullIf(args, span);
    if (name === 'MOD') {
      this.checkCount('MOD', 'MOD(number, number)', args.length, 2, 2, span);
      return this.operators.arithmetic('%', args[0]!, args[1]!, span, 'MOD');
    }
    const unit = Object.hasOwn(UNIT_OF, name) ? UNIT_OF[name] : undefined;
    if (unit !== undefined) {
      this.checkCount(name, `${name}(time)`, args.length, 1, 1, span);
      return this.extract(unit, args[0]!, span);
    }
    const signature = Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name] : undefined;
    if (signature === undefined)
      throw this.make.fail(
        'SQL_UNKNOWN_FUNCTION',
        span,
        `function ${node.name} is not known`,
        hintOf(node.name, CALLABLE, 'the reference lists the functions'),
      );
    return this.apply(node.name, signature, args, span);
  }

  extract(unit: string, operand: Expr, span: Span): Expr {
    const unitLiteral = literal(unit, { root: 'CHAR', length: unit.length, nullable: false });
    return this.apply('EXTRACT', SIGNATURES['EXTRACT']!, [unitLiteral, operand], span);
  }

  /** FLOOR(ts TO HOUR) is another function than FLOOR(x). */
  private nameOf({ name }: Call, args: Expr[]): string {
    const wanted = name === 'CEILING' ? 'CEIL' : name;
    if ((wanted === 'FLOOR' || wanted === 'CEIL') && args.length === 2) return `${wanted}_TIME`;
    // Not callable by these names.
    if (name === 'FLOOR_TIME' || name === 'CEIL_TIME' || name === 'EXTRACT') return `${name}()`;
    return wanted;
  }

  private apply(name: string, signature: Signature, args: Expr[], span: Span): Expr {
    const { fn, parameters, required } = signature;
    const shape = `${name}(${shapeOf(signature)})`;
    const most = signature.variadic === true ? Infinity : parameters.length;
    this.checkCount(name, shape, args.length, required, most, span);
    let operands = args.map((arg, i) =>
      this.operand(arg, parameters[i] ?? parameters[parameters.length - 1]!, i, shape, span),
    );
    this.checkUnit(fn, operands, span);
    this.checkTimeOfDay(fn, operands, span);
    this.checkPattern(fn, operands[1], span);
    const zones = new Set(operands.filter(({ type }) => isTimestamp(type)).map(({ type }) => type.root));
    if (fn === 'TIMESTAMPDIFF' && zones.size > 1)
      throw this.make.fail(
        'SQL_TYPE',
        span,
        'TIMESTAMPDIFF between TIMESTAMP and TIMESTAMP_LTZ',
        'CAST one to the other',
      );
    if (fn === 'TO_TIMESTAMP_LTZ') this.checkEpoch(operands, shape, span);
    if (signature.common === true) operands = this.make.common(operands, span, `the operands of ${name}`).exprs;
    const literals = operands.map((arg) =>
      arg.kind === 'literal' && typeof arg.value !== 'boolean' ? arg.value : null,
    );
    const result = signature.result(
      operands.map((arg) => arg.type),
      literals,
    );
    const anyNull = operands.some((arg) => arg.type.nullable);
    const type = signature.strict === false ? result : nullable(result, result.nullable || anyNull);
    return this.make.call(fn, operands, type, span);
  }

  private operand(arg: Expr, parameter: Parameter, index: number, shape: string, span: Span): Expr {
    if (arg.type.root === 'NULL') {
      const type = parameter.to ?? NULL_TYPES.find((candidate) => parameter.accepts(candidate));
      // A function of any types gives NULL the type of its other operands.
      return type === undefined || parameter.accepts(arg.type) ? arg : this.make.cast(arg, type, span);
    }
    if (!parameter.accepts(arg.type))
      throw this.make.fail(
        'SQL_TYPE',
        this.make.spanOf(arg, span),
        `${shape}: operand ${index + 1} (${parameter.name}) cannot be ${typeToString({ ...arg.type, nullable: true })}`,
        isText(arg.type) ? 'CAST the string to the type that is asked for' : 'write a CAST',
      );
    return parameter.to === null ? arg : this.make.cast(arg, parameter.to, span);
  }

  private conditional(args: Expr[], span: Span): Expr {
    this.checkCount('IF', 'IF(condition, then, else)', args.length, 3, 3, span);
    const [when, then, otherwise] = args as [Expr, Expr, Expr];
    const condition = this.make.condition(when, span, 'IF');
    const { exprs, type } = this.make.common([then, otherwise], span, 'the results of IF');
    const anyNull = condition.type.nullable || type.nullable;
    return this.make.call('IF', [condition, ...exprs], nullable(type, anyNull), span);
  }

  /** The first operand or NULL: its type is the result's, whatever it is compared with. */
  private nullIf(args: Expr[], span: Span): Expr {
    this.checkCount('NULLIF', 'NULLIF(value, other)', args.length, 2, 2, span);
    const [value, other] = this.make.literalsAsTimes(args, span) as [Expr, Expr];
    if (value.type.root === 'NULL') return value;
    // Made for its checks: the two can be compared.
    this.operators.comparison('=', value, other, span);
    return this.make.call('NULLIF', [value, other], nullable(value.type, true), span);
  }

  private checkCount(name: string, shape: string, count: number, least: number, most: number, span: Span): void {
    if (count >= least && count <= most) return;
    const wanted = least === most ? String(least) : most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    throw this.make.fail(
      'SQL_ARGUMENTS',
      span,
      `${name} takes ${wanted} operand${wanted === '1' ? '' : 's'}, not ${count}`,
      `write ${shape}`,
    );
  }

  private checkUnit(fn: string, args: Expr[], span: Span): void {
    const known = UNITS[fn];
    if (known === undefined) return;
    const unit = args.find((arg) => arg.kind === 'literal' && arg.type.root === 'CHAR');
    const value = unit?.kind === 'literal' ? String(unit.value) : '';
    if (!known.includes(value))
      throw unsupported(
        this.make.fail,
        unit === undefined ? span : this.make.spanOf(unit, span),
        `the unit ${value} of ${fn.replace('_TIME', '')}`,
        `use ${known.join(', ')}`,
      );
  }

  /** A time of day has hours, minutes and seconds, and no units that are made of days. */
  private checkTimeOfDay(fn: string, args: Expr[], span: Span): void {
    if (fn !== 'EXTRACT' && fn !== 'FLOOR_TIME' && fn !== 'CEIL_TIME') return;
    const unit = args.find((arg) => arg.kind === 'literal' && arg.type.root === 'CHAR');
    const value = unit?.kind === 'literal' ? String(unit.value) : '';
    if (!args.some((arg) => arg.type.root === 'TIME') || ['HOUR', 'MINUTE', 'SECOND'].includes(value)) return;
    throw this.make.fail('SQL_TYPE', span, `a TIME has no ${value}`, 'use HOUR, MINUTE or SECOND');
  }

  /** A pattern that is a constant is wrong for every row or for none. */
  private checkPattern(fn: string, pattern: Expr | undefined, span: Span): void {
    const check = PATTERNS[fn];
    if (check === undefined || pattern?.kind !== 'literal' || typeof pattern.value !== 'string') return;
    try {
      check(pattern.value);
    } catch (error) {
      throw located(error, this.make.fail, this.make.spanOf(pattern, span));
    }
  }

  private checkEpoch([value, second]: Expr[], shape: string, span: Span): void {
    if (second === undefined || (isText(value!.type) && isText(second.type))) return;
    if (!isText(value!.type) && second.kind === 'literal' && (second.value === 0 || second.value === 3)) return;
    throw this.make.fail(
      'SQL_ARGUMENTS',
      this.make.spanOf(second, span),
      `${shape}: after a number stands 0 (it counts seconds) or 3 (milliseconds), after a string its pattern`,
      'write for example TO_TIMESTAMP_LTZ(x, 3)',
    );
  }
}

/** `string, integer [, integer]`. */
function shapeOf({ parameters, required, variadic }: Signature): string {
  const names = parameters.map(({ name }, i) => (i < required ? name : `[${name}]`)).join(', ');
  return variadic === true ? `${names}, ...` : names;
}
