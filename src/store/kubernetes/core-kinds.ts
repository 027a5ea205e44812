// Kubernetes' own kinds as the kernel's client names them, as far as more than one place speaks to them.
import type { KubeObject, Resource } from '../../kube/object.ts';

/** A kind of the core group. */
export const core = <T extends KubeObject>(plural: string, kind: string): Resource<T> => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

/** As far as it is read. A Secret's values are in base64. */
export interface DataObject extends KubeObject {
  data?: Record<string, string>;
}

export const CONFIG_MAPS = core<DataObject>('configmaps', 'ConfigMap');
export const SECRETS = core<DataObject>('secrets', 'Secret');
