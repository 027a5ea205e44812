// How a decision is put together.
import type { Bounds } from './bounds.ts';
import { expectation } from './effect.ts';
import type { Evaluation } from './evaluate.ts';
import type {
  AutoscalingConfig,
  Decision,
  DecisionReason,
  Kept,
  Notice,
  Sample,
  Term,
  Time,
  Unknown,
} from './model.ts';
import type { Patience } from './pauses.ts';
import { taskManagersOf, type Room, type Sized } from './size.ts';

export const LOOK_MS = 10_000;

/** What the rules of one look share. `terms`, `notices` and `unknown` are added to. */
export interface Look {
  config: AutoscalingConfig;
  bounds: Bounds;
  kept: Kept;
  now: Time;
  patience: Patience;
  terms: Term[];
  notices: Notice[];
  unknown: Unknown[];
}

/** The rules of a job that runs and was measured have this, too. */
export interface MeasuredLook extends Look {
  sample: Sample & { runningSince: Time };
  evaluation: Evaluation;
  room: Room;
  current: Sized;
}

export interface Outcome {
  decision: Decision;
  kept: Kept;
}

export function currentOf(sample: Sample | null, config: AutoscalingConfig): Sized | null {
  if (sample === null || sample.vertices.length === 0) return null;
  const parallelism = Object.fromEntries(sample.vertices.map(({ id, parallelism: has }) => [id, has]));
  return { parallelism, taskManagers: taskManagersOf(parallelism, config) };
}

export function hold(look: Look, current: Sized | null, reason: DecisionReason, message: string): Outcome {
  return { decision: decisionOf(look, 'Hold', current, null, reason, message), kept: look.kept };
}

/** Asks for `to`, and remembers that it was asked for. */
export function rescale(
  look: Look,
  from: Sized,
  to: Sized,
  sample: Sample,
  reason: DecisionReason,
  message: string,
  evaluation: Evaluation | null,
): Outcome {
  const up = to.taskManagers > from.taskManagers || sumOf(to) > sumOf(from);
  const direction = up ? 'Up' : 'Down';
  const { kept, now } = look;
  const decision = decisionOf(look, 'Rescale', to, direction, reason, message);
  if (!decision.act) return { decision, kept };
  const action = { at: now, direction, from: from.taskManagers, to: to.taskManagers, reason } as const;
  return {
    decision,
    kept: {
      ...kept,
      actions: [...kept.actions, action],
      asked: { at: now, run: sample.run, rescales: sample.rescales },
      unproven: up && evaluation !== null ? expectation(evaluation, kept, to.parallelism, now) : null,
      overSince: null,
      warmSince: null,
    },
  };
}

const sumOf = ({ parallelism }: Sized): number => Object.values(parallelism).reduce((a, b) => a + b, 0);

export function decisionOf(
  look: Look,
  action: Decision['action'],
  sized: Sized | null,
  direction: Decision['direction'],
  reason: DecisionReason,
  message: string,
): Decision {
  return {
    at: look.now,
    action,
    act: look.config.mode === 'Apply' && action !== 'Hold',
    direction,
    parallelism: sized?.parallelism ?? {},
    taskManagers: sized?.taskManagers ?? null,
    reason,
    message,
    terms: look.terms,
    unknown: look.unknown,
    notices: look.notices,
    memory: null,
    costPerHour: null,
    lookAgainAt: look.now + LOOK_MS,
  };
}
