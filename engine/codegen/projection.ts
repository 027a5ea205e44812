// Projections: columns computed from the rows of a batch, all or a selection.
import type { Column, ColumnBatch } from '../columnar/batch.ts';
import { gatherColumn } from '../columnar/select.ts';
import type { Expr } from '../plan/exec-plan.ts';
import { physical, type Schema } from '../plan/types.ts';
import { Emitter, zero, type ColumnShape, type Output } from './emitter.ts';
import { Kernel, type CodegenOptions } from './kernel.ts';

/** One column per expression over the rows `selection[0..count)`, or over the first `count` rows when `selection` is null. */
export type Projection = (batch: ColumnBatch, selection: Int32Array | null, count: number) => Column[];

type Compute = (columns: Column[], selection: Int32Array | null, count: number) => Column[];

/** Columns that are only passed on are shared (all rows) or gathered; the others are computed in one loop. */
export function compileProjection(exprs: Expr[], schema: Schema, options: CodegenOptions = {}): Projection {
  const computed = exprs.filter((expr) => expr.kind !== 'column');
  const kernel =
    computed.length === 0
      ? null
      : new Kernel<Compute>(
          schema,
          computed,
          (shapes, selected) => projectSource(computed, schema, shapes, selected),
          options,
        );
  return (batch, selection, count) => {
    const results = kernel === null ? [] : kernel.for(batch, selection !== null)(batch.columns, selection, count);
    let next = 0;
    return exprs.map((expr) => {
      if (expr.kind !== 'column') return results[next++]!;
      const column = batch.columns[expr.index]!;
      return selection === null ? column : gatherColumn(column, selection, count);
    });
  };
}

const arrays = {
  u8: 'Uint8Array',
  i32: 'Int32Array',
  i64: 'BigInt64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
  str: 'Int32Array',
};

function projectSource(exprs: Expr[], schema: Schema, shapes: ColumnShape[], selected: boolean): string {
  const em = new Emitter(schema, shapes);
  const results: string[] = [];
  exprs.forEach((expr, k) => {
    const kind = physical(expr.type);
    em.prologue.push(`const r${k} = new ${arrays[kind]}(count);`);
    let out: Output | null = null;
    if (kind === 'str') {
      const kept = em.memoColumnOf(expr);
      out = { name: `s${k}`, kept: kept !== null };
      em.state.push(`let s${k} = new ${em.helper('StringDictionary')}();`);
      if (kept !== null) em.open(kept);
      em.prologue.push(`${kept === null ? '' : `if (!same${kept}) `}s${k} = new StringDictionary(s${k});`);
    }
    const code = out === null ? em.emit(expr) : em.emitEntry(expr, out);
    if (code.n === 'true') {
      em.prologue.push(`const w${k} = new Uint8Array((count + 7) >> 3);`);
    } else if (code.n !== 'false') {
      em.prologue.push(`const w${k} = new Uint8Array((count + 7) >> 3).fill(255); let z${k} = null;`);
      em.line(`if (${code.n}) { w${k}[o >> 3] &= ~(1 << (o & 7)); z${k} = w${k}; }`);
    }
    const value = kind === 'u8' ? `${code.v} ? 1 : 0` : code.v;
    const stored = code.n === 'false' ? value : `${code.n} ? ${kind === 'i64' ? '0n' : '0'} : ${value}`;
    if (code.n !== 'true' && value !== zero(kind)) em.line(`r${k}[o] = ${stored};`);
    const validity = code.n === 'false' ? 'null' : code.n === 'true' ? `w${k}` : `z${k}`;
    if (kind === 'str') results.push(`stringColumn(r${k}, s${k}.finish(), ${validity})`);
    else results.push(`{ physical: '${kind}', values: r${k}, validity: ${validity} }`);
  });
  const body = em.takeLines();
  return `${em.helperLines()}
${em.state.join('\n')}
const stringColumn = (codes, { offsets, bytes }, validity) => ({ physical: 'str', codes, offsets, bytes, validity });
return function project(columns, selection, count) {
${em.prologue.join('\n')}
for (let o = 0; o < count; o++) {
const i = ${selected ? 'selection[o]' : 'o'};
${body}
}
return [${results.join(', ')}];
};`;
}
