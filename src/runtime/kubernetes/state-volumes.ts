// Looks at the volumes of a job through storage pods: what state is there, and whether the savepoint is there that the job is to start from.
import type { StorageView } from '../../../engine/checkpoint/storage-view.ts';
import type { StorageCommand } from '../../../engine/storage-command.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { SavepointPlace, StatePlace, StorageQuestion } from '../port.ts';
import {
  claimMount,
  claimOf,
  isBelow,
  pathInPod,
  RESTORE,
  rootOf,
  STATE,
  templateMounts,
  together,
  type Mounts,
} from './state-mounts.ts';
import { isNamespaceGoing } from './refusals.ts';
import type { Volume } from './storage-pod.ts';
import type { StoragePods } from './storage-pods.ts';

interface Claim extends KubeObject {
  spec?: { volumeName?: string; selector?: object };
  status?: { phase?: string };
}

export const CLAIMS: Resource<Claim> = {
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};

/** What is known of storage that nobody has looked at. */
export const NOTHING = {
  newest: null,
  unreadable: { checkpoints: null, savepoint: null },
  pendingSavepoint: null,
  result: null,
  found: null,
  savepoint: null,
} satisfies Omit<StorageView, 'epoch'>;

export class StateVolumes {
  private readonly client: Client;
  private readonly storagePods: StoragePods;

  constructor(client: Client, storagePods: StoragePods) {
    this.client = client;
    this.storagePods = storagePods;
  }

  async dispose(place: StatePlace, savepoint: SavepointPlace, version: string): Promise<void> {
    const { path, claimName = claimOf(place) ?? undefined } = savepoint;
    const { key } = place;
    const root = rootOf(place);
    if (claimName !== undefined && !(await this.claimExists(key, claimName))) return;
    const mounts =
      claimName === undefined ? templateMounts(place.podTemplate, [root, path]) : claimMount('state', claimName, STATE);
    const volume = { key, root, ...mounts, template: place.podTemplate };
    if (mounts.volumes.length > 0) await this.onVolume(volume, { kind: 'dispose', path }, version);
  }

  async removeState(place: StatePlace, version: string): Promise<void> {
    const volume = await this.volume(place);
    if (volume !== null) await this.onVolume(volume, { kind: 'removeState' }, version);
  }

  /** What the job's volume holds, and whether the savepoint that it is to start from is there. */
  async look(question: StorageQuestion, version: string): Promise<StorageView> {
    const { jobId, lastSavepoint, stopTriggerId, findState, savepoint } = question;
    const own = await this.volume(question);
    const source = savepoint === undefined ? null : await this.sourceOf(question, savepoint, own);
    const nothing = { epoch: 0, ...NOTHING };
    if (source !== null && 'problem' in source) {
      const view =
        own === null ? nothing : await this.ask(own, { jobId, lastSavepoint, stopTriggerId, findState }, version);
      return { ...view, savepoint: { kind: 'NotFound', message: source.problem } };
    }
    if (own === null && source === null) return nothing;
    const volume: Volume = {
      key: question.key,
      root: rootOf(question),
      template: question.podTemplate,
      ...together(own ?? NO_MOUNTS, source ?? NO_MOUNTS),
    };
    const command = {
      jobId,
      lastSavepoint,
      stopTriggerId,
      findState,
      savepoint: savepoint && pathInPod(savepointOf(question)!),
    };
    try {
      return await this.ask(volume, command, version);
    } catch (error) {
      if (source === null || source.volumes.length === 0) throw error;
      const message = `${(error as Error).message} -> a ReadWriteOnce volume is mounted by one node alone: stop the job that has it, or move the savepoint to the volume of this job`;
      return { ...nothing, savepoint: { kind: 'NotFound', message } };
    }
  }

  private async ask(volume: Volume, command: EngineQuestion, version: string): Promise<StorageView> {
    const answer = await this.onVolume(volume, { kind: 'view', ...command }, version);
    return answer === null ? { epoch: 0, ...NOTHING } : (JSON.parse(answer) as StorageView);
  }

  /** Null in a namespace that goes, and its volumes with it. */
  private async onVolume(volume: Volume, command: StorageCommand, version: string): Promise<string | null> {
    try {
      return await this.storagePods.run(volume, command, version);
    } catch (error) {
      if (isNamespaceGoing(error)) return null;
      throw error;
    }
  }

  /** What has to be mounted besides to see the savepoint; or why it cannot be seen. */
  private async sourceOf(
    place: StorageQuestion,
    savepoint: SavepointPlace,
    own: Volume | null,
  ): Promise<Mounts | { problem: string }> {
    const { path, claimName } = savepointOf(place) ?? savepoint;
    if (claimName !== undefined) {
      if (!(await this.claimExists(place.key, claimName)))
        return {
          problem: `the PersistentVolumeClaim ${claimName}, which held it, is gone. Bring it back, or name another savepoint`,
        };
      return claimMount('restore', claimName, RESTORE, true);
    }
    const plain = pathInPod({ path });
    const claim = claimOf(place);
    if (claim !== null && isBelow(plain, STATE))
      return own === null
        ? { problem: `the PersistentVolumeClaim ${claim}, on which ${plain} would be, does not exist` }
        : NO_MOUNTS;
    const mounts = templateMounts(place.podTemplate, [plain]);
    if (mounts.volumes.length > 0 || own?.volumeMounts.some(({ mountPath }) => isBelow(plain, mountPath)) === true)
      return own === null ? mounts : without(mounts, own);
    return {
      problem: `${plain} is on no volume of the pods: mount one with jobManager.podTemplate and taskManager.podTemplate, or write a path below ${STATE}`,
    };
  }

  private async claimExists({ namespace }: ObjectKey, name: string): Promise<boolean> {
    return (await this.client.find(CLAIMS, { namespace, name })) !== null;
  }

  /** Null when there is no volume. */
  private async volume(place: StatePlace): Promise<Volume | null> {
    const { key } = place;
    const common = { key, root: rootOf(place), template: place.podTemplate };
    const claim = claimOf(place);
    if (claim !== null) {
      const found = await this.client.find(CLAIMS, { namespace: key.namespace, name: claim });
      return found === null || isUnbound(found) ? null : { ...common, ...claimMount('state', claim, STATE) };
    }
    const mounts = templateMounts(place.podTemplate, [common.root]);
    return mounts.volumes.length === 0 ? null : { ...common, ...mounts };
  }
}

/** No volume has been found for it yet, and none is named: there is nothing to look at, and a pod that mounts it would wait for ever. */
const isUnbound = ({ spec, status }: Claim): boolean =>
  status?.phase === 'Pending' && spec?.volumeName === undefined && spec?.selector === undefined;

type EngineQuestion = Omit<Extract<StorageCommand, { kind: 'view' }>, 'kind'>;

const NO_MOUNTS: Mounts = { volumes: [], volumeMounts: [] };

/** The savepoint that is asked for; without its claim where that is the job's own. */
function savepointOf(question: StorageQuestion): SavepointPlace | undefined {
  const { savepoint } = question;
  if (savepoint === undefined || savepoint.claimName !== claimOf(question)) return savepoint;
  return { path: savepoint.path };
}

/** A volume is mounted once. */
function without(mounts: Mounts, other: Mounts): Mounts {
  const has = new Set(other.volumeMounts.map(({ mountPath }) => mountPath));
  const volumeMounts = mounts.volumeMounts.filter(({ mountPath }) => !has.has(mountPath));
  return { volumes: volumeMounts.length === 0 ? [] : mounts.volumes, volumeMounts };
}
