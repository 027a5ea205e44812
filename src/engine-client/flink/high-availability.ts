// Flink's high availability on Kubernetes, as one run is told of it: who leads and which checkpoints are complete stands in two ConfigMaps of the run
// (KubernetesLeaderElectionHaServices), how it ended in a file beside its state (FileSystemJobResultStore, FLIP-194). Pure.
import type { VersionTraits } from './versions.ts';

export interface RunInCluster {
  job: string;
  namespace: string;
  jobId: string;
}

/** Below the root of the job's state. */
export const HA_FOLDER = 'ha';
export const HA_FOLDERS = { runs: `${HA_FOLDER}/runs`, results: `${HA_FOLDER}/results` } as const;

/** Where a run says how it ended. `root`: of the job's state. */
export const resultsOf = (root: string, jobId: string): string => `${root}/${HA_FOLDERS.results}/${jobId}`;

const ID_LETTERS = 8;

/** Flink's cluster id is a run's, not an attempt's: the next attempt of a run finds what the one before it has left. Names of jobs have 45 letters at most, labels 63. */
export const clusterIdOf = ({ job, jobId }: Pick<RunInCluster, 'job' | 'jobId'>): string =>
  `${job}-${jobId.slice(0, ID_LETTERS)}`;

/** Of a folder that is called after a cluster id, whether it is that of one of the runs. */
export const isFolderOf = (folder: string, jobIds: readonly string[]): boolean =>
  jobIds.some((jobId) => folder.endsWith(`-${jobId.slice(0, ID_LETTERS)}`));

export interface MetadataNames {
  /** Who leads, where its parts answer, and the plan that was submitted. */
  leader: string;
  /** The complete checkpoints, and the number of the next one. */
  checkpoints: string;
}

/** As KubernetesUtils and KubernetesLeaderElectionHaServices reckon them. */
export function metadataNames(run: Pick<RunInCluster, 'job' | 'jobId'>): MetadataNames {
  const id = clusterIdOf(run);
  return { leader: `${id}-cluster-config-map`, checkpoints: `${id}-${run.jobId}-config-map` };
}

/** By which Flink finds them (KubernetesUtils.getConfigMapLabels). */
export const metadataLabels = (clusterId: string): Record<string, string> => ({
  app: clusterId,
  ...METADATA_LABELS,
});
const METADATA_LABELS = { 'configmap-type': 'high-availability', type: 'flink-native-kubernetes' } as const;

/** What every ConfigMap of Flink's high availability has. */
export const METADATA_SELECTOR = Object.entries(METADATA_LABELS)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/** The lease of nobody, as fabric8's LeaderElector reads it: whoever asks has it at once. A ConfigMap without it is one that Flink would try to create. */
export const VACANT_LEASE = {
  'control-plane.alpha.kubernetes.io/leader': JSON.stringify({
    holderIdentity: '',
    leaseDuration: 'PT60S',
    acquireTime: '2020-01-01T00:00:00.000000Z',
    renewTime: '2020-01-01T00:00:00.000000Z',
    leaderTransitions: 0,
  }),
};

/** Keys of config.yaml. `state`: root of the job's state, a URI. `applications`: the version keeps results of programs, too (FLIP-549). */
export function highAvailabilityConfig(
  run: RunInCluster,
  state: string,
  { applications }: Pick<VersionTraits, 'applications'>,
): Record<string, string> {
  const id = clusterIdOf(run);
  return {
    'high-availability.type': 'kubernetes',
    'high-availability.cluster-id': id,
    'high-availability.storageDir': `${state}/${HA_FOLDERS.runs}`,
    'kubernetes.cluster-id': id,
    'kubernetes.namespace': run.namespace,
    // Stays when the cluster goes: it says that the run is over, and how. A folder for each run: a JobManager that finds that another run's cleaning up was cut off
    // takes it up, does not know the application that it belongs to, and ends (Dispatcher.onStart of 2.3).
    'job-result-store.storage-path': resultsOf(state, run.jobId),
    'job-result-store.delete-on-commit': 'false',
    ...(applications
      ? { 'application-result-store.storage-path': `${state}/${HA_FOLDERS.runs}/${id}/applications` }
      : {}),
    // The operator gives the lease of a JobManager that has gone to the next one, so nobody waits for it to expire: a long one costs nothing, and lets the job
    // live through an API server that is away for less than that. Each renewal is a write.
    'high-availability.kubernetes.leader-election.lease-duration': '60 s',
    'high-availability.kubernetes.leader-election.renew-deadline': '50 s',
    'high-availability.kubernetes.leader-election.retry-period': '10 s',
  };
}
