// Operators of SQL with Flink's rules for their operands: arithmetic, comparisons, logic, LIKE, IN, BETWEEN, CASE.
import type { Expression, Span } from '../sql/ast.ts';
import type { Expr } from './exec-plan.ts';
import type { ExprFactory } from './expr-factory.ts';
import type { FunctionName } from './functions.ts';
import { unsupported } from './plan-error.ts';
import {
  arithmeticType,
  comparable,
  concatType,
  isApproximate,
  isInteger,
  isInterval,
  isNumeric,
  isTemporal,
  isText,
  isTimestamp,
  MAX_DECIMAL_PRECISION,
  nullable,
  sameType,
} from './type-rules.ts';
import { sqlType, typeToString, type SqlType } from './types.ts';

type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>;
type Bind = (node: Expression) => Expr;

const show = (type: SqlType): string => typeToString({ ...type, nullable: true });
const booleanOf = (...args: Expr[]): SqlType => sqlType.boolean(args.some((arg) => arg.type.nullable));

export class OperatorBinder {
  private readonly make: ExprFactory;
  private readonly bind: Bind;

  /** `bind` binds operands. */
  constructor(make: ExprFactory, bind: Bind) {
    this.make = make;
    this.bind = bind;
  }

  unary(node: Of<'unary'>): Expr {
    const operand = this.bind(node.operand);
    if (node.operator === 'NOT') return this.not(this.make.condition(operand, node.span, 'NOT'), node.span);
    if (!isNumeric(operand.type) && !isInterval(operand.type) && operand.type.root !== 'NULL')
      throw this.make.fail(
        'SQL_TYPE',
        node.span,
        `${node.operator} takes a number, not ${show(operand.type)}`,
        'CAST the operand to a number',
      );
    if (node.operator === '+' || operand.type.root === 'NULL') return operand;
    return this.make.call('NEGATE', [operand], operand.type, node.span);
  }

  binary(node: Of<'binary'>): Expr {
    const { operator, span } = node;
    const [left, right] = [this.bind(node.left), this.bind(node.right)];
    switch (operator) {
      case 'AND':
      case 'OR': {
        const args = [left, right].map((arg) => this.make.condition(arg, span, operator));
        return this.make.call(operator, args, booleanOf(...args), span);
      }
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.arithmetic(operator, left, right, span);
      case '||': {
        const args = [left, right].map((arg) => this.text(arg, span, '||'));
        return this.make.call('||', args, concatType(args.map((arg) => arg.type)), span);
      }
      default:
        return this.comparison(operator as FunctionName, left, right, span);
    }
  }

  /** MOD(a, b) is a % b under another name. */
  arithmetic(
    operator: '+' | '-' | '*' | '/' | '%',
    left: Expr,
    right: Expr,
    span: Span,
    fn: FunctionName = operator,
  ): Expr {
    const temporal = this.temporalArithmetic(operator, left, right, span);
    if (temporal !== null) return temporal;
    const [a, b] = [this.numberBeside(left, right, span), this.numberBeside(right, left, span)];
    for (const operand of [a, b])
      if (!isNumeric(operand.type))
        throw this.make.fail(
          'SQL_TYPE',
          span,
          `${operator} takes numbers, not ${show(left.type)} and ${show(right.type)}`,
          isText(operand.type) ? 'CAST the string to a number; || joins strings' : 'CAST the operands to numbers',
        );
    if (operator === '%' && (isApproximate(a.type) || isApproximate(b.type)))
      throw this.make.fail(
        'SQL_TYPE',
        span,
        `${fn === '%' ? '%' : 'MOD'} takes exact numbers, not ${show(left.type)} and ${show(right.type)}`,
        'CAST the operands to DECIMAL or to an integer type',
      );
    const whole = arithmeticType(operator, a.type, b.type);
    const tooWide = whole.root === 'DECIMAL' && (whole.precision ?? 10) > MAX_DECIMAL_PRECISION;
    const [x, y] = tooWide ? [this.narrowed(a, b, operator), this.narrowed(b, a, operator)] : [a, b];
    const result = arithmeticType(operator, x.type, y.type);
    if (result.root === 'DECIMAL') return this.make.call(fn, [x, y], result, span);
    if (operator === '%') {
      // Computed in the wider type: the remainder is smaller than the divisor and fits the divisor's.
      const wide = arithmeticType('+', x.type, y.type);
      const args = [x, y].map((arg) => this.make.cast(arg, wide, span));
      return this.make.cast(this.make.call(fn, args, wide, span), result, span);
    }
    const args = [x, y].map((arg) => this.make.cast(arg, result, span));
    return this.make.call(fn, args, result, span);
  }

