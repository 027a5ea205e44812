// The pods of an attempt, of whichever engine it runs on. Pure.
import type { AttemptPlan } from '../port.ts';
import { flinkJobManagerPod, flinkTaskManagerPod } from './flink-pods.ts';
import { jobManagerPod, taskManagerPod, type PodSettings } from './pods.ts';
import type { PodManifest } from './templated-pod.ts';

export function jobManagerPodOf(plan: AttemptPlan, settings: PodSettings): PodManifest {
  return plan.spec.engine.type === 'Flink' ? flinkJobManagerPod(plan, settings) : jobManagerPod(plan, settings);
}

/** `jobManagerAddress`: Flink's have to be told; those of the embedded engine find it on the volume. */
export function taskManagerPodOf(
  plan: AttemptPlan,
  settings: PodSettings,
  place: { index: number; restarts: number; jobManagerAddress: string | undefined },
): PodManifest {
  const { jobManagerAddress = '', ...which } = place;
  return plan.spec.engine.type === 'Flink'
    ? flinkTaskManagerPod(plan, { ...which, jobManagerAddress }, settings)
    : taskManagerPod(plan, settings, which);
}
