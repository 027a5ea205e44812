// How the operator makes what belongs to a job or a cluster: each write can be repeated.
import { isAlreadyExists } from '../../kube/errors.ts';
import type { KubeObject, Manifest, OwnerReference, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { applyChild, createOrAdopt } from '../../kube/writes.ts';
import { FIELD_MANAGER } from './child-kinds.ts';
import type { ChildManifest } from './children.ts';
import type { PodManifest } from './templated-pod.ts';
import { PODS, type Pod } from './pod-view.ts';
import { CLAIMS } from './state-volumes.ts';

export class ChildWrites {
  private readonly client: Client;
  private readonly record: (pod: Pod) => void;

  /** `record`: takes a pod that was made, which the cache of pods has not seen yet. */
  constructor(client: Client, record: (pod: Pod) => void) {
    this.client = client;
    this.record = record;
  }

  /** For what all attempts of an owner share: each finds it as this operator makes it, whatever an older one made or somebody changed. */
  async apply(owner: OwnerReference, resource: Resource, manifest: ChildManifest): Promise<void> {
    await applyChild(this.client, resource, manifest as unknown as Manifest, { owner, fieldManager: FIELD_MANAGER });
  }

  /** For what cannot be changed. */
  async create<T extends KubeObject>(
    owner: OwnerReference,
    resource: Resource<T>,
    manifest: ChildManifest | PodManifest,
  ): Promise<T> {
    return createOrAdopt(this.client, resource, manifest as unknown as Manifest<T>, {
      owner,
      fieldManager: FIELD_MANAGER,
    });
  }

  async createPod(owner: OwnerReference, manifest: PodManifest): Promise<void> {
    this.record(await this.create<Pod>(owner, PODS, manifest));
  }

  /** It has no owner: state outlives its job. */
  async ensureClaim(manifest: ChildManifest): Promise<void> {
    try {
      await this.client.create(CLAIMS, manifest as unknown as Manifest, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}
