// From a report to conditions, as kstatus, Argo CD and `kubectl wait` read them. Reconciling and Stalled are there or absent, never False.
import { NEVER, type Condition } from '../api/object.ts';
import type { JobConditionType } from '../api/reasons.ts';
import type { FlowSavepoint } from '../api/flowsavepoint.ts';
import type { Report } from './model.ts';

type Wanted = readonly { type: JobConditionType; status: Condition['status'] }[];

/** Which conditions each kind of report stands for. */
const TABLE = {
  Progressing: [
    { type: 'Ready', status: 'Unknown' },
    { type: 'Reconciling', status: 'True' },
  ],
  Ready: [{ type: 'Ready', status: 'True' }],
  Complete: [
    { type: 'Ready', status: 'True' },
    { type: 'Complete', status: 'True' },
  ],
  Suspended: [
    { type: 'Ready', status: 'True' },
    { type: 'Suspended', status: 'True' },
  ],
  Failed: [
    { type: 'Ready', status: 'False' },
    { type: 'Stalled', status: 'True' },
    { type: 'Failed', status: 'True' },
  ],
  Stalled: [
    { type: 'Ready', status: 'False' },
    { type: 'Stalled', status: 'True' },
  ],
} as const satisfies Record<Report['kind'], Wanted>;

interface Stamp {
  generation: number;
  /** RFC 3339; taken for conditions whose status changed. */
  now: string;
}

/** The conditions of a job, times kept where the status did not change. */
export function conditionsFor(before: readonly Condition[], report: Report, stamp: Stamp): Condition[] {
  return TABLE[report.kind].map(({ type, status }) => condition(before, { ...report, type, status }, stamp));
}

/** The conditions of a paused job: those it had, and Paused. */
export function pausedConditions(before: readonly Condition[], stamp: Stamp): Condition[] {
  const paused = condition(
    before,
    {
      type: 'Paused',
      status: 'True',
      reason: 'Paused',
      message: 'The annotation flowjob.dev/pause is "true": the operator touches nothing of this job.',
    },
    stamp,
  );
  const kept = before.filter(({ type }) => type !== 'Paused');
  return [...kept.map((x) => (x.lastTransitionTime === NEVER ? { ...x, lastTransitionTime: stamp.now } : x)), paused];
}

/**
 * The conditions of a job that the operator cannot look at or act on: how it ended or was suspended still holds, that it is as the spec asks does not.
 * The next pass that succeeds decides all of them anew.
 */
export function troubledConditions(before: readonly Condition[], message: string, stamp: Stamp): Condition[] {
  const kept = before.filter(({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type));
  return [...conditionsFor(before, { kind: 'Stalled', reason: 'OperatorError', message }, stamp), ...kept];
}

export function condition(
  before: readonly Condition[],
  wanted: { type: string; status: Condition['status']; reason: string; message: string },
  stamp: Stamp,
): Condition {
  const { type, status, reason, message } = wanted;
  const old = before.find((x) => x.type === type);
  // What an object has before it is seen bears no time of its own.
  const stays = old?.status === status && old.lastTransitionTime !== NEVER;
  const lastTransitionTime = stays ? old.lastTransitionTime : stamp.now;
  return { type, status, observedGeneration: stamp.generation, lastTransitionTime, reason, message };
}

/** The same for a FlowSavepoint. */
export function savepointConditions(
  savepoint: FlowSavepoint,
  kind: 'Progressing' | 'Complete' | 'Failed',
  why: { reason: string; message: string },
  now: string,
): Condition[] {
  const stamp = { generation: savepoint.metadata.generation, now };
  return TABLE[kind].map((wanted) => condition(savepoint.status?.conditions ?? [], { ...why, ...wanted }, stamp));
}

/** A cause as a condition can hold it: the condition's limit is 4,096 characters. */
export const shorten = (text: string): string => (text.length <= 4000 ? text : `${text.slice(0, 3999)}…`);
