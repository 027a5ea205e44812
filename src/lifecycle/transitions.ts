// The legal transitions between the states of a FlowJob. A state's file can only name a successor that stands here: anything else does not compile.
import type { JobState } from '../api/status.ts';

/** From each state to the states that may follow it; staying is always legal. No version that has run is rolled back. */
export const transitions = {
  Pending: ['Starting', 'Suspended', 'Failed', 'Deleting'],
  Starting: ['Running', 'RollingBack', 'Upgrading', 'Suspending', 'Recovering', 'Finished', 'Failed', 'Deleting'],
  Running: ['Upgrading', 'Suspending', 'Recovering', 'Finished', 'Failed', 'Deleting'],
  Upgrading: ['Starting', 'Pending', 'Running', 'Suspending', 'Finished', 'Failed', 'Deleting'],
  Suspending: ['Suspended', 'Upgrading', 'Running', 'Finished', 'Failed', 'Deleting'],
  Suspended: ['Starting', 'Pending', 'Failed', 'Deleting'],
  RollingBack: ['Starting', 'Pending', 'Recovering', 'Suspended', 'Finished', 'Failed', 'Deleting'],
  Recovering: ['Starting', 'RollingBack', 'Upgrading', 'Suspending', 'Finished', 'Failed', 'Deleting'],
  Finished: ['Starting', 'Pending', 'Failed', 'Deleting'],
  Failed: ['Starting', 'Pending', 'Suspended', 'Finished', 'Deleting'],
  Deleting: [],
} as const satisfies Record<JobState, readonly JobState[]>;

/** The states that `S` may be followed by, itself included. */
export type Next<S extends JobState> = S | (typeof transitions)[S][number];
