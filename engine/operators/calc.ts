// Filter and projection: the generated function of codegen/calc.ts as an operator.
import type { ColumnBatch } from '../columnar/batch.ts';
import { compileCalc } from '../codegen/calc.ts';
import type { CalcSpec } from '../plan/exec-plan.ts';
import { StatelessOperator } from './stateless.ts';
import type { OperatorContext, Output } from './operator.ts';

export class Calc extends StatelessOperator {
  private readonly compute: (batch: ColumnBatch) => ColumnBatch | null;

  constructor(spec: CalcSpec, context: OperatorContext) {
    super();
    this.compute = compileCalc(spec, { now: context.now });
  }

  override processBatch(batch: ColumnBatch, output: Output): void {
    const result = this.compute(batch);
    if (result !== null && result.rows > 0) output.emit(result);
  }
}
