// FlowJob's kinds as the kernel's client names them.
import { GROUP, KINDS, VERSION, type Kind } from '../../api/group.ts';
import type { Resource } from '../../kube/object.ts';
import type { Objects } from '../port.ts';

const resource = <K extends Kind>(kind: K): Resource<Objects[K]> => ({
  group: GROUP,
  version: VERSION,
  plural: KINDS[kind].plural,
  kind,
  namespaced: true,
});

export const RESOURCES: { readonly [K in Kind]: Resource<Objects[K]> } = {
  FlowJob: resource('FlowJob'),
  FlowSavepoint: resource('FlowSavepoint'),
  FlowCluster: resource('FlowCluster'),
};
