// Generated functions over whole batches, specialised by what the batch at hand has: validity bitmaps, dictionary codes, a selection.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import type { Expr } from '../plan/exec-plan.ts';
import type { Schema } from '../plan/types.ts';
import { collectColumns, type ColumnShape } from './emitter.ts';
import { instantiate } from './function-cache.ts';
import { codegenRuntime } from './runtime/index.ts';

export interface CodegenOptions {
  /** The wall clock in milliseconds, read once per batch, for CURRENT_TIMESTAMP and its like. */
  now?: () => number;
}

/**
 * A function that is generated anew for each shape of its input columns: most columns never have NULLs, and code that need not look for
 * them is several times as fast. `source` writes the variant for a shape; `selected` tells whether rows come from a selection vector.
 */
export class Kernel<F> {
  private readonly used: number[];
  private readonly variants = new Map<string, F>();
  private readonly source: (shapes: ColumnShape[], selected: boolean) => string;
  private readonly schema: Schema;
  private readonly runtime: object;

  constructor(
    schema: Schema,
    exprs: Expr[],
    source: (shapes: ColumnShape[], selected: boolean) => string,
    options: CodegenOptions,
  ) {
    const used = new Set<number>();
    for (const expr of exprs) collectColumns(expr, used);
    this.used = [...used].sort((a, b) => a - b);
    this.schema = schema;
    this.source = source;
    this.runtime = codegenRuntime(options.now ?? Date.now);
    // Compiled for the simplest shape at once: what cannot be compiled is refused before the first row.
    const plain = schema.map((): ColumnShape => ({ nullable: false, codes: true }));
    this.variants.set(this.key(plain, false), this.compile(plain, false));
  }

  /** The variant for a batch. */
  for(batch: ColumnBatch, selected: boolean): F {
    const shapes = this.schema.map((_field, index) => shapeOf(batch.columns[index]!));
    const key = this.key(shapes, selected);
    let variant = this.variants.get(key);
    if (variant === undefined) this.variants.set(key, (variant = this.compile(shapes, selected)));
    return variant;
  }

  private key(shapes: ColumnShape[], selected: boolean): string {
    let key = selected ? 's' : '-';
    for (const index of this.used)
      key += shapes[index]!.nullable ? (shapes[index]!.codes ? '3' : '2') : shapes[index]!.codes ? '1' : '0';
    return key;
  }

  private compile(shapes: ColumnShape[], selected: boolean): F {
    return instantiate<F>(this.source(shapes, selected), this.runtime);
  }
}

/** Columns of a fixed width count as having codes, so that they make no variants. */
function shapeOf(column: Column): ColumnShape {
  return { nullable: column.validity !== null, codes: column.physical !== 'str' || column.codes !== null };
}
