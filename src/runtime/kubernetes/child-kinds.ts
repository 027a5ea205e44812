// Kinds of objects beside pods, and as whom the operator writes them.
import type { Resource } from '../../kube/object.ts';
import { core } from '../../store/kubernetes/core-kinds.ts';

export const SERVICES = core('services', 'Service');
export const NETWORK_POLICIES: Resource = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
};

export const FIELD_MANAGER = 'flowjob-operator';
