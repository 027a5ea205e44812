// The datagen source: rows made up from a seed, each a function of its number, so that a restored source goes on with the same rows.
import type { ColumnBatch } from '../columnar/batch.ts';
import { BatchSink, type IngestColumn } from '../codegen/ingest-columns.ts';
import { parseDuration } from '../config.ts';
import { EngineError } from '../errors.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import { typeToString, type Field } from '../plan/types.ts';
import { mix32 } from '../state/key-groups.ts';
import type { ReaderContext, SourceConnector, SourceSplit, SplitSize } from './connector.ts';
import { TableOptions, type OptionSpecs } from './options.ts';
import { constantRate, parseSchedule, type RateSchedule } from './rate-schedule.ts';
import { SplitQueueReader, type FormatReader } from './split-queue.ts';

const specs: OptionSpecs = {
  connector: { kind: 'string', public: true },
  'rows-per-second': { kind: 'number', min: 0.001 },
  'rows-per-second.schedule': { kind: 'string' },
  'number-of-rows': { kind: 'integer', min: 0 },
  seed: { kind: 'integer' },
  'fields.#.kind': { kind: 'enum', values: ['random', 'sequence'] },
  'fields.#.min': { kind: 'number' },
  'fields.#.max': { kind: 'number' },
  'fields.#.length': { kind: 'integer', min: 0 },
  'fields.#.max-past': { kind: 'string' },
  'fields.#.start': { kind: 'integer' },
  'fields.#.end': { kind: 'integer' },
};

/** As in Flink. */
const DEFAULT_RATE = 10_000;
const DEFAULT_LENGTH = 100;
/** Splits of a bounded table, and of an unbounded one, whose splits never end: one for each subtask that there can be. */
const BOUNDED_SPLITS = 16;
const UNBOUNDED_SPLITS = 128;

export const datagenSource: SourceConnector = {
  describe(table) {
    const options = new TableOptions(table, specs);
    table.schema.forEach((field, index) => generatorOf(table, options, field, index, 0, () => 0));
    rateOf(options);
    return rowCount(table, options) === null
      ? { boundedness: 'UNBOUNDED', maxParallelism: UNBOUNDED_SPLITS }
      : { boundedness: 'BOUNDED', maxParallelism: BOUNDED_SPLITS };
  },

  async discoverSplits(table) {
    const rows = rowCount(table, new TableOptions(table, specs));
    const count = rows === null ? UNBOUNDED_SPLITS : Math.min(BOUNDED_SPLITS, rows);
    return Array.from({ length: count }, (_, ordinal): SourceSplit => {
      // Row numbers next, next + step, ... below end.
      const position =
        rows === null
          ? { next: ordinal, step: count, end: null }
          : {
              next: Math.floor((rows * ordinal) / count),
              step: 1,
              end: Math.floor((rows * (ordinal + 1)) / count),
            };
      return { id: `rows-${ordinal}`, ordinal, group: `rows-${ordinal}`, position };
    });
  },

  async checkSplits(table, splits) {
    const bounded = rowCount(table, new TableOptions(table, specs)) !== null;
    const problem = splits.map(({ position }) => mismatch(position, bounded)).find((found) => found !== null);
    if (problem !== undefined)
      throw new EngineError(
        'SOURCE_CHANGED',
        `table ${table.name} cannot be read on from the restored positions: ${problem}`,
        { hint: 'restore its definition, or give the table another name: it then begins with its first row' },
      );
  },

  createReader(context) {
    const rate = rateOf(new TableOptions(context.table, specs));
    return new SplitQueueReader(new RowGenerator(context), context, {
      replay: { ...rate, readers: context.parallelism, onEnd: 'finish' },
      sizeOf,
    });
  },

  sizeOf,
};

/** A schedule is the job's: it goes on where it was. A rate is each reader's, which knows nothing of readers before it. */
function rateOf(options: TableOptions): { schedule: RateSchedule; keepsPace: boolean } {
  const schedule = options.string('rows-per-second.schedule');
  const rate = options.number('rows-per-second');
  if (schedule === undefined) return { schedule: constantRate(rate ?? DEFAULT_RATE), keepsPace: false };
  if (rate !== undefined)
    throw options.invalid(
      'rows-per-second.schedule',
      "cannot be given together with 'rows-per-second'",
      `begin the schedule with that rate, as in '0s:${rate}', and remove 'rows-per-second'`,
    );
  try {
    return { schedule: parseSchedule(schedule), keepsPace: true };
  } catch (error) {
    throw options.invalid(
      'rows-per-second.schedule',
      `is no schedule: ${(error as Error).message}`,
      "write times from 0s on, each with the rows per second from then on, as in '0s:1000, 60s:5000, 2min:0'",
    );
  }
}