  comparison(fn: FunctionName, left: Expr, right: Expr, span: Span): Expr {
    const [a, b] = this.make.literalsAsTimes([left, right], span) as [Expr, Expr];
    if (!comparable(a.type, b.type))
      throw this.make.fail(
        'SQL_TYPE',
        span,
        `${show(a.type)} ${fn} ${show(b.type)}: values of these types cannot be compared`,
        'CAST one side to the type of the other',
      );
    const args = this.alike([a, b], span);
    const isDistinct = fn === 'IS DISTINCT FROM' || fn === 'IS NOT DISTINCT FROM';
    return this.make.call(fn, args, isDistinct ? sqlType.boolean(false) : booleanOf(...args), span);
  }

  is(node: Of<'is'>): Expr {
    const { test, negated, span } = node;
    const operand = this.bind(node.operand);
    const not = negated ? 'NOT ' : '';
    if (test === 'NULL')
      return this.make.call(`IS ${not}NULL` as FunctionName, [operand], sqlType.boolean(false), span);
    const condition = this.make.condition(operand, span, `IS ${not}${test}`);
    const fn = `IS ${not}${test === 'UNKNOWN' ? 'NULL' : test}` as FunctionName;
    return this.make.call(fn, [condition], sqlType.boolean(false), span);
  }

  between(node: Of<'between'>): Expr {
    const { span, symmetric, negated } = node;
    const [operand, low, high] = [this.bind(node.operand), this.bind(node.low), this.bind(node.high)];
    const within = (a: Expr, b: Expr): Expr => {
      const args = [this.comparison('>=', operand, a, span), this.comparison('<=', operand, b, span)];
      return this.make.call('AND', args, booleanOf(...args), span);
    };
    let result = within(low, high);
    if (symmetric) {
      const args = [result, within(high, low)];
      result = this.make.call('OR', args, booleanOf(...args), span);
    }
    return negated ? this.not(result, span) : result;
  }

  like(node: Of<'like'>): Expr {
    const { span } = node;
    const nodes = [node.operand, node.pattern, ...(node.escape === null ? [] : [node.escape])];
    const args = nodes.map((part) => this.text(this.bind(part), span, 'LIKE'));
    const [, , escape] = args;
    if (escape?.kind === 'literal' && [...String(escape.value)].length !== 1)
      throw this.make.fail(
        'SQL_LITERAL',
        node.escape!.span,
        'ESCAPE takes one character',
        "write for example ESCAPE '!'",
      );
    const result = this.make.call('LIKE', args, booleanOf(...args), span);
    return node.negated ? this.not(result, span) : result;
  }

  in(node: Of<'in'>): Expr {
    const { span, negated } = node;
    const bound = this.make.literalsAsTimes(
      [node.operand, ...node.list].map((part) => this.bind(part)),
      span,
    );
    const [operand, ...items] = bound as [Expr, ...Expr[]];
    const allLiterals = items.every((item) => item.kind === 'literal');
    let result: Expr;
    if (allLiterals) {
      const { exprs } = this.make.common(bound, span, 'IN and its list');
      // What does not fold to a literal (a value out of range) is compared one by one.
      if (exprs.slice(1).every((expr) => expr.kind === 'literal'))
        result = this.make.call('IN', exprs, booleanOf(...exprs), span);
      else result = this.anyEqual(operand, items, span);
    } else result = this.anyEqual(operand, items, span);
    return negated ? this.not(result, span) : result;
  }

  case(node: Of<'case'>): Expr {
    const { span } = node;
    const operand = node.operand === null ? null : this.bind(node.operand);
    const whens = node.branches.map(({ when }) => {
      const bound = this.bind(when);
      return operand === null
        ? this.make.condition(bound, when.span, 'WHEN')
        : this.comparison('=', operand, bound, when.span);
    });
    const thens = node.branches.map(({ then }) => this.bind(then));
    const otherwise =
      node.otherwise === null
        ? this.bind({ kind: 'literal', type: 'null', value: null, span })
        : this.bind(node.otherwise);
    return this.choose(whens, thens, otherwise, span, 'the results of CASE');
  }

