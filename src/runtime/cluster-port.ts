// The port "where the processes of a FlowCluster run". Every call can be repeated.
import type { ObjectKey } from '../api/object.ts';
import type { ResolvedFlowClusterSpec } from '../api/flowcluster.ts';
import type { ClusterProcess, SessionView } from '../lifecycle/clusters/observation.ts';
import type { Refusal } from '../lifecycle/observation.ts';

/** Everything that the processes are made from. */
export interface ClusterPlan {
  key: ObjectKey;
  uid: string;
  /** Of what the processes are made from. */
  specHash: string;
  spec: ResolvedFlowClusterSpec;
}

export interface ClusterRuntime {
  /** Those that run, and those that have ended and are still there. */
  processes(key: ObjectKey): ClusterProcess[];
  /** Why processes could not be made when that was tried last; null when they could. */
  refusal(key: ObjectKey): Refusal | null;
  /** What the JobManager says; null when there is none, or it does not answer. */
  session(key: ObjectKey): Promise<SessionView | null>;
  /** Makes the JobManager, and what it needs besides. */
  createJobManager(plan: ClusterPlan): Promise<void>;
  /** `jobManager`: as `processes` tells it. */
  createTaskManager(plan: ClusterPlan, index: number, jobManager: ClusterProcess): Promise<void>;
  /** Begins to end a process, or clears it away once it has ended. */
  end(key: ObjectKey, process: ClusterProcess): Promise<void>;
  forget(key: ObjectKey): void;
  /** Calls `listener` when a process of a cluster ended or came up. */
  onChange(listener: (key: ObjectKey) => void): void;
  close(): void;
}
