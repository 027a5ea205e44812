// Who is placed first on a volume that is not bound yet. Pods that are made at once all try to bind it: the scheduler refuses all but the first, and tries them again
// only after a second. So the JobManager goes first; once it has its node the volume is bound, and the TaskManagers find their place at once.
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { AttemptPlan } from '../port.ts';
import type { Pod } from './pod-view.ts';
import { claimOf } from './state-mounts.ts';
import { CLAIMS } from './state-volumes.ts';

/** The scheduler has found a place for it. */
export function isPlaced({ spec, status }: Pod): boolean {
  return spec?.nodeName !== undefined || (status?.phase !== undefined && status.phase !== 'Pending');
}

export class FirstPlace {
  private readonly client: Client;
  /** By job: whether the claim was bound when the attempt's pods were to be made. Asked once, for that is asked again until the JobManager has its node. */
  private readonly looked = new Map<string, { epoch: number; bound: boolean }>();

  constructor(client: Client) {
    this.client = client;
  }

  /** Whether the attempt's TaskManagers are not to be made yet. `jobManager`: its pod, undefined when it has none yet. Its claim has been made. */
  async isJobManagers({ key, attempt, spec }: AttemptPlan, jobManager: Pod | undefined): Promise<boolean> {
    const name = claimOf({ key, storage: spec.state.storage });
    if (name === null || (jobManager !== undefined && isPlaced(jobManager))) return false;
    const known = this.looked.get(idOf(key));
    if (known?.epoch === attempt.epoch) return !known.bound;
    const claim = await this.client.find(CLAIMS, { namespace: key.namespace, name });
    const bound = claim?.status?.phase === 'Bound';
    this.looked.set(idOf(key), { epoch: attempt.epoch, bound });
    return !bound;
  }

  forget(key: ObjectKey): void {
    this.looked.delete(idOf(key));
  }
}