  /** CASE WHEN ... THEN ... ELSE ... END of bound parts. */
  choose(whens: Expr[], thens: Expr[], otherwise: Expr, span: Span, what: string): Expr {
    const { exprs, type } = this.make.common([...thens, otherwise], span, what);
    const args = [...whens.flatMap((when, i) => [when, exprs[i]!]), exprs[exprs.length - 1]!];
    return this.make.call('CASE', args, type, span);
  }

  /** A CHAR or VARCHAR operand of `what`. */
  text(expr: Expr, span: Span, what: string): Expr {
    if (isText(expr.type)) return expr;
    if (expr.type.root === 'NULL') return this.make.cast(expr, sqlType.string(), span);
    throw this.make.fail(
      'SQL_TYPE',
      this.make.spanOf(expr, span),
      `${what} takes strings, not ${show(expr.type)}`,
      'write CAST(... AS STRING)',
    );
  }

  private not(operand: Expr, span: Span): Expr {
    return this.make.call('NOT', [operand], operand.type, span);
  }

  private anyEqual(operand: Expr, items: Expr[], span: Span): Expr {
    return items
      .map((item) => this.comparison('=', operand, item, span))
      .reduce((left, right) => this.make.call('OR', [left, right], booleanOf(left, right), span));
  }

  /** Operands of a comparison in one type. Exact numbers of different scale stay: they are compared without loss. */
  private alike(args: Expr[], span: Span): Expr[] {
    const exact = args.every((arg) => isInteger(arg.type) || arg.type.root === 'DECIMAL');
    if (exact && args.some((arg) => arg.type.root === 'DECIMAL')) return args;
    return this.make.common(args, span, 'the operands of a comparison').exprs;
  }

  /** A NULL literal takes the type of the other operand. */
  private numberBeside(expr: Expr, other: Expr, span: Span): Expr {
    if (expr.type.root !== 'NULL') return expr;
    return this.make.cast(expr, isNumeric(other.type) ? other.type : sqlType.int(), span);
  }

  /** Where the result would have too many digits, an integer literal beside a DECIMAL counts only those that it is written with. */
  private narrowed(expr: Expr, other: Expr, operator: string): Expr {
    if (expr.kind !== 'literal' || expr.value === null || !isInteger(expr.type)) return expr;
    if (other.type.root !== 'DECIMAL' || isApproximate(other.type) || operator === '/') return expr;
    const digits = String(expr.value).replace('-', '').length;
    return { kind: 'literal', value: String(expr.value), type: sqlType.decimal(digits, 0, false) };
  }

  /** Times and intervals; null when there are none. */
  private temporalArithmetic(operator: string, left: Expr, right: Expr, span: Span): Expr | null {
    const [a, b] = [left.type, right.type];
    if (![a, b].some((type) => isTemporal(type) || isInterval(type))) return null;
    const anyNull = a.nullable || b.nullable;
    const additive = operator === '+' || operator === '-';
    if (additive && isTemporal(a) && isInterval(b)) return this.shift(operator === '+', left, right, span);
    if (operator === '+' && isInterval(a) && isTemporal(b)) return this.shift(true, right, left, span);
    if (additive && isInterval(a) && sameType(a, b))
      return this.make.call(operator, [left, right], nullable(a, anyNull), span);
    if (operator === '-' && isTemporal(a) && isTemporal(b))
      throw unsupported(this.make.fail, span, `${show(a)} - ${show(b)}`, 'use TIMESTAMPDIFF(SECOND, earlier, later)');
    throw this.make.fail(
      'SQL_TYPE',
      span,
      `${show(a)} ${operator} ${show(b)} does not exist`,
      'an INTERVAL may be added to a time or taken from it; between two times use TIMESTAMPDIFF',
    );
  }

  private shift(plus: boolean, moment: Expr, interval: Expr, span: Span): Expr {
    if (moment.type.root === 'TIME' && interval.type.root === 'INTERVAL_YEAR_MONTH')
      throw this.make.fail('SQL_TYPE', span, 'months cannot be added to a TIME', 'add hours, minutes or seconds');
    // A timestamp to the second plus milliseconds has milliseconds.
    const fine = interval.kind !== 'literal' || Number(interval.value) % 1000 !== 0;
    const precise =
      isTimestamp(moment.type) && interval.type.root === 'INTERVAL_DAY_TIME' && fine
        ? { ...moment.type, precision: 3 }
        : moment.type;
    const type = nullable(precise, moment.type.nullable || interval.type.nullable);
    return this.make.call(plus ? 'TEMPORAL_PLUS' : 'TEMPORAL_MINUS', [moment, interval], type, span);
  }
}
