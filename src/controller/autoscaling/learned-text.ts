// What was learned of a job, as text: JSON with the time at which it was written. Text that somebody edited, or that another version wrote, is told from ours.
import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { emptyKept } from '../../autoscaler/defaults.ts';
import { resumed } from '../../autoscaler/keep.ts';
import type { DecisionReason, Kept, Notice, Time } from '../../autoscaler/model.ts';
import { WEEK_SLOTS } from '../../autoscaler/profile.ts';
import type { FlowJob } from '../../api/flowjob.ts';

const { version: VERSION } = emptyKept();

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const number = Type.Number();
const reason = Type.Unsafe<DecisionReason>(Type.String());
const kind = Type.Unsafe<Notice['kind']>(Type.String());
const direction = Type.Union([Type.Literal('Up'), Type.Literal('Down')]);
const cause = Type.Union([Type.Literal('Idle'), Type.Literal('Schedule')]);
const ceiling = Type.Object({ parallelism: number, capacity: number, until: number, tries: number });
const raised = Type.Object({ from: number, to: number, capacity: number, expected: number });
const vertex = Type.Object({
  parallelism: number,
  ratePerSubtask: orNull(number),
  ratio: orNull(number),
  tellsPending: Type.Boolean(),
  ceiling: orNull(ceiling),
});

const KeptSchema = Type.Object({
  version: Type.Literal(VERSION),
  actions: Type.Array(Type.Object({ at: number, direction, from: number, to: number, reason })),
  vertices: Type.Record(Type.String(), vertex),
  unproven: orNull(Type.Object({ at: number, vertices: Type.Record(Type.String(), raised) })),
  pauseMs: orNull(number),
  asked: orNull(Type.Object({ at: number, run: orNull(Type.String()), rescales: number })),
  overSince: orNull(number),
  warmSince: orNull(number),
  recent: orNull(Type.Object({ steps: Type.Array(orNull(number)), start: number, sum: number, count: number })),
  idleSince: orNull(number),
  stopped: orNull(Type.Object({ at: number, cause })),
  profile: orNull(
    Type.Object({
      slots: Type.Array(orNull(number), { minItems: WEEK_SLOTS, maxItems: WEEK_SLOTS }),
      current: orNull(Type.Object({ slot: number, highest: number })),
    }),
  ),
  memory: Type.Object({
    peakBytes: orNull(number),
    peakAt: orNull(number),
    since: orNull(number),
    killsSeen: number,
    run: orNull(Type.String()),
    bumpedBytes: orNull(number),
  }),
  notices: Type.Array(Type.Object({ kind, subject: Type.String(), seenAt: number })),
  cost: orNull(Type.Object({ since: number, total: number, currency: Type.String(), perHour: number, until: number })),
});
const LearnedSchema = Type.Object({ savedAt: number, kept: KeptSchema });

export function learnedText(kept: Kept, savedAt: Time): string {
  const learned: Static<typeof LearnedSchema> = { savedAt, kept };
  return JSON.stringify(learned);
}

/** Throws an Error that says what is wrong with it, and where. */
export function parseLearned(text: string): { kept: Kept; savedAt: Time } {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON (${(error as Error).message})`, { cause: error });
  }
  const { version } = (found as { kept?: { version?: unknown } | null } | null)?.kept ?? {};
  if (version !== undefined && version !== VERSION)
    throw new Error(`it is of version ${JSON.stringify(version)}, and this operator knows version ${VERSION}`);
  if (Value.Check(LearnedSchema, found)) return found;
  const wrong = Value.Errors(LearnedSchema, found).First();
  throw new Error(`${wrong?.path === '' ? 'it' : wrong?.path} is damaged (${wrong?.message})`);
}

/**
 * What is known of the job now, from what was written before. Null: nothing was. Whether it is stopped, and whether it was autoscaled until now, stands in its
 * status, which was written before anything was done about it. Throws as `parseLearned` does.
 */
export function recalled(text: string | null, { status }: Pick<FlowJob, 'status'>, now: Time): Kept {
  const { kept, savedAt } = text === null ? { kept: emptyKept(), savedAt: now } : parseLearned(text);
  const { stopped, applies } = status?.autoscaling ?? {};
  const isStopped = stopped !== undefined && applies === true;
  const { cost, ...known } = resumed(kept, savedAt, now);
  const wasOff = status?.autoscaling === undefined;
  return {
    ...known,
    cost: cost !== null && wasOff ? { ...cost, perHour: 0, until: now } : cost,
    // Nobody else would ever wake it.
    stopped: isStopped ? { at: kept.stopped?.at ?? now, cause: stopped } : null,
  };
}
