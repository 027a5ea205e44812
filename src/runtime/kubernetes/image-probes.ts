// Finds out with a pod whether the images of a new version can be had, before the running one is stopped for it. The pod's name is made of what it asks, so that
// the repeated call is the same call; it goes when it has answered, or when nobody asks any more. What nobody can tell counts as good.
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import type { Manifest, OwnerReference } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Clock } from '../../kube/time.ts';
import { createOrAdopt, ensureGone } from '../../kube/writes.ts';
import type { NewImages } from '../../lifecycle/observation.ts';
import { IMAGE_ROLE } from './image-probe.ts';
import { LABEL } from './names.ts';
import { imageTroubleOf, PODS, type Pod } from './pod-view.ts';
import type { PodManifest } from './templated-pod.ts';
import { refusalOf } from './refusals.ts';

export interface ImageProbesOptions {
  client: Client;
  pods: Cache<Pod>;
  clock: Clock;
}

/** Milliseconds without an answer after which none is waited for. */
const PATIENCE = 120_000;
/** A pod whose image cannot be had is made anew after so long, milliseconds: the kubelet tries one and the same pod more and more rarely. */
const RENEWED = 60_000;
/** Milliseconds before a pod that has gone is made again. */
const MADE_AGAIN = 2_000;

/** What is known of one pod's images. Times are monotonic. */
interface Asked {
  since: number;
  madeAt: number;
  /** They can be had, or nobody can tell. */
  good: boolean;
  /** Of the first refusal: what the kubelet says later is that it waits. */
  trouble: string | null;
}

/** Where images are looked for, and for whom. */
interface Place {
  node: string | undefined;
  owner: OwnerReference;
}

export class ImageProbes {
  private readonly options: ImageProbesOptions;
  /** By job, then by the pod's name. */
  private readonly asked = new Map<string, Map<string, Asked>>();

  constructor(options: ImageProbesOptions) {
    this.options = options;
  }

  /**
   * `wanted`: the pods that ask, all that there are to be, without their node. Null: all images can be had, or nobody can tell. With no `node` nobody is asked,
   * and what is known holds.
   */
  async look(key: ObjectKey, wanted: readonly PodManifest[], place: Place): Promise<NewImages | null> {
    const before = this.asked.get(idOf(key));
    const now = this.options.clock.monotonic();
    const asked = new Map(
      wanted.map(({ metadata: { name } }) => [
        name,
        before?.get(name) ?? { since: now, madeAt: -Infinity, good: false, trouble: null },
      ]),
    );
    if (asked.size === 0) this.asked.delete(idOf(key));
    else this.asked.set(idOf(key), asked);
    for (const manifest of wanted) await this.ask(manifest, asked.get(manifest.metadata.name)!, place);
    await this.clearAway(key, (name) => asked.get(name)?.good === false);
    const open = [...asked.values()].filter(({ good }) => !good);
    const trouble = open.find((one) => one.trouble !== null)?.trouble ?? null;
    return trouble === null && (open.length === 0 || place.node === undefined) ? null : { trouble };
  }

  /** Nobody asks any more. */
  async end(key: ObjectKey): Promise<void> {
    this.asked.delete(idOf(key));
    await this.clearAway(key, () => false);
  }

  private async ask(manifest: PodManifest, asked: Asked, place: Place): Promise<void> {
    if (asked.good) return;
    const { clock, pods } = this.options;
    const now = clock.monotonic();
    const pod = pods.get(manifest.metadata);
    const trouble = pod === undefined ? undefined : imageTroubleOf(pod);
    if (trouble === null || (trouble === undefined && asked.trouble === null && now - asked.since >= PATIENCE)) {
      asked.good = true;
      return;
    }
    asked.trouble ??= trouble ?? null;
    if (pod === undefined) {
      if (now - asked.madeAt >= MADE_AGAIN) await this.make(manifest, asked, place);
    } else if (trouble !== undefined && now - asked.madeAt >= RENEWED) await this.remove(pod);
  }

  private async make(manifest: PodManifest, asked: Asked, { node, owner }: Place): Promise<void> {
    if (node === undefined) return;
    const { client, clock, pods } = this.options;
    asked.madeAt = clock.monotonic();
    const placed = { ...manifest, spec: { ...manifest.spec, nodeName: node } };
    try {
      pods.record(await createOrAdopt(client, PODS, placed as unknown as Manifest<Pod>, { owner }));
    } catch (error) {
      if (refusalOf(error) === null) throw error;
      asked.good = true;
    }
  }

  private async clearAway(key: ObjectKey, stays: (name: string) => boolean): Promise<void> {
    for (const pod of this.options.pods.by('job', idOf(key)))
      if (pod.metadata.labels?.[LABEL.role] === IMAGE_ROLE && !stays(pod.metadata.name)) await this.remove(pod);
  }

  private async remove({ metadata }: Pod): Promise<void> {
    await ensureGone(this.options.client, PODS, metadata, { uid: metadata.uid, gracePeriodSeconds: 0 });
  }
}