function sizeOf({ position }: SourceSplit): SplitSize | null {
  const { next, step, end } = position as { next: number; step: number; end: number | null };
  return { rows: end === null ? Infinity : Math.max(0, Math.ceil((end - next) / step)) };
}

/** Why a position cannot be read on from; null when it can. */
function mismatch(position: Record<string, unknown>, bounded: boolean): string | null {
  if (typeof position['next'] !== 'number') return 'they are not numbers of rows';
  if ((position['end'] !== null) === bounded) return null;
  return bounded ? 'it had no end, and now has one' : 'it had an end, and now has none';
}

/** Rows of the whole table; null when it never ends. */
function rowCount(table: TableSpec, options: TableOptions): number | null {
  let rows = options.number('number-of-rows') ?? Infinity;
  for (const { name } of table.schema) {
    if (options.choice(`fields.${name}.kind`) !== 'sequence') continue;
    rows = Math.min(rows, options.number(`fields.${name}.end`)! - options.number(`fields.${name}.start`)! + 1);
  }
  return rows === Infinity ? null : rows;
}

class RowGenerator implements FormatReader {
  private readonly sink: BatchSink;
  private readonly generators: Generator[];
  private nextRow = 0;
  private step = 1;
  private end = 0;

  constructor(context: ReaderContext) {
    const options = new TableOptions(context.table, specs);
    const seed = options.number('seed') ?? 0;
    this.sink = new BatchSink(context.outputSchema);
    this.generators = context.projection.map((index) =>
      generatorOf(context.table, options, context.table.schema[index]!, index, seed, context.now),
    );
  }

  open(position: Record<string, unknown>): void {
    this.nextRow = Number(position['next']);
    this.step = Number(position['step']);
    this.end = position['end'] === null ? Infinity : Number(position['end']);
  }

  next(limit: number): ColumnBatch | null {
    const rows = Math.min(limit, Math.ceil((this.end - this.nextRow) / this.step));
    if (rows <= 0) return null;
    this.sink.begin(rows);
    this.generators.forEach((generate, index) => {
      const column = this.sink.columns[index]!;
      for (let row = 0; row < rows; row++) generate(column, row, this.nextRow + row * this.step);
    });
    this.sink.rows = rows;
    this.nextRow += rows * this.step;
    return this.sink.finish();
  }

  position(): Record<string, unknown> {
    return { next: this.nextRow };
  }

  close(): void {
    this.end = 0;
  }
}

/** Writes the value of row number `n` as row `row` of a batch. */
type Generator = (column: IngestColumn, row: number, n: number) => void;

const integerBounds: Record<string, [number, number]> = {
  TINYINT: [-128, 127],
  SMALLINT: [-32768, 32767],
  INT: [-2147483648, 2147483647],
  BIGINT: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function generatorOf(
  table: TableSpec,
  options: TableOptions,
  field: Field,
  index: number,
  seed: number,
  now: () => number,
): Generator {
  const { name, type } = field;
  const option = (key: string): number | undefined => options.number(`fields.${name}.${key}`);
  const salt = mix32(seed + Math.imul(index + 1, 0x9e3779b1));
  if (options.choice(`fields.${name}.kind`) === 'sequence') return sequence(table, options, field);
  for (const key of ['start', 'end'])
    if (option(key) !== undefined)
      throw options.invalid(
        `fields.${name}.${key}`,
        'belongs to a sequence',
        `add 'fields.${name}.kind' = 'sequence', or use min and max`,
      );
  const bounds = (least: number, greatest: number): [number, number] => {
    const [min, max] = [option('min') ?? least, option('max') ?? greatest];
    if (min > max)
      throw options.invalid(
        `fields.${name}.min`,
        `is greater than 'fields.${name}.max' = '${max}'`,
        'exchange the two',
      );
    return [min, max];
  };
  switch (type.root) {
    case 'BOOLEAN':
      return (column, row, n) => (column.values[row] = random(n, salt) < 0.5 ? 0 : 1);
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT': {
      const [min, max] = bounds(...integerBounds[type.root]!);
      const span = max - min + 1;
      return (column, row, n) => setWhole(column, row, min + Math.floor(random(n, salt) * span));
    }
    case 'DECIMAL': {
      const unit = 10 ** (type.scale ?? 0);
      const limit = Math.min(10 ** (type.precision ?? 10) - 1, Number.MAX_SAFE_INTEGER) / unit;
      const [min, max] = bounds(-limit, limit);
      return (column, row, n) => setWhole(column, row, Math.round((min + random(n, salt) * (max - min)) * unit));
    }
    case 'FLOAT':
    case 'DOUBLE': {
      const greatest = type.root === 'FLOAT' ? 3.4028234663852886e38 : Number.MAX_VALUE;
      const [min, max] = bounds(-greatest, greatest);
      return (column, row, n) => {
        const r = random(n, salt);
        column.values[row] = min * (1 - r) + max * r;
      };
    }
    case 'CHAR':
    case 'VARCHAR':
      return hexString(salt, option('length') ?? Math.min(DEFAULT_LENGTH, type.length ?? DEFAULT_LENGTH));
    case 'DATE':
      return (column, row) => (column.values[row] = Math.floor(now() / 86_400_000));
    case 'TIME':
      return (column, row) => (column.values[row] = now() % 86_400_000);
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ': {
      const key = `fields.${name}.max-past`;
      const past = options.string(key) === undefined ? 0 : parseDuration(options.string(key)!, key);
      return (column, row, n) => (column.values[row] = now() - Math.floor(random(n, salt) * (past + 1)));
    }
    default:
      throw new EngineError(
        'CONNECTOR_TYPE',
        `table ${table.name}: datagen makes no ${typeToString(type)} (column ${name})`,
        {
          hint: 'use another type, or compute the column',
        },
      );
  }
}

