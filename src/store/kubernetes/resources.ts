// FlowJob's kinds as the kernel's client names them.
import { GROUP, KINDS, VERSION, type Kind } from '../../api/group.ts';
import type { Resource } from '../../kube/object.ts';
import type { Objects } from '../port.ts';

export const RESOURCES: { readonly [K in Kind]: Resource<Objects[K]> } = {
  FlowJob: { group: GROUP, version: VERSION, plural: KINDS.FlowJob.plural, kind: 'FlowJob', namespaced: true },
  FlowSavepoint: {
    group: GROUP,
    version: VERSION,
    plural: KINDS.FlowSavepoint.plural,
    kind: 'FlowSavepoint',
    namespaced: true,
  },
};
