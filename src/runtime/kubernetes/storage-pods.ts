// Looks at a job's volume, or removes something on it, with a pod: the operator mounts no job's volume itself. The pod's name is made of what it is to do and
// of what could have changed the answer, so that the repeated call is the same call: one that gave up waiting leaves the pod, and the next finds its answer. It
// goes when it has answered.
import { createHash } from 'node:crypto';
import type { StorageCommand } from '../../../engine/storage-command.ts';
import { idOf, type ObjectKey } from '../../api/object.ts';
import { ensureGone } from '../../kube/writes.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import { sleep, type Clock } from '../../kube/time.ts';
import { LABEL } from './names.ts';
import { endOf, PODS, troubleOf, type Pod } from './pod-view.ts';
import { isNamespaceGoing, refusalOf } from './refusals.ts';
import { storagePod, STORAGE_ROLE, type Volume } from './storage-pod.ts';

export interface StoragePodsOptions {
  client: Client;
  pods: Cache<Pod>;
  image: string;
  clock: Clock;
  /** Aborts when nobody waits for answers any more. */
  ending?: AbortSignal | undefined;
}

/** Milliseconds: an image has to be pulled, a volume attached. */
const PATIENCE = 30_000;
/** For what keeps a pod from starting and may pass by itself. */
const TROUBLE_PATIENCE = 3_000;
const LOOK = 50;

/** A question that has no answer yet. */
interface Asking {
  /** No other question has it: what is left of pods that answered before is not taken for the answer. */
  turn: number;
  /** Since when something keeps the pod from starting, monotonic; null when nothing does. */
  troubledSince: number | null;
}

export class StoragePods {
  private readonly options: StoragePodsOptions;
  /** By job. */
  private readonly asking = new Map<string, Asking>();
  private turns = 0;

  constructor(options: StoragePodsOptions) {
    this.options = options;
  }

  /** `version` names the state of the world: another one asks anew. Throws what keeps the pod from answering; the same call goes on waiting for it. */
  async run(volume: Volume, command: StorageCommand, version: string): Promise<string> {
    const { pods, clock, ending } = this.options;
    const { key } = volume;
    const asking = this.asking.get(idOf(key)) ?? { turn: this.turns++, troubledSince: null };
    this.asking.set(idOf(key), asking);
    const digest = createHash('sha256')
      .update(JSON.stringify([command, version, asking.turn]))
      .digest('hex')
      .slice(0, 10);
    const ref = { namespace: key.namespace, name: `${key.name}-storage-${digest}` };
    const failed = (why: string): Error => new Error(`${ref.name}, which looks at the job's volume, ${why}`);
    if (pods.get(ref) === undefined) await this.create(volume, ref.name, command);
    const deadline = clock.monotonic() + PATIENCE;
    let seen = false;
    for (;;) {
      const pod = pods.get(ref);
      if (seen && pod === undefined) throw failed('went before it had answered: it was deleted, or evicted');
      seen = pod !== undefined;
      const answered = pod?.status?.containerStatuses?.find(({ name }) => name === STORAGE_ROLE)?.state?.terminated;
      if (answered?.exitCode === 0) {
        await this.forget(key);
        return answered.message ?? '{}';
      }
      const end = pod === undefined ? null : endOf(pod);
      if (answered !== undefined || end !== null) {
        await this.forget(key);
        throw failed(`failed: ${answered?.message ?? answered?.reason ?? end}`);
      }
      if (pod !== undefined) this.complain(asking, pod, failed);
      if (clock.monotonic() > deadline)
        throw failed(`has not answered in ${PATIENCE / 1000} s: it is ${pod?.status?.phase ?? 'not seen yet'}`);
      await sleep(clock, LOOK, ending);
    }
  }

  /** Removes those of a job: they have answered, or nobody waits for what they say. */
  async forget(key: ObjectKey): Promise<void> {
    const { client, pods } = this.options;
    this.asking.delete(idOf(key));
    for (const { metadata } of pods.by('job', idOf(key)))
      if (metadata.labels?.[LABEL.role] === STORAGE_ROLE)
        await ensureGone(client, PODS, metadata, { uid: metadata.uid, gracePeriodSeconds: 0 });
  }

  /** Throws once something has kept the pod from starting for a while. */
  private complain(asking: Asking, pod: Pod, failed: (why: string) => Error): void {
    const now = this.options.clock.monotonic();
    const trouble = troubleOf(pod);
    if (trouble === null) asking.troubledSince = null;
    else {
      asking.troubledSince ??= now;
      if (now - asking.troubledSince >= TROUBLE_PATIENCE) throw failed(`has not answered yet: ${trouble}`);
    }
  }

  private async create(volume: Volume, name: string, command: StorageCommand): Promise<void> {
    const { client, image, pods } = this.options;
    const manifest = storagePod(volume, { name, image, command });
    try {
      pods.record(await client.create(PODS, manifest));
    } catch (error) {
      if (isAlreadyExists(error)) return;
      const refusal = isNamespaceGoing(error) ? null : refusalOf(error);
      if (refusal === null) throw error;
      throw new Error(`the job's volume cannot be looked at: ${refusal}`, { cause: error });
    }
  }
}