function sequence(table: TableSpec, options: TableOptions, field: Field): Generator {
  const { name, type } = field;
  const [start, end] = [options.number(`fields.${name}.start`), options.number(`fields.${name}.end`)];
  if (start === undefined || end === undefined)
    throw new EngineError(
      'OPTION_MISSING',
      `table ${table.name}: the sequence of column ${name} needs a start and an end`,
      {
        hint: `add 'fields.${name}.start' = '1' and 'fields.${name}.end' = '1000'`,
      },
    );
  if (end < start)
    throw options.invalid(`fields.${name}.end`, `is less than 'fields.${name}.start' = '${start}'`, 'exchange the two');
  switch (type.root) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
      return (column, row, n) => setWhole(column, row, start + n);
    case 'DECIMAL': {
      const unit = 10 ** (type.scale ?? 0);
      return (column, row, n) => setWhole(column, row, (start + n) * unit);
    }
    case 'FLOAT':
    case 'DOUBLE':
      return (column, row, n) => (column.values[row] = start + n);
    case 'CHAR':
    case 'VARCHAR':
      return (column, row, n) => putAscii(column, row, String(start + n));
    default:
      throw options.invalid(`fields.${name}.kind`, `is not possible for ${typeToString(type)}`, "use 'random'");
  }
}

function setWhole(column: IngestColumn, row: number, value: number): void {
  if (column.physical !== 'i64') {
    column.values[row] = value;
    return;
  }
  const hi = Math.floor(value / 4294967296);
  column.halves[2 * row] = (value - hi * 4294967296) | 0;
  column.halves[2 * row + 1] = hi;
}

/** A number in [0, 1) with 53 random bits, the same for the same arguments. */
function random(n: number, salt: number): number {
  const low = n | 0;
  const high = Math.floor(n / 4294967296);
  const a = mix32(low ^ salt ^ Math.imul(high, 0x85ebca6b));
  const b = mix32(a + 0x9e3779b1 + salt);
  return ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;
}

const scratch = new Uint8Array(32);
const scratchView = new DataView(scratch.buffer);

function putAscii(column: IngestColumn, row: number, text: string): void {
  for (let i = 0; i < text.length; i++) scratch[i] = text.charCodeAt(i);
  column.strings!.put(scratch, scratchView, 0, text.length, row);
}

function hexString(salt: number, length: number): Generator {
  const bytes = new Uint8Array(length + 8);
  const view = new DataView(bytes.buffer);
  return (column, row, n) => {
    let word = mix32((n | 0) ^ salt ^ Math.imul(Math.floor(n / 4294967296), 0x85ebca6b));
    for (let i = 0; i < length; i++) {
      if ((i & 7) === 0) word = mix32(word + 0x9e3779b1 + i);
      const digit = (word >>> ((i & 7) * 4)) & 15;
      bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
    }
    column.strings!.put(bytes, view, 0, length, row);
  };
}
