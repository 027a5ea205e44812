// coordination.k8s.io Lease: who leads, as all candidates see it.
import { apiVersionOf, type KubeObject, type Resource } from '../object.ts';
import { microTime } from '../time.ts';

export interface LeaseSpec {
  /** Empty or absent: nobody leads. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  /** How often the lease went from one holder to another. */
  leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export const LEASES: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** The spec with which `identity` takes or keeps a lease. Times are for people: nobody judges by another machine's clock. */
export function heldBy(identity: string, before: LeaseSpec | undefined, now: number, durationMs: number): LeaseSpec {
  const ours = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: ours && before.acquireTime !== undefined ? before.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (before?.leaseTransitions ?? 0) + (ours || before === undefined ? 0 : 1),
  };
}

/** The spec of a lease that its holder gave up: whoever comes next takes it at once. */
export function released(before: LeaseSpec, now: number): LeaseSpec {
  return { ...before, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(now) };
}

/** A lease as it is created. */
export function newLease(
  ref: { namespace: string; name: string },
  spec: LeaseSpec,
): Omit<Lease, 'metadata'> & {
  metadata: { namespace: string; name: string };
} {
  return { apiVersion: apiVersionOf(LEASES), kind: LEASES.kind, metadata: ref, spec };
}
