// What the autoscaler has learned: a ConfigMap of each job, owned by the FlowJob and gone with it. It may change, so it is applied (docs/adr/0018).
import type { LearnedOwner, LearnedStore } from '../../controller/autoscaling/learned.ts';
import type { Client } from '../../kube/rest/client.ts';
import { applyChild, controllerOf } from '../../kube/writes.ts';
import { jobLabels, learnedName } from '../../runtime/kubernetes/names.ts';
import { ownerOf } from '../../runtime/kubernetes/pods.ts';
import { CONFIG_MAPS } from './core-kinds.ts';
import { FIELD_MANAGER } from './kubernetes-store.ts';

const KEY = 'learned.json';

export class KubernetesLearned implements LearnedStore {
  private readonly client: Client;

  /** `client`: of the leader, fenced; one that only reads for the command line. */
  constructor(client: Client) {
    this.client = client;
  }

  async read({ key, uid }: LearnedOwner): Promise<string | null> {
    const found = await this.client.find(CONFIG_MAPS, refOf(key));
    // One of a job that had the name before says nothing of this one, and is about to go.
    if (found === null || controllerOf(found)?.uid !== uid) return null;
    // Without the key it was edited: damaged, not absent.
    return found.data?.[KEY] ?? '';
  }

  async write(owner: LearnedOwner, text: string): Promise<void> {
    const { key } = owner;
    const manifest = { metadata: { ...refOf(key), labels: jobLabels(key.name) }, data: { [KEY]: text } };
    await applyChild(this.client, CONFIG_MAPS, manifest, { owner: ownerOf(owner), fieldManager: FIELD_MANAGER });
  }
}

const refOf = ({ namespace, name }: LearnedOwner['key']): { namespace: string; name: string } => ({
  namespace,
  name: learnedName(name),
});
