// Accepted versions as ControllerRevisions, as Kubernetes' own controllers keep theirs: owned by the FlowJob, gone with it.
import type { RevisionOwner, RevisionStore } from '../../controller/revisions.ts';
import type { KeptRevision } from '../../lifecycle/revisions.ts';
import type { KubeObject, Manifest, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { controllerOf, createOrAdopt, ensureGone, modify } from '../../kube/writes.ts';
import { jobLabels, LABEL } from '../../runtime/kubernetes/names.ts';
import { ownerOf } from '../../runtime/kubernetes/pods.ts';
import { FIELD_MANAGER } from './kubernetes-store.ts';

interface ControllerRevision extends KubeObject {
  revision: number;
  data?: unknown;
}

export const CONTROLLER_REVISIONS: Resource<ControllerRevision> = {
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
};

export class KubernetesRevisions implements RevisionStore {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  async list({ key, uid }: RevisionOwner): Promise<KeptRevision[]> {
    const selection = { namespace: key.namespace, labelSelector: `${LABEL.job}=${key.name}` };
    const { items } = await this.client.list(CONTROLLER_REVISIONS, selection);
    return items
      .filter((item) => controllerOf(item)?.uid === uid)
      .map(({ metadata, revision }) => ({ name: metadata.name, revision }));
  }

  async put(owner: RevisionOwner, { name, revision, spec }: Parameters<RevisionStore['put']>[1]): Promise<void> {
    const { key } = owner;
    const manifest: Manifest<ControllerRevision> = {
      metadata: { name, namespace: key.namespace, labels: jobLabels(key.name) },
      revision,
      data: { spec },
    };
    const stored = await createOrAdopt(this.client, CONTROLLER_REVISIONS, manifest, {
      owner: ownerOf(owner),
      fieldManager: FIELD_MANAGER,
    });
    // Data cannot change, and need not: the name is made of it.
    await modify(
      this.client,
      CONTROLLER_REVISIONS,
      stored,
      (current) => (current.revision === revision ? null : { ...current, revision }),
      { fieldManager: FIELD_MANAGER },
    );
  }

  remove({ key }: RevisionOwner, name: string): Promise<void> {
    return ensureGone(this.client, CONTROLLER_REVISIONS, { namespace: key.namespace, name });
  }
}
