// Which FlowJobs would be lost with the processes of their FlowCluster.
import type { FlowJob } from '../../api/flowjob.ts';
import type { ClusterProcess } from './observation.ts';

/** The status of a job names the JobManager before it is submitted to it. One that waits for a JobManager is not in the way of a change that may bring one. */
export function runsOn({ status }: Pick<FlowJob, 'status'>, processes: readonly ClusterProcess[]): boolean {
  const { ended, jobManagerUid } = status?.attempt ?? {};
  return ended === undefined && processes.some(({ uid, state }) => uid === jobManagerUid && state === 'Running');
}
