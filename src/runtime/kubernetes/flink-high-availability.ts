// Makes ready what the high availability of a job on Apache Flink needs before the first pod of an attempt, and clears away what its earlier runs have left of it.
import type { Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { controllerOf, ensureGone } from '../../kube/writes.ts';
import { METADATA_SELECTOR } from '../../engine-client/flink/high-availability.ts';
import type { AttemptPlan } from '../port.ts';
import { FIELD_MANAGER } from './child-kinds.ts';
import type { ChildWrites } from './child-writes.ts';
import type { ChildManifest } from './children.ts';
import { agrees, metadataMaps, neededNames, rightsOf } from './flink-metadata.ts';
import { LABEL } from './names.ts';
import { CONFIG_MAPS, core, type DataObject } from '../../store/kubernetes/core-kinds.ts';
import { ownerOf } from './pods.ts';

const ACCOUNTS = core('serviceaccounts', 'ServiceAccount');
const rbac = (plural: string, kind: string): Resource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});
const ROLES = rbac('roles', 'Role');
const ROLE_BINDINGS = rbac('rolebindings', 'RoleBinding');

export class FlinkHighAvailability {
  private readonly client: Client;
  private readonly writes: ChildWrites;

  constructor(client: Client, writes: ChildWrites) {
    this.client = client;
    this.writes = writes;
  }

  /**
   * To be called when every JobManager of the run before this attempt is proven gone, or its job over. The lease is taken from whoever had it: a JobManager that
   * lives on against all proof loses it the next time that it asks, and stops. The plan goes that was submitted before, as this attempt may be of another size.
   */
  async prepare(plan: AttemptPlan): Promise<void> {
    const { leader, checkpoints } = metadataMaps(plan);
    await Promise.all([
      this.giveRights(plan),
      this.made(plan, leader, () => false),
      this.made(plan, checkpoints, (data) => agrees(data, plan)),
    ]);
  }

  /** To the ConfigMaps that the attempt needs, and to no others that the job had a right to. */
  async giveRights(plan: AttemptPlan): Promise<void> {
    const { account, role, binding } = rightsOf(plan);
    const owner = ownerOf(plan);
    await Promise.all([
      ...(account === null ? [] : [this.writes.apply(owner, ACCOUNTS, account)]),
      // A binding is admitted once its Role is there, as whoever binds has to have what that gives.
      this.writes.apply(owner, ROLES, role).then(() => this.writes.apply(owner, ROLE_BINDINGS, binding)),
    ]);
  }

  /** Those of runs that nobody goes on with, of which no process may be left. What is called alike and is not the job's stays. */
  async clearEarlier(plan: AttemptPlan): Promise<void> {
    const kept = neededNames(plan);
    const { items } = await this.client.list(CONFIG_MAPS, {
      namespace: plan.key.namespace,
      labelSelector: `${LABEL.job}=${plan.key.name},${METADATA_SELECTOR}`,
    });
    for (const map of items) {
      const { name, uid } = map.metadata;
      if (kept.includes(name) || controllerOf(map)?.uid !== plan.uid) continue;
      await ensureGone(this.client, CONFIG_MAPS, map.metadata, { uid });
    }
  }

  /** Empty and vacant, whatever it has held before; `stays`: what it holds is to stay. */
  private async made(
    plan: AttemptPlan,
    manifest: ChildManifest,
    stays: (data: DataObject['data']) => boolean,
  ): Promise<void> {
    const found = await this.writes.create<DataObject>(ownerOf(plan), CONFIG_MAPS, manifest);
    const { annotations = {} } = manifest.metadata;
    const isVacant = Object.entries(annotations).every(([key, value]) => found.metadata.annotations?.[key] === value);
    if (isVacant && (found.data === undefined || stays(found.data))) return;
    await this.client.patch(
      CONFIG_MAPS,
      found.metadata,
      { merge: { data: null, metadata: { annotations } } },
      { fieldManager: FIELD_MANAGER },
    );
  }
}
