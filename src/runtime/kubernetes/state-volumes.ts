// Looks at the volumes of a job, or at its folder on S3, through storage pods: what state is there, and whether the savepoint is there that the job is to start from.
import type { StorageView } from '../../../engine/checkpoint/storage-view.ts';
import { NOTHING_KNOWN } from '../../lifecycle/observation.ts';
import type { StorageCommand } from '../../../engine/storage-command.ts';
import { idOf, type ObjectKey } from '../../api/object.ts';
import { isS3, s3AccessOf, type S3Access } from '../../api/s3.ts';
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

export class StateVolumes {
  private readonly client: Client;
  private readonly storagePods: StoragePods;
  private readonly onTrouble: (error: Error) => void;
  /** By job: what could not be cleared away there, as it was told last. */
  private readonly uncleared = new Map<string, string>();

  constructor(client: Client, storagePods: StoragePods, onTrouble: (error: Error) => void) {
    this.client = client;
    this.storagePods = storagePods;
    this.onTrouble = onTrouble;
  }

  forget(key: ObjectKey): void {
    this.uncleared.delete(idOf(key));
  }

  async dispose(place: StatePlace, savepoint: SavepointPlace, version: string): Promise<void> {
    if (isS3(savepoint.path)) return this.disposeOnS3(place, savepoint, version);
    const { path, claimName = claimOf(place) ?? undefined } = savepoint;
    const { key, engine } = place;
    const root = rootOf(place);
    if (claimName !== undefined && !(await this.claimExists(key, claimName))) return;
    const mounts =
      claimName === undefined ? templateMounts(place.podTemplate, [root, path]) : claimMount('state', claimName, STATE);
    const volume = { key, engine, root, ...mounts, template: place.podTemplate };
    if (mounts.volumes.length > 0) await this.onVolume(volume, { kind: 'dispose', path }, version);
  }

  /** As the job reaches it now, whose Secret may have another name since; else, or where that is another store, as it was reached then. */
  private async disposeOnS3(place: StatePlace, { path, s3 }: SavepointPlace, version: string): Promise<void> {
    const now = s3Of(place);
    const access = now !== undefined && (s3 === undefined || s3.endpoint === now.endpoint) ? now : s3;
    const { key, engine, podTemplate: template } = place;
    if (access !== undefined)
      await this.onVolume(
        { key, engine, root: rootOf(place), ...NO_MOUNTS, template, s3: access },
        { kind: 'dispose', path },
        version,
      );
  }

  async removeState(place: StatePlace, version: string): Promise<void> {
    const volume = await this.volume(place);
    if (volume !== null) await this.onVolume(volume, { kind: 'removeState' }, version);
  }

  /** What the job's volume holds, and whether the savepoint that it is to start from is there. */
  async look(question: StorageQuestion, version: string): Promise<StorageView> {
    const { jobId, lastSavepoint, stopTriggerId, findState, savepoint, needed, preparedJobId } = question;
    const own = await this.volume(question);
    const source = savepoint === undefined ? null : await this.sourceOf(question, savepoint, own);
    const nothing = { epoch: 0, ...NOTHING_KNOWN };
    if (source !== null && 'problem' in source) {
      const view =
        own === null
          ? nothing
          : await this.ask(own, { jobId, lastSavepoint, stopTriggerId, findState, needed, preparedJobId }, version);
      return { ...view, savepoint: { kind: 'NotFound', message: source.problem } };
    }
    if (own === null && source === null) return nothing;
    const volume: Volume = {
      key: question.key,
      engine: question.engine,
      root: rootOf(question),
      template: question.podTemplate,
      s3: s3Of(question),
      ...together(own ?? NO_MOUNTS, source ?? NO_MOUNTS),
    };
    const command = {
      jobId,
      lastSavepoint,
      stopTriggerId,
      findState,
      needed,
      preparedJobId,
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
    if (answer === null) return { epoch: 0, ...NOTHING_KNOWN };
    const { uncleared, ...view } = JSON.parse(answer) as StorageView & { uncleared?: string };
    this.tellUncleared(volume, uncleared);
    return view;
  }

  /** The job goes on with it: it is told once, to whoever reads the operator's log. */
  private tellUncleared({ key, root }: Volume, why: string | undefined): void {
    const id = idOf(key);
    if (why === undefined) this.uncleared.delete(id);
    else if (this.uncleared.get(id) !== why) {
      this.uncleared.set(id, why);
      this.onTrouble(
        new Error(
          `FlowJob ${id}: what earlier runs have left in ${root} cannot be cleared away: ${why} -> let the user or the account of the job's pods remove files there, or remove what nobody needs by hand; the next start of the job tries again`,
        ),
      );
    }
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
    if (isS3(path))
      return own?.s3 !== undefined
        ? NO_MOUNTS
        : {
            problem: `${path} is on S3, of which spec.state.storage says nothing: write its uri as s3://BUCKET/FOLDER, with credentialsSecretRef and endpoint where they are needed`,
          };
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

  /** Null when there is no volume, nor a folder on S3. */
  private async volume(place: StatePlace): Promise<Volume | null> {
    const { key, engine } = place;
    const s3 = s3Of(place);
    const common = { key, engine, root: rootOf(place), template: place.podTemplate, s3 };
    if (s3 !== undefined) return { ...common, ...NO_MOUNTS };
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

const s3Of = ({ storage, podTemplate }: StatePlace): S3Access | undefined =>
  s3AccessOf(storage, podTemplate) ?? undefined;

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
