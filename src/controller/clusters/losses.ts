// How often processes of a cluster have ended by themselves, so that they are started again more and more slowly. In memory: another operator begins anew.
import { processDelay } from '../../lifecycle/back-off.ts';
import type { ClusterProcess } from '../../lifecycle/clusters/observation.ts';

/** Milliseconds after which an earlier loss counts no more. */
const FORGOTTEN = 600_000;

interface Loss {
  count: number;
  /** Milliseconds since the epoch. */
  at: number;
  uid: string;
}

export class Losses {
  private readonly now: () => number;
  /** By cluster, by what the process is called. */
  private readonly byCluster = new Map<string, Map<string, Loss>>();

  constructor(now: () => number) {
    this.now = now;
  }

  note(cluster: string, processes: readonly ClusterProcess[]): void {
    for (const { uid, role, index, state } of processes) {
      if (state !== 'Exited') continue;
      const losses = this.byCluster.get(cluster) ?? new Map<string, Loss>();
      this.byCluster.set(cluster, losses);
      const name = placeOf(role, index);
      const before = losses.get(name);
      if (before?.uid === uid) continue;
      const at = this.now();
      const count = before !== undefined && at - before.at < FORGOTTEN ? before.count + 1 : 1;
      losses.set(name, { count, at, uid });
    }
  }

  /** By what a process is called: when it may be started again. */
  notBefore(cluster: string): Map<string, number> {
    const losses = [...(this.byCluster.get(cluster) ?? [])];
    return new Map(losses.map(([name, { at, count }]) => [name, at + processDelay(count)]));
  }

  forget(cluster: string): void {
    this.byCluster.delete(cluster);
  }
}

/** What a process is called among those of its cluster. */
const placeOf = (role: ClusterProcess['role'], index: number): string =>
  role === 'JobManager' ? role : `${role}/${index}`;
