// For the operators' tests: random rows, runs at any parallelism with a snapshot and a restore between, and a reference that uses a Map.
import fc from 'fast-check';
import { fromRows, toRows, type CellValue, type ColumnBatch } from '../columnar/batch.ts';
import { gather } from '../columnar/select.ts';
import type { AccumulatorSpec, Expr, GroupAggregateSpec, WindowAggregateSpec } from '../plan/exec-plan.ts';
import { sqlType, type Field, type Schema } from '../plan/types.ts';
import { hashColumns, keyGroupOf, keyGroupRange, subtaskOfKeyGroup } from '../state/key-groups.ts';
import { sequence } from '../state/validity.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { createOperator } from './create.ts';
import type { Operator, OperatorContext, OperatorSnapshot, Output } from './operator.ts';

/** One column of each physical form, twice where it is key and argument. */
export const INPUT: Schema = [
  { name: 'id', type: sqlType.bigint() },
  { name: 'name', type: sqlType.string() },
  { name: 'level', type: sqlType.int() },
  { name: 'ratio', type: sqlType.double() },
  { name: 'flag', type: sqlType.boolean() },
  { name: 'single', type: { root: 'FLOAT', nullable: true } },
  { name: 'amount', type: sqlType.bigint() },
  { name: 'price', type: sqlType.decimal(10, 2) },
  { name: 'weight', type: sqlType.double() },
  { name: 'small', type: { root: 'SMALLINT', nullable: true } },
  { name: 'label', type: sqlType.string() },
  { name: 'ts', type: sqlType.timestamp(3, false) },
];
export const TS = INPUT.length - 1;

export function columnExpr(name: string, schema: Schema = INPUT): Expr {
  const index = schema.findIndex((field) => field.name === name);
  return { kind: 'column', index, type: schema[index]!.type };
}

function accumulator(fn: AccumulatorSpec['fn'], column: string | null, filter: string | null = null): AccumulatorSpec {
  const argument = column === null ? null : columnExpr(column);
  const suffix = filter === null ? '' : ` filter (where ${filter})`;
  return {
    name: `${fn.toLowerCase()}(${column ?? '*'})${suffix}`,
    fn,
    argument,
    filter: filter === null ? null : columnExpr(filter),
    type: fn === 'COUNT' || argument === null ? sqlType.bigint(false) : { ...argument.type, nullable: true },
  };
}

export const ACCUMULATORS: AccumulatorSpec[] = [
  accumulator('COUNT', null),
  accumulator('COUNT', 'label'),
  accumulator('SUM', 'amount'),
  accumulator('SUM', 'amount', 'flag'),
  accumulator('MIN', 'amount'),
  accumulator('MAX', 'amount'),
  accumulator('SUM', 'price'),
  accumulator('SUM', 'weight'),
  accumulator('MIN', 'weight'),
  accumulator('MAX', 'weight'),
  accumulator('SUM', 'small'),
  accumulator('MIN', 'small'),
  accumulator('SUM', 'single'),
  accumulator('MIN', 'label'),
  accumulator('MAX', 'label'),
  accumulator('MAX', 'flag'),
];

/** Keys whose lookups are generated differently. */
export const KEYS = [
  [],
  ['id'],
  ['name'],
  ['level'],
  ['ratio'],
  ['flag'],
  ['single'],
  ['name', 'id'],
  ['ratio', 'name', 'level', 'flag'],
];

export function groupSpec(keys: string[], accumulators: AccumulatorSpec[] = ACCUMULATORS): GroupAggregateSpec {
  const indexes = keys.map((key) => INPUT.findIndex((field) => field.name === key));
  const results = accumulators.map(({ name, type }): Field => ({ name, type }));
  return {
    type: 'GroupAggregate',
    id: 'a'.repeat(32),
    uid: `agg:test:[${keys.join(',')}]`,
    name: 'GroupAggregate',
    input: null,
    inputSchema: INPUT,
    outputSchema: [...indexes.map((index) => INPUT[index]!), ...results],
    keys: indexes,
    accumulators,
  };
}

export function windowSpec(
  keys: string[],
  size: number,
  offset = 0,
  accumulators: AccumulatorSpec[] = ACCUMULATORS,
): WindowAggregateSpec {
  const group = groupSpec(keys, accumulators);
  const time = sqlType.timestamp(3, false);
  const times = ['window_start', 'window_end', 'window_time'].map((name): Field => ({ name, type: time }));
  const outputSchema = [...group.outputSchema, ...times];
  return { ...group, type: 'WindowAggregate', window: { kind: 'TUMBLE', rowtime: TS, size, offset }, outputSchema };
}

