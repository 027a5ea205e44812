// FlowJobs, FlowSavepoints and FlowClusters as this process knows them: informers, which every replica keeps, whether it leads or not. Reads alone; kubernetes-store.ts writes.
import type { Kind } from '../../api/group.ts';
import { withoutManagedFields } from '../../kube/cache/informer.ts';
import { Informers } from '../../kube/cache/informers.ts';
import type { Metrics } from '../../kube/metrics.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Clock, Random } from '../../kube/time.ts';
import type { Objects } from '../port.ts';
import { RESOURCES } from './resources.ts';

export interface CacheOptions {
  client: Client;
  /** Empty: all namespaces. */
  namespaces: readonly string[];
  clock: Clock;
  random: Random;
  onTrouble: (error: unknown) => void;
  metrics?: Metrics | undefined;
}

export class JobCaches {
  private readonly kinds: { readonly [K in Kind]: Informers<Objects[K]> };

  constructor(options: CacheOptions) {
    const informers = <K extends Kind>(kind: K): Informers<Objects[K]> =>
      new Informers<Objects[K]>({ ...options, resource: RESOURCES[kind], trim: withoutManagedFields });
    this.kinds = {
      FlowJob: informers('FlowJob'),
      FlowSavepoint: informers('FlowSavepoint'),
      FlowCluster: informers('FlowCluster'),
    };
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.all.map((informers) => informers.run(signal)));
  }

  /** All that there is is known. */
  get hasSynced(): boolean {
    return this.all.every((informers) => informers.hasSynced);
  }

  /** Resolves when everything is here that was written before the call. */
  async refresh(): Promise<void> {
    await Promise.all(this.all.map((informers) => informers.refresh()));
  }

  of<K extends Kind>(kind: K): Informers<Objects[K]> {
    return this.kinds[kind];
  }

  private get all(): (typeof this.kinds)[Kind][] {
    return Object.values(this.kinds);
  }
}
