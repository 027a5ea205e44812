// Makes the operator that a plan describes.
import { EngineError } from '../errors.ts';
import type { OperatorSpec } from '../plan/exec-plan.ts';
import { Calc } from './calc.ts';
import { GroupAggregate } from './group-aggregate.ts';
import type { Operator, OperatorContext } from './operator.ts';
import { Sort } from './sort.ts';
import { Values } from './values.ts';
import { WatermarkAssigner } from './watermark-assigner.ts';
import { WindowAggregate } from './window-aggregate.ts';

/** Sources and sinks are the task's own: it drives readers and writers, which are no operators. */
export function createOperator(spec: OperatorSpec, context: OperatorContext): Operator {
  switch (spec.type) {
    case 'Values':
      return new Values(spec, context);
    case 'Calc':
      return new Calc(spec, context);
    case 'WatermarkAssigner':
      return new WatermarkAssigner(spec, context);
    case 'GroupAggregate':
      return new GroupAggregate(spec, context);
    case 'WindowAggregate':
      return new WindowAggregate(spec, context);
    case 'Sort':
      return new Sort(spec, context);
    case 'Source':
    case 'Sink':
      throw new EngineError('OPERATOR_KIND', `${spec.type} ${spec.name} is run by the task, not as an operator`);
  }
}