/** Rows of INPUT with few distinct keys, NULLs, and values whose sums are exact. `ts` stays within [0, timeSpan). */
export function rowsArbitrary(
  timeSpan: number,
  length: { minLength?: number; maxLength: number } = { maxLength: 150 },
): fc.Arbitrary<CellValue[][]> {
  const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 6 });
  const bigKeys = fc.constantFrom(0n, 1n, -1n, 2n ** 32n, -(2n ** 63n), 2n ** 63n - 1n, 4294967295n, 77n);
  const doubles = fc.constantFrom(0, -0, 1.5, -1.5, NaN, 1e300, -Infinity, 3);
  const row = fc.tuple(
    orNull(bigKeys),
    orNull(fc.constantFrom('', 'a', 'ab', 'abcd', 'abcde', 'Zürich', '東京', '😀', 'x'.repeat(40))),
    orNull(fc.integer({ min: -3, max: 3 })),
    orNull(doubles),
    orNull(fc.boolean()),
    orNull(fc.integer({ min: -8, max: 8 }).map((quarters) => quarters / 4)),
    orNull(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })),
    orNull(fc.bigInt({ min: -9999n, max: 9999n })),
    orNull(fc.integer({ min: -1000, max: 1000 }).map((halves) => halves / 2)),
    orNull(fc.integer({ min: -32768, max: 32767 })),
    orNull(fc.string({ unit: 'grapheme', maxLength: 6 })),
    fc.integer({ min: 0, max: timeSpan - 1 }),
  );
  return fc.array(row, { ...length, size: 'max' });
}

/** Cuts rows into batches at the given places; every second one gets a dictionary. */
export function toBatches(rows: CellValue[][], cuts: number[]): ColumnBatch[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (rows.length + 1)), rows.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => {
    const batch = fromRows(INPUT, rows.slice(places[i], end));
    return i % 2 === 0 ? batch : gather(batch, sequence(0, batch.rows), batch.rows);
  });
}

/** Keeps what an operator emits. */
export class Collector implements Output {
  readonly rows: CellValue[][] = [];
  readonly kinds: number[] = [];
  readonly batches: ColumnBatch[] = [];
  readonly watermarks: number[] = [];
  late = 0;
  /** What of the context is otherwise than usual. */
  readonly limits: Partial<OperatorContext>;

  constructor(limits: Partial<OperatorContext> = {}) {
    this.limits = limits;
  }

  emit(batch: ColumnBatch): void {
    this.batches.push(batch);
    this.rows.push(...toRows(batch));
    for (let row = 0; row < batch.rows; row++) this.kinds.push(batch.kinds?.[row] ?? 0);
  }

  emitWatermark(watermark: number): void {
    this.watermarks.push(watermark);
  }

  context(mode: OperatorContext['mode'], subtask = 0, parallelism = 1): OperatorContext {
    return {
      mode,
      subtask,
      parallelism,
      now: () => 0,
      count: (metric, delta) => {
        if (metric === 'numLateRecordsDropped') this.late += delta;
      },
      stateBudget: Infinity,
      stateTimeToLive: null,
      temporaryFiles: localTemporaryFiles,
      spillDirectory: () => {
        throw new Error('nothing is spilled');
      },
      ...this.limits,
    };
  }
}

/** The subtasks of one aggregation behind a HASH exchange. */
export class Subtasks {
  readonly outputs: Collector[];
  private readonly spec: GroupAggregateSpec | WindowAggregateSpec;
  private readonly operators: Operator[];

  constructor(
    spec: GroupAggregateSpec | WindowAggregateSpec,
    mode: OperatorContext['mode'],
    parallelism: number,
    outputs?: Collector[],
  ) {
    this.spec = spec;
    // Changes of one key go on into one output, whichever subtask makes them.
    this.outputs = outputs ?? [new Collector()];
    this.operators = Array.from({ length: parallelism }, (_, subtask) =>
      createOperator(spec, this.outputs[0]!.context(mode, subtask, parallelism)),
    );
  }

  process(batch: ColumnBatch): void {
    const hashes = new Int32Array(batch.rows);
    const keys = this.spec.keys.map((index) => batch.columns[index]!);
    hashColumns(keys, batch.rows, hashes);
    this.operators.forEach((operator, subtask) => {
      const mine = sequence(0, batch.rows).filter(
        (row) => subtaskOfKeyGroup(keyGroupOf(hashes[row]!), this.operators.length) === subtask,
      );
      if (mine.length > 0) operator.processBatch(gather(batch, mine, mine.length), this.outputs[0]!);
    });
  }

