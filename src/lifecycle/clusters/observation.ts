// What is told of a FlowCluster's processes before each decision. Nothing here is remembered.

/** One pod of a cluster, as it is now. */
export interface ClusterProcess {
  name: string;
  uid: string;
  role: 'JobManager' | 'TaskManager';
  /** 0-based among TaskManagers; 0 for the JobManager. */
  index: number;
  /** Hash of what it was made from. */
  specHash: string;
  /** Of a TaskManager: uid of the JobManager that it was made for; it knows no other. */
  jobManagerUid: string | undefined;
  /** Where it is reached; undefined while it has no address. */
  address: string | undefined;
  /** It answers at that address, by the kubelet's word. */
  ready: boolean;
  state: 'Running' | 'Exited';
  /** Set when it exited. `at`: milliseconds since the epoch. */
  exit: { at: number; reason: string } | null;
  /** It has been asked to end. */
  ending: boolean;
  /** What keeps it from starting, with the remedy; null when nothing does. */
  trouble: string | null;
}

/** What the JobManager answers. */
export interface SessionView {
  taskManagers: number;
  slots: number;
}
