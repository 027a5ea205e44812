// The autoscaler: readings and what is remembered in, a decision and its reason out. Pure. docs/explanation/autoscaling.md tells it in words.
//
//  readings.ts  what was measured, or why not        need.ts   subtasks that each vertex needs
//  evaluate.ts  load, capacity, lag of each vertex    size.ts   subtasks and TaskManagers from needs
//  rules.ts     the chain of rules                    effect.ts whether the last scale-up helped
//  keep.ts      what of it is written down, and when
import { boundsAt } from './bounds.ts';
import { planOf } from './ahead.ts';
import { upTo } from './clock.ts';
import { judgeLastScaleUp, liftCeilings } from './effect.ts';
import { evaluate, rememberVertices, type Evaluation } from './evaluate.ts';
import { memoryOf } from './memory.ts';
import { costPerHour } from './money.ts';
import type { AutoscalingConfig, DecideInput, DecideResult, Kept, Reading, Sample, Time } from './model.ts';
import { beginnings } from './notices.ts';
import { needNow, upperUtilization, type Need } from './need.ts';
import { currentOf, hold, type Look, type MeasuredLook, type Outcome } from './outcome.ts';
import { measuredPause, patienceOf } from './pauses.ts';
import { measure, withReading } from './readings.ts';
import { withLoad } from './recent.ts';
import { headroomOf } from './trend.ts';
import { knowsTheDay, learnProfile } from './profile.ts';
import { idle, idleSinceOf, scheduledStop, whileStopped } from './stopped.ts';
import {
  beforeRise,
  notForLong,
  outOfReach,
  outsideBounds,
  overloaded,
  underused,
  undoIneffective,
  unknown,
} from './rules.ts';

/** After this a rescale that was asked for and did not come is asked for again; longer where this job's pauses are. */
const ASKED_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

export function decide({ config, history, sample, now }: DecideInput): DecideResult {
  const readings = sample === null ? history.readings : withReading(history.readings, sample);
  const before = upTo(history.kept, now);
  const kept = {
    ...before,
    actions: before.actions.filter(({ at }) => now - at < DAY_MS),
    pauseMs: measuredPause(sample, before.pauseMs),
  };
  const outcome = decideNow(config, kept, readings, sample, now);
  const memory = memoryOf(config, outcome.kept.memory, sample, now);
  const notices = [...outcome.decision.notices, ...memory.notices];
  const decision = {
    ...outcome.decision,
    memory: memory.memory,
    notices,
    costPerHour: costPerHour(config, outcome.decision.taskManagers),
  };
  const { begun, lasting } = beginnings(kept.notices, notices, now);
  return { decision, begun, history: { readings, kept: { ...outcome.kept, memory: memory.kept, notices: lasting } } };
}

function decideNow(
  config: AutoscalingConfig,
  kept: Kept,
  readings: readonly Reading[],
  sample: Sample | null,
  now: Time,
): Outcome {
  const look: Look = {
    config,
    bounds: boundsAt(config, now),
    kept,
    now,
    patience: patienceOf(kept),
    terms: [],
    notices: [],
    unknown: [],
  };
  const current = currentOf(sample, config);
  const stopped = whileStopped(look, sample, current) ?? scheduledStop(look, current);
  if (stopped !== null) return stopped;
  if (sample === null || current === null)
    return hold(look, null, 'MetricsUnknown', 'The job could not be read: nothing is changed.');
  if (sample.runningSince === null)
    return hold(look, current, 'NotRunning', 'Not all tasks run: nothing is measured and nothing is changed.');
  if (isAsked(look, sample)) return hold(look, current, 'Rescaling', 'The last rescale is under way.');
  const running = { ...sample, runningSince: sample.runningSince };
  const bounded = {
    ...look,
    kept: { ...kept, asked: null, stopped: null },
    sample: running,
    current,
    room: { vertices: sample.vertices, config, bounds: look.bounds, kept, now },
  };
  const outside = outsideBounds(bounded);
  if (outside !== null) return outside;
  const measured = measure(readings, now);
  if (measured === null) return hold(bounded, current, 'Measuring', 'Rates need half a minute of steady running.');
  const evaluation = evaluate(measured.vertices, measured.unknown, bounded.kept, config.targetUtilization);
  return judge({ ...bounded, evaluation, terms: evaluation.terms, unknown: evaluation.unknown });
}

function isAsked({ kept: { asked }, patience, now }: Look, sample: Sample): boolean {
  if (asked === null || asked.run !== sample.run || asked.rescales !== sample.rescales) return false;
  return now - asked.at < Math.max(ASKED_MS, 5 * patience.pauseMs);
}

/** The chain: the first rule that has something to say. */
function judge(unlearned: MeasuredLook): Outcome {
  const { evaluation, sample, now, config, patience } = unlearned;
  const learned = learn(evaluation, unlearned.kept, now);
  const verdict = judgeLastScaleUp(evaluation, learned, sample.runningSince, now);
  const planned = config.learnProfile && knowsTheDay(verdict.kept.profile);
  const need = needNow({
    evaluation,
    config,
    bounds: unlearned.bounds,
    kept: verdict.kept,
    pauseMs: patience.pauseMs,
    headroom: planned ? 1 : headroomOf(verdict.kept.recent, evaluation.load),
    now,
    terms: unlearned.terms,
  });
  const since = { ...sinceWhen(need, verdict.kept, config, now), idleSince: idleSinceOf(unlearned) };
  const kept = { ...verdict.kept, ...since };
  unlearned.notices.push(...verdict.notices);
  const look = { ...unlearned, kept, room: { ...unlearned.room, kept } };
  const plan = planned ? planOf(look) : (): null => null;
  const ineffective = verdict.ineffective.map(({ vertex }) => vertex.name);
  return (
    undoIneffective(look, need, ineffective) ??
    overloaded(look, need, plan) ??
    unknown(look) ??
    outOfReach(look, need) ??
    idle(look) ??
    beforeRise(look, plan) ??
    underused(look, need, plan) ??
    notForLong(look, need) ??
    hold(look, look.current, 'Balanced', balanced(need))
  );
}

function learn(evaluation: Evaluation, kept: Kept, now: Time): Kept {
  const seen = evaluation.atLeast || evaluation.unknown.length > 0 ? null : evaluation.load;
  const recent = withLoad(kept.recent, seen, now);
  const profile = learnProfile(kept.profile, kept.recent, recent);
  return liftCeilings(evaluation, { ...kept, vertices: rememberVertices(evaluation, kept), recent, profile });
}

function sinceWhen(
  need: Need,
  { overSince, warmSince }: Kept,
  { targetUtilization }: AutoscalingConfig,
  now: Time,
): Pick<Kept, 'overSince' | 'warmSince'> {
  return {
    overSince: need.utilization > 1 || need.lagging ? (overSince ?? now) : null,
    warmSince: need.utilization > upperUtilization(targetUtilization) ? (warmSince ?? now) : null,
  };
}

const balanced = ({ utilization, bottleneck }: Need): string =>
  `Load and capacity fit: ${bottleneck} is busiest, with ${Math.round(utilization * 100)} % of what it can do.`;
