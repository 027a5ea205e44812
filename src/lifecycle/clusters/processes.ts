// Which pods of a FlowCluster are to be made, which are to go, and how the cluster is meanwhile. A JobManager has one name, so there are never two; a TaskManager
// knows the address of the JobManager that it was made for, and goes with it.
import { firstTaskManagers } from '../../api/task-managers.ts';
import type { Accepted } from './accepted.ts';
import type { ClusterReport } from './conditions.ts';
import type { ClusterInput } from './decide-cluster.ts';
import type { ClusterProcess } from './observation.ts';

export type ClusterAction =
  | { kind: 'CreateJobManager' }
  | { kind: 'CreateTaskManager'; index: number; jobManager: ClusterProcess }
  | { kind: 'End'; process: ClusterProcess };

/** By its place among the processes of its cluster the back-off is known. */
type Missing = { place: string; action: ClusterAction };

export function nextProcesses(
  input: ClusterInput,
  accepted: Accepted,
): { actions: ClusterAction[]; report: ClusterReport } {
  const { processes, notBefore, refusal, now } = input;
  const jobManager = processes.find(({ role }) => role === 'JobManager');
  const going = processes.filter((process) => !isWanted(process, accepted, jobManager));
  const lacking = missingOf(input, accepted, jobManager);
  const missing = lacking.filter(({ place }) => now >= (notBefore.get(place) ?? 0));
  const mayCreate = refusal === null || now >= refusal.retryAt;
  const actions = [
    ...going.flatMap((process): ClusterAction[] => (process.ending ? [] : [{ kind: 'End', process }])),
    ...(mayCreate ? missing.map(({ action }) => action) : []),
  ];
  // What was refused is no trouble any more where nothing is missing.
  const refused = lacking.length === 0 ? null : refusal;
  return { actions, report: reportOf({ ...input, refusal: refused }, accepted, jobManager) };
}

function isWanted(
  process: ClusterProcess,
  { specHash, spec }: Accepted,
  jobManager: ClusterProcess | undefined,
): boolean {
  if (process.state === 'Exited' || process.ending || process.specHash !== specHash) return false;
  if (process.role === 'JobManager') return true;
  return (
    process.index < spec.taskManager.replicas && process.jobManagerUid === (jobManager?.uid ?? process.jobManagerUid)
  );
}

function missingOf(
  { processes }: ClusterInput,
  { specHash, spec }: Accepted,
  jobManager: ClusterProcess | undefined,
): Missing[] {
  if (jobManager === undefined) return [{ place: 'JobManager', action: { kind: 'CreateJobManager' } }];
  const takesThem =
    jobManager.state === 'Running' &&
    !jobManager.ending &&
    jobManager.specHash === specHash &&
    jobManager.address !== undefined;
  // Tasks of the JobManager before may run on until their TaskManagers are gone: nothing of a job runs beside them.
  const left = processes.some((one) => one.role === 'TaskManager' && one.jobManagerUid !== jobManager.uid);
  if (!takesThem || left) return [];
  const there = new Set(processes.flatMap(({ role, index }) => (role === 'TaskManager' ? [index] : [])));
  return firstTaskManagers(spec.taskManager.replicas)
    .filter((index) => !there.has(index))
    .map((index) => ({
      place: `TaskManager/${index}`,
      action: { kind: 'CreateTaskManager', index, jobManager },
    }));
}

function reportOf(input: ClusterInput, accepted: Accepted, jobManager: ClusterProcess | undefined): ClusterReport {
  const { specHash, spec } = accepted;
  const { cluster, processes, refusal, session } = input;
  const troubles = processes
    .filter((process) => isWanted(process, accepted, jobManager))
    .flatMap(({ trouble }) => trouble ?? [])
    .sort();
  if (refusal !== null) troubles.unshift(refusal.reason);
  if (troubles.length > 0) return progressing('PodNotStarting', troubles.join('\n'));
  const lost = processes.flatMap(({ exit, ending }) => (exit === null || ending ? [] : [exit.reason])).sort();
  if (lost.length > 0) return progressing('ProcessLost', `${lost.join(' ')} It is started again.`);
  const { replicas } = spec.taskManager;
  const current = processes.filter(
    (process) => process.state === 'Running' && !process.ending && process.specHash === specHash,
  );
  const isUp = jobManager !== undefined && current.includes(jobManager) && jobManager.address !== undefined;
  if (isUp && session !== null && session.taskManagers >= replicas && current.length === replicas + 1)
    return { kind: 'Ready', reason: 'Running', message: 'The cluster runs, with all of its TaskManagers.' };
  // Why it is away is told until it is back.
  const told = cluster.status?.conditions.find(({ type }) => type === 'Reconciling' || type === 'Ready');
  if (told?.reason === 'ProcessLost') return progressing('ProcessLost', told.message);
  if (isUp && session === null && told?.status === 'True')
    return progressing('JobManagerSilent', 'The JobManager does not answer.');
  if (told?.reason === 'JobManagerSilent' && session === null && isUp)
    return progressing('JobManagerSilent', told.message);
  return progressing('Starting', 'JobManager and TaskManagers are being started.');
}

const progressing = (reason: ClusterReport['reason'], message: string): ClusterReport => ({
  kind: 'Progressing',
  reason,
  message,
});
