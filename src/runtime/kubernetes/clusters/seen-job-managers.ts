// How JobManagers of FlowClusters ended: their pods are cleared away at once, and the jobs that were on them have to tell why they are lost.
import { idOf, type ObjectKey } from '../../../api/object.ts';
import type { ClusterProcess } from '../../../lifecycle/clusters/observation.ts';
import type { ProcessView } from '../../../lifecycle/observation.ts';

/** Of each cluster; jobs that look later are told less. */
const KEPT = 4;

export class SeenJobManagers {
  /** By cluster, in the order in which they came. In memory: another operator knows that they are gone, and no more. */
  private readonly seen = new Map<string, ClusterProcess[]>();

  note(cluster: ObjectKey, processes: readonly ClusterProcess[]): void {
    for (const process of processes) {
      if (process.role !== 'JobManager') continue;
      const others = (this.seen.get(idOf(cluster)) ?? []).filter(({ uid }) => uid !== process.uid);
      this.seen.set(idOf(cluster), [...others, process].slice(-KEPT));
    }
  }

  /** Of one that does not run any more. One that did not end by itself was deleted: that was asked for. */
  exitOf(cluster: ObjectKey, uid: string, now: number): NonNullable<ProcessView['exit']> {
    const of = `The JobManager of FlowCluster "${cluster.name}" that the job ran on`;
    const last = this.seen.get(idOf(cluster))?.find((one) => one.uid === uid);
    // Why is not known of one that this operator has never seen.
    if (last === undefined) return { at: now, asked: true, reason: `${of} is gone.` };
    if (last.exit === null) return { at: now, asked: true, reason: `${of} is gone: its pod was deleted.` };
    return { at: last.exit.at, asked: false, reason: `${of} is gone: ${last.exit.reason}` };
  }
}
