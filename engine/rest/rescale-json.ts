// Rescalings of a job as the REST API shows them: Flink's JobRescaleConfigInfo, JobRescalesOverview, JobRescalesSummary and JobRescaleDetails.
import type { RescaleOptions, RescalesView, RescaleView } from './gateway.ts';
import { SLOT_SHARING_GROUP } from './job-json.ts';
import { statistics } from './metric-values.ts';

const SLOT_SHARING_GROUP_NAME = 'default';
/** Slots of the embedded engine are alike: Flink's words for that. */
const ANY_RESOURCE = {};

export function rescaleOptionsJson(options: RescaleOptions) {
  return {
    rescaleHistoryMax: options.historySize,
    schedulerExecutionMode: null,
    submissionResourceWaitTimeoutInMillis: options.submissionResourceWait ?? -1,
    submissionResourceStabilizationTimeoutInMillis: options.submissionResourceStabilization,
    // Slots belong to the job as long as their TaskManagers live.
    slotIdleTimeoutInMillis: -1,
    executingCooldownTimeoutInMillis: options.cooldown,
    executingResourceStabilizationTimeoutInMillis: options.executingResourceStabilization,
    maximumDelayForTriggeringRescaleInMillis: options.maxTriggerDelay,
    rescaleOnFailedCheckpointCount: options.maxCheckpointFailures,
  };
}

export function rescalesOverview({ counts, latest }: RescalesView) {
  const details = (rescale: RescaleView | null) => (rescale === null ? null : rescaleDetails(rescale, false));
  return {
    rescalesCounts: { ...counts },
    latest: {
      completed: details(latest.completed),
      failed: details(latest.failed),
      ignored: details(latest.ignored),
    },
  };
}

/** Durations of what the history holds. */
export function rescalesSummary({ counts, history }: RescalesView) {
  const durations = (wanted: (rescale: RescaleView) => boolean) =>
    statistics(
      history.flatMap((rescale) =>
        rescale.endTimestamp !== null && wanted(rescale) ? [rescale.endTimestamp - rescale.startTimestamp] : [],
      ),
    );
  return {
    rescalesCounts: { ...counts },
    rescalesDurationStatsInMillis: durations(() => true),
    completedRescalesDurationStatsInMillis: durations(({ terminalState }) => terminalState === 'COMPLETED'),
    ignoredRescalesDurationStatsInMillis: durations(({ terminalState }) => terminalState === 'IGNORED'),
    failedRescalesDurationStatsInMillis: durations(({ terminalState }) => terminalState === 'FAILED'),
  };
}

/** In lists without vertices, slots and states, as in Flink. */
export function rescaleDetails(rescale: RescaleView, detailed: boolean) {
  return {
    rescaleUuid: rescale.rescaleUuid,
    resourceRequirementsUuid: rescale.resourceRequirementsUuid,
    rescaleAttemptId: rescale.rescaleAttemptId,
    vertices: detailed ? verticesJson(rescale) : {},
    slots: detailed ? { [SLOT_SHARING_GROUP]: slotsJson(rescale) } : {},
    schedulerStates: detailed ? statesJson(rescale) : [],
    startTimestampInMillis: rescale.startTimestamp,
    endTimestampInMillis: rescale.endTimestamp,
    terminalState: rescale.terminalState,
    triggerCause: rescale.triggerCause,
    terminatedReason: rescale.terminatedReason,
  };
}

function verticesJson({ vertices }: RescaleView) {
  return Object.fromEntries(
    vertices.map(({ id, name, desired, sufficient, before, after }) => [
      id,
      {
        jobVertexId: id,
        jobVertexName: name,
        slotSharingGroupId: SLOT_SHARING_GROUP,
        slotSharingGroupName: SLOT_SHARING_GROUP_NAME,
        desiredParallelism: desired,
        sufficientParallelism: sufficient,
        preRescaleParallelism: before,
        postRescaleParallelism: after,
      },
    ]),
  );
}

function slotsJson({ slots }: RescaleView) {
  return {
    slotSharingGroupId: SLOT_SHARING_GROUP,
    slotSharingGroupName: SLOT_SHARING_GROUP_NAME,
    requestResourceProfile: ANY_RESOURCE,
    desiredSlots: slots.desired,
    minimalRequiredSlots: slots.sufficient,
    preRescaleSlots: slots.before,
    postRescaleSlots: slots.after,
    acquiredResourceProfile: ANY_RESOURCE,
  };
}

function statesJson({ schedulerStates }: RescaleView) {
  return schedulerStates.map(({ state, enter, leave }) => ({
    state,
    enterTimestampInMillis: enter,
    leaveTimestampInMillis: leave,
    durationInMillis: leave - enter,
    stringifiedException: null,
  }));
}
