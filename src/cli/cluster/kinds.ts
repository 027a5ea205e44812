// How the cluster names a kind that stands in a manifest: asked of its discovery, once per group and version.
import { ApiError } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';

export interface KnownKind extends Resource<KubeObject> {
  readonly singular: string;
}

interface ResourceList {
  resources: { name: string; singularName?: string; kind: string; namespaced: boolean }[];
}

export class Kinds {
  private readonly client: Client;
  private readonly lists = new Map<string, Promise<ResourceList | null>>();

  constructor(client: Client) {
    this.client = client;
  }

  /** Null when the cluster knows no such kind. */
  async find({ apiVersion, kind }: { apiVersion: string; kind: string }): Promise<KnownKind | null> {
    const slash = apiVersion.indexOf('/');
    const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    const list = await this.list(apiVersion, group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
    // Subresources have a slash.
    const found = list?.resources.find((one) => one.kind === kind && !one.name.includes('/'));
    if (found === undefined) return null;
    const { name, singularName = '', namespaced } = found;
    const singular = singularName === '' ? kind.toLowerCase() : singularName;
    return { group, version, plural: name, kind, namespaced, singular };
  }

  private list(apiVersion: string, path: string): Promise<ResourceList | null> {
    const known = this.lists.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.client.read<ResourceList>(path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    });
    this.lists.set(apiVersion, asked);
    return asked;
  }
}
