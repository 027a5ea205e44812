// How long upgrades take: from the state Upgrading until the new version runs, as the changes of the FlowJobs tell. An operator that was started meanwhile does
// not know when the upgrade began, and says nothing of that one.
import type { FlowJob } from '../api/flowjob.ts';
import type { Change } from '../kube/cache/store.ts';

export class UpgradeTimer {
  /** Milliseconds, monotonic. */
  private readonly now: () => number;
  /** By uid. */
  private readonly begun = new Map<string, number>();
  private readonly took = new Map<string, number>();

  constructor(now: () => number) {
    this.now = now;
  }

  see(change: Change<FlowJob>): void {
    const { uid } = change.object.metadata;
    if (change.type === 'Deleted') {
      this.begun.delete(uid);
      this.took.delete(uid);
      return;
    }
    if (change.type === 'Added') return;
    const [before, state] = [change.before.status?.state, change.object.status?.state];
    if (state === before) return;
    switch (state) {
      case 'Upgrading':
        this.begun.set(uid, this.now());
        return;
      // Its own processes are lost or being started: the upgrade is still under way.
      case 'Starting':
      case 'Recovering':
        return;
      case 'Running': {
        const since = this.begun.get(uid);
        // Back from Upgrading itself: the old version goes on.
        if (since !== undefined && before !== 'Upgrading') this.took.set(uid, (this.now() - since) / 1000);
        this.begun.delete(uid);
        return;
      }
      default:
        this.begun.delete(uid);
    }
  }

  /** Seconds of the last one; null when none was seen. */
  of(uid: string): number | null {
    return this.took.get(uid) ?? null;
  }
}
