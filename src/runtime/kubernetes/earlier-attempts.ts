// Removes the ConfigMap and the Secret of attempts that are over or were given up: each attempt makes two, and a job that is restarted for months would leave
// hundreds. Nobody waits for it, and nothing that runs depends on it: what goes wrong is told, and the next attempt tries again.
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { controllerOf, ensureGone } from '../../kube/writes.ts';
import { CONFIG_MAPS, SECRETS } from '../../store/kubernetes/core-kinds.ts';
import type { AttemptPlan } from '../port.ts';
import { attemptName, epochNamed, LABEL } from './names.ts';

const NAMES: Resource = { ...CONFIG_MAPS, metadataOnly: true };

export interface EarlierAttemptsOptions {
  client: Client;
  onTrouble: (error: unknown) => void;
}

export class EarlierAttempts {
  private readonly options: EarlierAttemptsOptions;
  /** By job: the attempt for which it was done last. */
  private readonly cleared = new Map<string, number>();

  constructor(options: EarlierAttemptsOptions) {
    this.options = options;
  }

  /** Those below `oldest`, once for each attempt of the job: that of `plan` is the one in status, and no pod of those below may be left. False: it was done before. */
  clear(plan: AttemptPlan, oldest: number): boolean {
    const { key, attempt } = plan;
    if (this.cleared.get(idOf(key)) === attempt.epoch) return false;
    this.cleared.set(idOf(key), attempt.epoch);
    this.remove(plan, Math.min(oldest, attempt.epoch)).catch(this.options.onTrouble);
    return true;
  }

  forget(key: ObjectKey): void {
    this.cleared.delete(idOf(key));
  }

  /** The operator may not list Secrets: each is found by its ConfigMap, which goes last. */
  private async remove({ key, uid }: AttemptPlan, oldest: number): Promise<void> {
    const { client } = this.options;
    const { namespace, name: job } = key;
    const { items } = await client.list(NAMES, { namespace, labelSelector: `${LABEL.job}=${job}` });
    for (const map of items) {
      const epoch = epochNamed(job, map.metadata.name);
      // What is called alike and is not the job's stays.
      if (epoch === null || epoch >= oldest || controllerOf(map)?.uid !== uid) continue;
      const secret = await client.find(SECRETS, { namespace, name: attemptName(job, epoch) });
      if (secret !== null && controllerOf(secret)?.uid === uid)
        await ensureGone(client, SECRETS, secret.metadata, { uid: secret.metadata.uid });
      await ensureGone(client, CONFIG_MAPS, map.metadata, { uid: map.metadata.uid });
    }
  }
}