  watermark(watermark: number): void {
    for (const operator of this.operators) operator.processWatermark(watermark, this.outputs[0]!);
  }

  flush(): void {
    for (const operator of this.operators) operator.flush?.(this.outputs[0]!);
  }

  finish(): void {
    for (const operator of this.operators) operator.finish(this.outputs[0]!);
  }

  close(): void {
    for (const operator of this.operators) operator.close();
  }

  /** Of each subtask; who asks has to release them. */
  snapshots(): OperatorSnapshot[] {
    return this.operators.map((operator) => operator.snapshot()!);
  }

  /** Takes a snapshot and goes on from it at another parallelism, perhaps in the other mode. */
  async rescale(
    parallelism: number,
    mode: OperatorContext['mode'],
    { spec = this.spec, form = 'PAGES' }: { spec?: Subtasks['spec']; form?: 'PAGES' | 'SECTIONS' } = {},
  ): Promise<Subtasks> {
    this.flush();
    const snapshots = this.snapshots();
    const next = new Subtasks(spec, mode, parallelism, this.outputs);
    const keyed = snapshots.flatMap((snapshot) => keyedBytes(snapshot, form));
    const { stateSchema } = snapshots[0]!;
    const union = snapshots.flatMap((snapshot) => snapshot.union);
    for (const [subtask, operator] of next.operators.entries())
      await operator.restore({
        stateSchema: JSON.parse(JSON.stringify(stateSchema)) as unknown,
        keyed,
        keyGroups: keyGroupRange(subtask, parallelism),
        union,
      });
    this.close();
    return next;
  }
}

/** All keyed state of a snapshot, which is released. */
export function keyedBytes({ keyed }: OperatorSnapshot, form: 'PAGES' | 'SECTIONS'): Uint8Array[] {
  if (keyed === null) return [];
  const bytes =
    form === 'PAGES' ? keyed.pages().map((page) => keyed.readPage(page)) : Array.from(keyed.sections(), (s) => s.bytes);
  keyed.release();
  return bytes;
}

/** A cell as text that tells apart what SQL tells apart: -0 is 0, NaN is NaN. */
export function textOf(cells: CellValue[]): string {
  return JSON.stringify(
    cells.map((value) =>
      typeof value === 'bigint' ? `${value}n` : typeof value === 'number' ? String(value + 0) : value,
    ),
  );
}

/** Final rows of the aggregation by a plain Map, sorted as text. `group` adds to the key, e.g. the window. */
export function reference(spec: GroupAggregateSpec | WindowAggregateSpec, rows: CellValue[][]): string[] {
  const groups = new Map<string, { key: CellValue[]; rows: CellValue[][] }>();
  for (const row of rows) {
    const key = spec.keys.map((index) => row[index]!);
    if (spec.type === 'WindowAggregate') {
      const { size, offset } = spec.window;
      const start = Math.floor((Number(row[spec.window.rowtime]) - offset) / size) * size + offset;
      key.push(start, start + size, start + size - 1);
    }
    const text = textOf(key);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, { key, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()]
    .map((group) => {
      const keys = group.key.slice(0, spec.keys.length);
      const values = spec.accumulators.map((accumulator) => referenceValue(accumulator, group.rows));
      return textOf([...keys, ...values, ...group.key.slice(spec.keys.length)]);
    })
    .sort();
}

function referenceValue({ fn, argument, filter, type }: AccumulatorSpec, rows: CellValue[][]): CellValue {
  const at = (expr: Expr, row: CellValue[]): CellValue => (expr.kind === 'column' ? row[expr.index]! : null);
  const kept = filter === null ? rows : rows.filter((row) => at(filter, row) === true);
  if (argument === null) return BigInt(kept.length);
  const values = kept.map((row) => at(argument, row)).filter((value) => value !== null);
  if (fn === 'COUNT') return BigInt(values.length);
  if (values.length === 0) return null;
  if (fn === 'SUM') {
    if (typeof values[0] === 'bigint')
      return BigInt.asIntN(
        64,
        values.reduce((sum: bigint, v) => sum + BigInt(v), 0n),
      );
    const total = values.reduce((sum: number, v) => sum + Number(v), 0);
    return type.root === 'SMALLINT' ? (total << 16) >> 16 : total;
  }
  const before = (a: CellValue, b: CellValue): boolean =>
    typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) < 0 : a! < b!;
  return values.reduce((best, value) => (before(value, best) === (fn === 'MIN') && value !== best ? value : best));
}
