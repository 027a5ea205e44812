// Turns typed expressions into JavaScript statements for one row. Null handling is explicit: each value has a text and a NULL test,
// and the test is the text 'false' where the shape of the batch or the expression rules NULL out, so that no code is made for it.
import { EngineError } from '../errors.ts';
import type { Expr } from '../plan/exec-plan.ts';
import { physical, type Physical, type Schema, type SqlType } from '../plan/types.ts';
import { emitters } from './emitters.ts';
import { literal } from './literals.ts';

/** A value in generated code: `v` is meaningful only where `n` is false. Both are free of side effects and cheap to repeat. */
export interface Code {
  v: string;
  n: string;
}

/** What is known of an input column while a variant is compiled. */
export interface ColumnShape {
  /** The column has a validity bitmap. */
  nullable: boolean;
  /** Strings: rows are codes, so that entries may repeat. */
  codes: boolean;
}

/** How columns are read where code is being emitted: by row, or inside a memo by dictionary entry. */
interface Frame {
  lines: string[];
  scopes: Map<string, Code>[];
  /** The column whose entry is the memo's argument `e`; null in the row loop. */
  memoColumn: number | null;
}

const NOT_MEMOIZED = new Set(['CURRENT_TIMESTAMP', 'LOCALTIMESTAMP', 'CURRENT_DATE', 'UNIX_TIMESTAMP']);

/** Text of an initial value of a variable. */
export function zero(kind: Physical): string {
  return kind === 'i64' ? '0n' : kind === 'u8' ? 'false' : kind === 'str' ? "''" : '0';
}

export class Emitter {
  readonly schema: Schema;
  /** Statements that run once, when the function is made; they hold what lives from batch to batch. */
  readonly state: string[] = [];
  /** Statements that run once per batch. */
  readonly prologue: string[] = [];
  private readonly shapes: ColumnShape[];
  private readonly helpers = new Set<string>();
  private readonly opened = new Set<number>();
  private readonly memos = new Map<string, Code>();
  private frame: Frame = { lines: [], scopes: [new Map<string, Code>()], memoColumn: null };
  private names = 0;

  constructor(schema: Schema, shapes: ColumnShape[]) {
    this.schema = schema;
    this.shapes = shapes;
  }

  /** A name that nothing else has. */
  name(prefix: string): string {
    return `${prefix}_${this.names++}`;
  }

  /** The local name of a helper of `runtime.ts`. */
  helper(name: string): string {
    this.helpers.add(name);
    return name;
  }

  /** The statements that name the helpers in use. */
  helperLines(): string {
    return this.helpers.size === 0 ? '' : `const { ${[...this.helpers].join(', ')} } = rt;`;
  }

  line(text: string): void {
    this.frame.lines.push(text);
  }

  /** A constant made once with the function. */
  constant(text: string): string {
    const name = this.name('k');
    this.state.push(`const ${name} = ${text};`);
    return name;
  }

