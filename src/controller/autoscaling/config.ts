// From spec.autoscaling to the limits that a decision is made within.
import { DEFAULTS } from '../../autoscaler/defaults.ts';
import type { AutoscalingConfig } from '../../autoscaler/model.ts';
import type { AutoscalingWindow } from '../../api/autoscaling.ts';
import type { FlowJobSpec } from '../../api/flowjob.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { durationMs, quantityValue } from '../../api/schema-kit.ts';

/** `spec.autoscaling` is there, with its defaults. */
export function configOf(spec: FlowJobSpec): AutoscalingConfig {
  const { autoscaling, taskManager } = resolveSpec(spec);
  const { limits, requests } = taskManager.resources;
  const memoryBytes = quantityValue(limits.memory);
  const { schedules = [], scaleToZero, memory, prices, budgetPerHour } = autoscaling!;
  return {
    ...DEFAULTS,
    mode: autoscaling!.mode,
    minParallelism: autoscaling!.minParallelism,
    maxParallelism: autoscaling!.maxParallelism,
    targetUtilization: autoscaling!.targetUtilization,
    slotsPerTaskManager: taskManager.slots,
    catchUpTimeMs: durationMs(autoscaling!.catchUpTime),
    lagTargetMs: durationMs(autoscaling!.lagTarget),
    rescalesPerDay: autoscaling!.maxRescalesPerDay,
    schedules: schedules.map(windowOf),
    learnProfile: autoscaling!.learnProfile,
    scaleToZero:
      scaleToZero === undefined
        ? null
        : { idleAfterMs: durationMs(scaleToZero.idleAfter), lookEveryMs: durationMs(scaleToZero.lookEvery) },
    // Without a limit or a request a slot is reckoned as a core.
    taskManager: { cores: quantityValue(requests?.cpu ?? limits.cpu ?? taskManager.slots), memoryBytes },
    memory: { mode: memory.mode, limitBytes: memory.limit === undefined ? memoryBytes : quantityValue(memory.limit) },
    prices: prices ?? null,
    budgetPerHour: budgetPerHour ?? null,
  };
}

function windowOf({
  minParallelism,
  maxParallelism,
  duration,
  ...rest
}: AutoscalingWindow): AutoscalingConfig['schedules'][number] {
  return {
    ...rest,
    durationMs: durationMs(duration),
    minParallelism: minParallelism ?? null,
    maxParallelism: maxParallelism ?? null,
  };
}
