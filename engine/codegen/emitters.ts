// One emitter for each function of plan/functions.ts.
import type { FunctionName } from '../plan/functions.ts';
import { arithmeticEmitters, type Emit } from './emit-arithmetic.ts';
import { logicEmitters } from './emit-logic.ts';
import { textEmitters } from './emit-text.ts';
import { timeEmitters } from './emit-time.ts';

export const emitters: Record<FunctionName, Emit> = {
  ...arithmeticEmitters,
  ...logicEmitters,
  ...textEmitters,
  ...timeEmitters,
};
