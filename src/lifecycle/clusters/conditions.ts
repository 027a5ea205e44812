// From a report about a FlowCluster to its conditions, as kstatus, Argo CD and `kubectl wait` read them.
import type { Condition } from '../../api/object.ts';
import type { ClusterConditionType, ClusterReason } from '../../api/reasons.ts';
import { condition, shorten } from '../conditions.ts';

export interface ClusterReport {
  kind: 'Progressing' | 'Ready' | 'Stalled';
  reason: ClusterReason;
  /** Holds no times and no counters. */
  message: string;
}

const TABLE = {
  Progressing: [
    { type: 'Ready', status: 'Unknown' },
    { type: 'Reconciling', status: 'True' },
  ],
  Ready: [{ type: 'Ready', status: 'True' }],
  Stalled: [
    { type: 'Ready', status: 'False' },
    { type: 'Stalled', status: 'True' },
  ],
} as const satisfies Record<
  ClusterReport['kind'],
  readonly { type: ClusterConditionType; status: Condition['status'] }[]
>;

/** Times are kept where the status did not change. */
export function clusterConditions(
  before: readonly Condition[],
  { kind, reason, message }: ClusterReport,
  stamp: { generation: number; now: string },
): Condition[] {
  return TABLE[kind].map((wanted) => condition(before, { reason, message: shorten(message), ...wanted }, stamp));
}