  /** A variable that holds `text`, unless that is a name or a literal already. */
  bind(text: string): string {
    if (/^(-?\d+n?|\w+|"[^"\\]*")$/.test(text)) return text;
    const name = this.name('t');
    this.line(`const ${name} = ${text};`);
    return name;
  }

  /** Statements that `emit` makes, in a block of their own: what they compute is not visible after it. */
  block(emit: () => void): string {
    const { lines } = this.frame;
    this.frame.lines = [];
    this.frame.scopes.push(new Map());
    emit();
    const text = this.frame.lines.join('\n');
    this.frame.lines = lines;
    this.frame.scopes.pop();
    return text;
  }

  /** The NULL test of a result that is NULL when any of `codes` is. */
  anyNull(codes: Code[]): string {
    const tests = [...new Set(codes.map((code) => code.n))].filter((test) => test !== 'false');
    if (tests.includes('true')) return 'true';
    return tests.length === 0 ? 'false' : this.bind(tests.join(' || '));
  }

  /** Text that is true exactly when a BOOLEAN is TRUE. */
  truth(code: Code): string {
    if (code.n === 'false') return code.v;
    return code.n === 'true' ? 'false' : `(!${code.n} && ${code.v})`;
  }

  /**
   * A function that is NULL when an operand is. `guard`: the computation must not run on the values under NULL (it may throw, or costs
   * much). `nullable`: it may give null itself.
   */
  strict(
    operands: Code[],
    kind: Physical,
    compute: (...values: string[]) => string,
    options: { guard?: boolean; nullable?: boolean } = {},
  ): Code {
    const n = this.anyNull(operands);
    if (n === 'true') return { v: zero(kind), n };
    const text = compute(...operands.map((operand) => operand.v));
    if (options.nullable === true) {
      const name = this.name('t');
      if (n === 'false') this.line(`const ${name} = ${text};`);
      else this.line(`let ${name} = null; if (!${n}) ${name} = ${text};`);
      const isNull = this.bind(`${name} === null`);
      // Other types take a null for a zero in arithmetic that nobody reads; a BigInt throws.
      return { v: kind === 'i64' ? this.bind(`${isNull} ? 0n : ${name}`) : name, n: isNull };
    }
    if (options.guard !== true || n === 'false') return { v: this.bind(text), n };
    const name = this.name('t');
    this.line(`let ${name} = ${zero(kind)}; if (!${n}) ${name} = ${text};`);
    return { v: name, n };
  }

  emit(expr: Expr): Code {
    if (expr.kind === 'literal') return literal(expr.value, expr.type);
    const key = JSON.stringify(expr);
    for (const scope of this.frame.scopes) {
      const known = scope.get(key);
      if (known !== undefined) return known;
    }
    const code = this.emitNew(expr, key);
    this.frame.scopes[this.frame.scopes.length - 1]!.set(key, code);
    return code;
  }

  private emitNew(expr: Exclude<Expr, { kind: 'literal' }>, key: string): Code {
    if (expr.kind === 'column') return this.column(expr.index);
    const memo = this.memoColumnOf(expr);
    if (memo !== null) return this.memo(expr, memo, key, null);
    const emitter = (emitters as Record<string, (typeof emitters)['+'] | undefined>)[expr.fn];
    if (emitter === undefined)
      throw new EngineError('FUNCTION_UNKNOWN', `function ${expr.fn} has no code generator`, {
        hint: 'see the list of functions in docs/reference',
      });
    return emitter(this, expr);
  }

  /** The number of the column's dictionary entry, as text. */
  entryOf(index: number): string {
    this.open(index);
    if (this.frame.memoColumn === index) return 'e';
    return this.shapes[index]!.codes ? this.bind(`x${index}[i]`) : 'i';
  }

  /** A BIGINT column as DOUBLE, from its 32-bit halves: no BigInt is made. The high half is exact, so that the sum is rounded once. */
  longAsDouble(index: number): Code {
    this.open(index);
    const halves = `h${index}`;
    const line = `const ${halves} = new Int32Array(v${index}.buffer, v${index}.byteOffset, v${index}.length * 2);`;
    if (!this.prologue.includes(line)) this.prologue.push(line);
    return { v: this.bind(`${halves}[2 * i + 1] * 4294967296 + (${halves}[2 * i] >>> 0)`), n: this.nullTest(index) };
  }

  /** The NULL test of a column. */
  isNull(index: number): string {
    this.open(index);
    return this.nullTest(index);
  }

  /** Whether the column has NULLs, as a test of the current row or entry. */
  private nullTest(index: number): string {
    if (!this.shapes[index]!.nullable) return 'false';
    if (this.frame.memoColumn === index) return `(e === o${index}.length - 1)`;
    return this.bind(`((n${index}[i >> 3] >> (i & 7)) & 1) === 0`);
  }

  private column(index: number): Code {
    this.open(index);
    const n = this.nullTest(index);
    switch (physical(this.schema[index]!.type)) {
      case 'str':
        if (this.frame.memoColumn === index && n !== 'false')
          return { v: this.bind(`${n} ? '' : t${index}.text(e)`), n };
        return { v: this.bind(`t${index}.text(${this.entryOf(index)})`), n };
      case 'u8':
        return { v: this.bind(`v${index}[i] !== 0`), n };
      default:
        return { v: this.bind(`v${index}[i]`), n };
    }
  }

  /** Declares the locals of a column: once per function. Those of strings live outside, where memos see them. */
  open(index: number): void {
    if (this.opened.has(index)) return;
    this.opened.add(index);
    if (physical(this.schema[index]!.type) !== 'str') {
      this.prologue.push(`const v${index} = columns[${index}].values, n${index} = columns[${index}].validity;`);
      return;
    }
    this.state.push(`const t${index} = new ${this.helper('TextReader')}(); let o${index}, b${index};`);
    this.prologue.push(
      `const x${index} = columns[${index}].codes, n${index} = columns[${index}].validity;`,
      `o${index} = columns[${index}].offsets; b${index} = columns[${index}].bytes;`,
      `const same${index} = t${index}.open(o${index}, b${index});`,
    );
  }

  /** The string column that alone decides the value of a call, when it is worth computing it once per entry. */
  memoColumnOf(expr: Expr): number | null {
    if (this.frame.memoColumn !== null || expr.kind !== 'call') return null;
    if (expr.args.length === 1 && expr.args[0]!.kind === 'column' && /^IS (NOT )?NULL$/.test(expr.fn)) return null;
    const columns = new Set<number>();
    if (!collectColumns(expr, columns) || columns.size !== 1) return null;
    const [index] = [...columns] as [number];
    if (physical(this.schema[index]!.type) !== 'str') return null;
    return this.shapes[index]!.codes ? index : null;
  }

  /**
   * The value of `expr` by entry of string column `index`: computed when the entry is first met, kept while the dictionary stays the same. The
   * entry behind the last stands for NULL. With `out`, a string value is its entry in that dictionary builder.
   */
  private memo(expr: Expr, index: number, key: string, out: Output | null): Code {
    this.open(index);
    const memoKey = `${out?.name ?? ''}:${key}`;
    const known = this.memos.get(memoKey);
    const code = known ?? this.defineMemo(expr, index, out);
    this.memos.set(memoKey, code);
    const entry = this.shapes[index]!.nullable
      ? this.bind(`${this.nullTest(index)} ? o${index}.length - 1 : x${index}[i]`)
      : this.entryOf(index);
    const [id, withNull] = [code.v, code.n];
    const state = this.name('t');
    this.line(`let ${state} = ${id}S[${entry}]; if (${state} === 0) ${state} = ${id}(${entry});`);
    const n = withNull === 'false' ? 'false' : this.bind(`${state} === 1`);
    if (physical(expr.type) === 'u8') return { v: this.bind(`${state} === 3`), n };
    return { v: this.bind(`${id}V[${entry}]`), n };
  }

  /** Emits the memo function; returns its name and whether it can give NULL. States: 0 unknown, 1 NULL, 2 FALSE or a value, 3 TRUE. */
  private defineMemo(expr: Expr, index: number, out: Output | null): Code {
    const id = this.name('m');
    const outer = this.frame;
    this.frame = { lines: [], scopes: [new Map<string, Code>()], memoColumn: index };
    const code = out === null ? this.emit(expr) : this.emitEntry(expr, out);
    const { lines } = this.frame;
    this.frame = outer;
    const kind = physical(expr.type);
    const store = kind === 'u8' ? '' : `${id}v[e] = ${code.v}; `;
    const result = kind === 'u8' ? `${code.v} ? 3 : 2` : '2';
    const body = code.n === 'false' ? '' : `if (${code.n}) return ${id}s[e] = 1; `;
    this.state.push(
      `let ${id}s = new Uint8Array(0), ${id}v = null;`,
      `function ${id}(e) {\n${lines.join('\n')}\n${body}${store}return ${id}s[e] = ${result};\n}`,
    );
    const values: Record<Physical, string> = {
      u8: '',
      i32: 'Int32Array',
      i64: 'BigInt64Array',
      f32: 'Float64Array',
      f64: 'Float64Array',
      str: out === null ? 'Array' : 'Int32Array',
    };
    const fresh = out === null || out.kept ? `!same${index} || ${id}s.length === 0` : 'true';
    const allocate = values[kind] === '' ? '' : ` ${id}v = new ${values[kind]}(o${index}.length);`;
    this.prologue.push(`if (${fresh}) { ${id}s = new Uint8Array(o${index}.length);${allocate} }`);
    // The loop reads locals; the function writes through the outer names.
    this.prologue.push(`const ${id}S = ${id}s, ${id}V = ${id}v;`);
    return { v: id, n: code.n };
  }

  /** A string value as its entry in the dictionary builder `out`: literals, branches and whole columns go there without being decoded. */
  emitEntry(expr: Expr, out: Output): Code {
    if (expr.kind === 'literal') {
      if (expr.value === null) return { v: '0', n: 'true' };
      if (this.frame.memoColumn !== null) return { v: `${out.name}.add(${JSON.stringify(expr.value)})`, n: 'false' };
      const name = this.name('q');
      this.prologue.push(`const ${name} = ${out.name}.add(${JSON.stringify(expr.value)});`);
      return { v: name, n: 'false' };
    }
    if (expr.kind === 'column') return this.copyEntry(expr.index, out);
    const memo = this.memoColumnOf(expr);
    if (memo !== null) return this.memo(expr, memo, JSON.stringify(expr), out);
    const { fn, args } = expr;
    if (fn === 'CASE') return this.branches(args, 'i32', (arg) => this.emitEntry(arg, out));
    if (fn === 'IF') return this.branches(args, 'i32', (arg) => this.emitEntry(arg, out));
    if (fn === 'COALESCE') return this.firstNotNull(args, 'i32', (arg) => this.emitEntry(arg, out));
    const code = this.emit(expr);
    return this.strict([code], 'i32', (text) => `${out.name}.add(${text})`, { guard: true });
  }

  private copyEntry(index: number, out: Output): Code {
    this.open(index);
    const n = this.nullTest(index);
    const entry = this.entryOf(index);
    const copy = `${out.name}.addBytes(b${index}, o${index}[${entry}], o${index}[${entry} + 1])`;
    if (this.frame.memoColumn !== null || !this.shapes[index]!.codes)
      return this.strict([{ v: entry, n }], 'i32', () => copy, { guard: true });
    const map = `map${index}${out.name}`;
    if (!this.memos.has(map)) {
      this.memos.set(map, { v: map, n });
      this.prologue.push(`const ${map} = new Int32Array(o${index}.length - 1).fill(-1);`);
    }
    const name = this.name('t');
    this.line(`let ${name} = ${map}[${entry}]; if (${name} < 0) ${name} = ${map}[${entry}] = ${copy};`);
    return { v: name, n };
  }

  /** CASE: when1, then1, ..., else. Only the branch that is taken is computed. */
  branches(args: Expr[], kind: Physical, emit: (arg: Expr) => Code): Code {
    const [v, n] = [this.name('t'), this.name('t')];
    let mayBeNull = false;
    const from = (at: number): void => {
      if (at < args.length - 1) {
        const test = this.truth(this.emit(args[at]!));
        const then = this.block(() => assign(emit(args[at + 1]!)));
        this.line(`if (${test}) {\n${then}\n} else {\n${this.block(() => from(at + 2))}\n}`);
      } else if (at < args.length) assign(emit(args[at]!));
      else assign({ v: zero(kind), n: 'true' });
    };
    const assign = (code: Code): void => {
      if (code.n !== 'true') this.line(`${v} = ${code.v};`);
      if (code.n !== 'false') this.line(`${n} = ${code.n};`);
      mayBeNull ||= code.n !== 'false';
    };
    const text = this.block(() => from(0));
    this.line(`let ${v} = ${zero(kind)};${mayBeNull ? ` let ${n} = false;` : ''}\n${text}`);
    return { v, n: mayBeNull ? n : 'false' };
  }

  /** COALESCE: later operands are computed only while all before are NULL. */
  firstNotNull(args: Expr[], kind: Physical, emit: (arg: Expr) => Code): Code {
    const first = emit(args[0]!);
    if (first.n === 'false' || args.length === 1) return first;
    if (first.n === 'true') return this.firstNotNull(args.slice(1), kind, emit);
    const [v, n] = [this.name('t'), this.name('t')];
    let rest: Code = first;
    const text = this.block(() => {
      rest = this.firstNotNull(args.slice(1), kind, emit);
      this.line(`${v} = ${rest.v}; ${n} = ${rest.n};`);
    });
    this.line(`let ${v} = ${first.v}, ${n} = false; if (${first.n}) {\n${text}\n}`);
    return { v, n: rest.n === 'false' ? 'false' : n };
  }

  /** What was emitted into the row loop since the last call. */
  takeLines(): string {
    const text = this.frame.lines.join('\n');
    this.frame.lines = [];
    return text;
  }
}

/** A dictionary builder in generated code. `kept`: it lives as long as the input's dictionary, as all it holds comes from one memo. */
export interface Output {
  name: string;
  kept: boolean;
}

/** Adds the columns that `expr` reads; false when its value does not depend on them alone. */
export function collectColumns(expr: Expr, columns: Set<number>): boolean {
  if (expr.kind === 'column') columns.add(expr.index);
  if (expr.kind !== 'call') return true;
  const pure = !NOT_MEMOIZED.has(expr.fn);
  return expr.args.map((arg) => collectColumns(arg, columns)).every(Boolean) && pure;
}

/** A call, as emitters get it. */
export interface Call {
  kind: 'call';
  fn: string;
  args: Expr[];
  type: SqlType;
}
