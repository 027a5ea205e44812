// Looks at a job's volume, or removes something on it, with a pod: the operator mounts no job's volume itself. The pod's name is made of what it is to do and
// of what could have changed the answer, so that the repeated call is the same call. It goes when it has answered.
import { createHash } from 'node:crypto';
import type { StorageCommand } from '../../../engine/storage-command.ts';
import type { ObjectKey } from '../../api/object.ts';
import { ensureGone } from '../../kube/writes.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import type { Manifest as KubeManifest } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import type { Cache } from '../../kube/cache/informers.ts';
import { sleep, type Clock } from '../../kube/time.ts';
import { jobLabels, LABEL } from './names.ts';
import { CONTAINER_SECURITY, POD_SECURITY } from './pods.ts';
import { PODS, troubleOf, type Pod } from './pod-view.ts';
import { isNamespaceGoing, refusalOf } from './refusals.ts';
import type { Mounts } from './state-mounts.ts';

export interface StoragePodsOptions {
  client: Client;
  pods: Cache<Pod>;
  image: string;
  clock: Clock;
}

/** What a pod mounts, for which job it looks, and where that job's state is. */
export interface Volume extends Mounts {
  key: ObjectKey;
  root: string;
}

const ROLE = 'storage';
const ANSWER = '/dev/termination-log';
/** An image has to be pulled, a volume attached: milliseconds. */
const PATIENCE = 60_000;
const LOOK = 50;

export class StoragePods {
  private readonly options: StoragePodsOptions;

  constructor(options: StoragePodsOptions) {
    this.options = options;
  }

  /** `version` names the state of the world: another one asks anew. Throws what keeps the pod from answering. */
  async run(volume: Volume, command: StorageCommand, version: string): Promise<string> {
    const { client, pods, clock } = this.options;
    const { key } = volume;
    const digest = createHash('sha256')
      .update(JSON.stringify([command, version]))
      .digest('hex')
      .slice(0, 10);
    const ref = { namespace: key.namespace, name: `${key.name}-storage-${digest}` };
    if (pods.get(ref) === undefined) await this.create(volume, ref.name, command);
    const deadline = clock.monotonic() + PATIENCE;
    for (;;) {
      const pod = pods.get(ref);
      const ended = pod?.status?.containerStatuses?.[0]?.state?.terminated;
      if (ended?.exitCode === 0) {
        await this.forget(key);
        return ended.message ?? '{}';
      }
      if (ended !== undefined) {
        await ensureGone(client, PODS, ref);
        throw new Error(`${ref.name}, which looks at the job's volume, failed: ${ended.message ?? ended.reason ?? ''}`);
      }
      if (clock.monotonic() > deadline) {
        const why =
          pod === undefined ? 'it is gone' : (troubleOf(pod) ?? `it is ${pod.status?.phase ?? 'not seen yet'}`);
        await ensureGone(client, PODS, ref);
        throw new Error(`${ref.name}, which looks at the job's volume, did not answer in ${PATIENCE / 1000} s: ${why}`);
      }
      await sleep(clock, LOOK);
    }
  }

  /** Removes those of a job: they have answered, or nobody waits for what they say. */
  async forget(key: ObjectKey): Promise<void> {
    const { client, pods } = this.options;
    for (const { metadata } of pods.list())
      if (
        metadata.namespace === key.namespace &&
        metadata.labels?.[LABEL.job] === key.name &&
        metadata.labels[LABEL.role] === ROLE
      )
        await ensureGone(client, PODS, metadata, { gracePeriodSeconds: 0 });
  }

  private async create(
    { key, root, volumes, volumeMounts }: Volume,
    name: string,
    command: StorageCommand,
  ): Promise<void> {
    const { client, image } = this.options;
    const args = ['--root', root, '--command', JSON.stringify(command), '--answer', ANSWER];
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: key.namespace,
        labels: { ...jobLabels(key.name), 'app.kubernetes.io/component': ROLE, [LABEL.role]: ROLE },
      },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 1,
        securityContext: POD_SECURITY,
        containers: [
          {
            name: ROLE,
            image,
            imagePullPolicy: 'IfNotPresent',
            command: ['node', '/opt/flowjob/dist/engine.js', 'storage'],
            args,
            resources: { limits: { memory: '128Mi', cpu: '1' }, requests: { memory: '64Mi', cpu: '50m' } },
            securityContext: CONTAINER_SECURITY,
            terminationMessagePath: ANSWER,
            terminationMessagePolicy: 'FallbackToLogsOnError',
            volumeMounts,
          },
        ],
        volumes,
      },
    };
    try {
      const created = await client.create(PODS, manifest as unknown as KubeManifest<Pod>);
      this.options.pods.record(created);
    } catch (error) {
      if (isAlreadyExists(error)) return;
      const refusal = isNamespaceGoing(error) ? null : refusalOf(error);
      if (refusal === null) throw error;
      throw new Error(`the job's volume cannot be looked at: ${refusal}`, { cause: error });
    }
  }
}
