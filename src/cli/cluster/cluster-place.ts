// The place of the command line in a cluster: a namespace, as the user of a kubeconfig context. Loaded when it is first needed.
import type { Journal } from '../../autoscaler/journal.ts';
import { lookFromOutside } from '../../controller/autoscaling/look-from-outside.ts';
import { systemClock } from '../../../engine/clock.ts';
import { InvalidObjectError } from '../../api/admission.ts';
import { API_VERSION, CLUSTER_LABEL, KINDS, type Kind } from '../../api/group.ts';
import type { CheckpointsAnswer } from '../../engine-client/answers.ts';
import { ApiError, isNotFound, KubeError } from '../../kube/errors.ts';
import { pathOf, type KubeObject, type Manifest as KubeManifest, type ObjectRef } from '../../kube/object.ts';
import type { Client } from '../../kube/rest/client.ts';
import { clusterJobManager } from '../../runtime/kubernetes/clusters/names.ts';
import { attemptName, jobManagerName, LABEL } from '../../runtime/kubernetes/names.ts';
import { REST_PORT } from '../../runtime/kubernetes/pods.ts';
import { PODS, type Pod } from '../../runtime/kubernetes/pod-view.ts';
import { applyDirectly, DirectStore } from '../../store/kubernetes/direct-store.ts';
import { KubernetesLearned } from '../../store/kubernetes/kubernetes-learned.ts';
import type { AnyObject, Objects } from '../../store/port.ts';
import { CommandError } from '../context.ts';
import { appliedNote } from '../applied-note.ts';
import type { AnyManifest, Applied, ApplyOptions, CheckOptions, LogRequest, Place } from '../place.ts';
import { existing } from '../targets.ts';
import { connect, type Connected } from './connect.ts';
import { complaintsOf, explained, forbidden, type Where } from './explain.ts';
import { SECRETS } from '../../store/kubernetes/core-kinds.ts';
import { Kinds, type KnownKind } from './kinds.ts';
import { printPodLogs } from './pod-logs.ts';

/** What `flowjob get -o yaml` shows and only the server sets: such a file can be applied again. */
const SET_BY_SERVER = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'deletionTimestamp',
];

/** What the user named. */
interface ClusterChoice {
  context: string | undefined;
  kubeconfig: string | undefined;
  namespace: string | undefined;
}

export class ClusterPlace implements Place {
  readonly name: string;
  readonly command: string;
  readonly namespace: string;
  readonly store: DirectStore;
  private readonly client: Client;
  private readonly kinds: Kinds;
  private readonly where: Where;
  /** Not the context's: the user named it. */
  private readonly namedNamespace: string | undefined;

  static async open(choice: ClusterChoice): Promise<ClusterPlace> {
    let connected: Connected;
    try {
      connected = await connect(choice);
    } catch (error) {
      throw explained(error, { context: choice.context ?? 'the current one', server: '', namespace: '' });
    }
    return new ClusterPlace(connected, choice);
  }

  private constructor({ client, authentication, server }: Connected, choice: ClusterChoice) {
    const { namespace } = choice;
    this.client = client;
    this.kinds = new Kinds(client);
    this.namedNamespace = namespace;
    this.namespace = namespace ?? authentication.namespace;
    this.where = { context: authentication.context, server, namespace: this.namespace };
    this.name = `namespace ${this.namespace} of context "${authentication.context}"`;
    const named = choice.context === undefined ? '' : `--context ${choice.context} `;
    this.command = `kubectl flowjob ${named}-n ${this.namespace}`;
    this.store = this.storeIn(this.namespace);
  }

  storeIn(namespace: string | null): DirectStore {
    return new DirectStore({
      client: this.client,
      namespace: namespace ?? undefined,
      clock: systemClock,
      random: Math.random,
    });
  }

  /** The API server knows no older state than its own; whether an operator runs cannot be told without rights that users lack. */
  staleness(): null {
    return null;
  }

  idleness(): null {
    return null;
  }

  explain(error: unknown): unknown {
    return explained(error, this.where);
  }

  recognize(manifest: unknown): void {
    const { apiVersion, kind, metadata } = (manifest ?? {}) as Partial<AnyManifest>;
    const missing = Object.entries({ apiVersion, kind, 'metadata.name': metadata?.name }).filter(
      ([, value]) => typeof value !== 'string' || value === '',
    );
    if (missing.length === 0) return;
    throw new InvalidObjectError(
      typeof kind === 'string' ? kind : 'document',
      String(metadata?.name ?? ''),
      missing.map(([field, value]) => ({ field, value, problem: 'Required value', remedy: `add ${field}` })),
    );
  }

  async check(
    manifest: AnyManifest,
    { siblings, force }: CheckOptions,
  ): Promise<{ complaints: string[]; object: AnyObject | null }> {
    const title = `${manifest.kind} "${manifest.metadata.name}"`;
    const known = await this.kinds.find(manifest);
    if (known === null) {
      if (manifest.apiVersion === API_VERSION && Object.hasOwn(KINDS, manifest.kind))
        throw new ApiError(`GET /apis/${API_VERSION}`, 404, {});
      return {
        complaints: [`${title}: the cluster knows no kind ${manifest.kind} in ${manifest.apiVersion}`],
        object: null,
      };
    }
    const { namespace } = manifest.metadata;
    if (known.namespaced && this.namedNamespace !== undefined && (namespace ?? this.namespace) !== this.namespace)
      return {
        complaints: [
          `${title}: metadata.namespace is ${namespace}, --namespace says ${this.namespace}: leave out one of them`,
        ],
        object: null,
      };
    const wanted = this.complete(manifest, known);
    const makesNamespace = siblings.some(
      ({ kind, apiVersion, metadata }) =>
        apiVersion === 'v1' && kind === 'Namespace' && metadata.name === wanted.metadata.namespace,
    );
    try {
      const { object } = await applyDirectly(this.client, known, wanted, { dryRun: true, force });
      return { complaints: [], object: isOurs(object) ? object : null };
    } catch (error) {
      // In a namespace that is made along with it nothing can be tried.
      if (makesNamespace && isNotFound(error)) return { complaints: [], object: null };
      const complaint = complaintsOf(error, manifest, this.where.context);
      if (complaint === null) throw error;
      return { complaints: [complaint], object: null };
    }
  }

  async apply(manifest: AnyManifest, options: ApplyOptions): Promise<Applied> {
    const known = await this.known(manifest);
    try {
      const { object, outcome } = await applyDirectly(this.client, known, this.complete(manifest, known), options);
      return { id: idOf(known, manifest), outcome, note: appliedNote(object as unknown as AnyObject, outcome) };
    } catch (error) {
      const complaint = complaintsOf(error, manifest, this.where.context);
      throw complaint === null ? error : new CommandError(complaint);
    }
  }

  async deleteOther(manifest: AnyManifest): Promise<string | null> {
    const known = await this.known(manifest);
    const { name, namespace } = this.complete(manifest, known).metadata;
    try {
      await this.client.delete(known, { name, namespace }, { propagation: 'Background' });
      return idOf(known, manifest);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async logs(request: LogRequest, print: (line: string) => void, signal: AbortSignal): Promise<void> {
    const key = { namespace: this.namespace, name: request.job };
    const running = async (): Promise<number | undefined> =>
      (await this.store.get('FlowJob', key))?.status?.attempt?.epoch;
    if (await printPodLogs(this.client, this.namespace, request, running, print, signal)) return;
    const job = await existing(this.store, 'FlowJob', key);
    const state = job.status?.state ?? 'Pending';
    const cluster = job.spec.engine.clusterRef?.name;
    if (cluster !== undefined)
      throw new CommandError(
        `flowjob "${request.job}" has no pod of its own: it runs on FlowCluster "${cluster}", whose logs are those of all its jobs: kubectl logs -n ${this.namespace} -l ${CLUSTER_LABEL}=${cluster} --prefix`,
      );
    throw new CommandError(
      `flowjob "${request.job}" has no pod, so there is no log: it is ${state}. Logs go with their pods; ${this.command} describe ${request.job} shows what happened`,
    );
  }

  async checkpoints(job: Objects['FlowJob']): Promise<CheckpointsAnswer | string | null> {
    const { name, namespace } = job.metadata;
    const attempt = job.status?.attempt;
    if (attempt === undefined || attempt.ended !== undefined || job.status?.state === 'Suspended') return null;
    try {
      const path = `/jobs/${attempt.jobId}/checkpoints`;
      const cluster = job.status?.accepted?.spec.engine.clusterRef?.name;
      if (cluster !== undefined)
        return await this.askEngine<CheckpointsAnswer>({ namespace, name: clusterJobManager(cluster) }, path, '');
      const secret = await this.client.find(SECRETS, { namespace, name: attemptName(name, attempt.epoch) });
      if (secret === null) return null;
      const token = Buffer.from(secret.data?.['token'] ?? '', 'base64').toString('utf8');
      return await this.askEngine<CheckpointsAnswer>(
        { namespace, name: jobManagerName(name, attempt.epoch) },
        path,
        token,
      );
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error instanceof ApiError && error.status === 403)
        return `not shown: ${forbidden(error.said, this.where.context) ?? error.said}`;
      // Not there yet, or no more.
      return null;
    }
  }

  async autoscaling(job: Objects['FlowJob']): Promise<Journal | null> {
    const { name, namespace } = job.metadata;
    const { attempt, state } = job.status ?? {};
    if (attempt === undefined || state !== 'Running') return null;
    const secret = await this.client.find(SECRETS, { namespace, name: attemptName(name, attempt.epoch) });
    const token = Buffer.from(secret?.data?.['token'] ?? '', 'base64').toString('utf8');
    const pod = { namespace, name: jobManagerName(name, attempt.epoch) };
    const get = async <T>(path: string): Promise<T> => this.askEngine<T>(pod, path, token);
    const owner = { key: { namespace, name }, uid: job.metadata.uid };
    const learned = await new KubernetesLearned(this.client).read(owner).catch((error: unknown) => {
      // Whoever may not read ConfigMaps is shown what two looks tell.
      if (error instanceof ApiError && error.status === 403) return null;
      throw error;
    });
    return lookFromOutside(job, { get, taskManagers: () => get('/taskmanagers') }, learned);
  }

  async readable(path: string, savepoint: Objects['FlowSavepoint']): Promise<never> {
    const { namespace, name } = savepoint.metadata;
    const job = savepoint.spec.jobRef.name;
    const { items } = await this.client.list<Pod>(PODS, { namespace, labelSelector: `${LABEL.job}=${job}` });
    const pod = items.find(
      ({ status, metadata }) => status?.phase === 'Running' && LABEL.role in (metadata.labels ?? {}),
    );
    const remedy =
      pod === undefined
        ? `Pods that mount it run only while flowjob "${job}" does`
        : `Look at it from one: kubectl exec -n ${namespace} ${pod.metadata.name} -- node /opt/flowjob/dist/flowjob.js savepoint inspect ${path}`;
    throw new CommandError(
      `flowsavepoint "${name}" is at ${path} on a volume of the cluster, which only pods can read. ${remedy}`,
    );
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  /** Through the API server, which leads to the pod: no port has to be opened, and the user's rights decide. */
  private askEngine<T>({ namespace, name }: ObjectRef, path: string, token: string): Promise<T> {
    const proxy = pathOf(PODS, { namespace, name: `${name}:${REST_PORT}`, subresource: 'proxy' });
    return this.client.read<T>(`${proxy}${path}`, { headers: { 'x-flowjob-token': token }, deadlineMs: 3_000 });
  }

  private async known(manifest: AnyManifest): Promise<KnownKind> {
    const known = await this.kinds.find(manifest);
    if (known !== null) return known;
    throw new CommandError(`the cluster knows no kind ${manifest.kind} in ${manifest.apiVersion}`);
  }

  private complete(manifest: AnyManifest, known: KnownKind): KubeManifest {
    const { metadata, status: _status, ...content } = manifest;
    const kept = Object.entries(metadata).filter(([name]) => !SET_BY_SERVER.includes(name));
    const namespace = known.namespaced ? { namespace: metadata.namespace ?? this.namespace } : {};
    return { ...content, metadata: { ...Object.fromEntries(kept), name: metadata.name, ...namespace } };
  }
}

function idOf({ group, singular }: KnownKind, { apiVersion, metadata }: AnyManifest): string {
  const shown = group === '' || apiVersion === API_VERSION ? singular : `${singular}.${group}`;
  return `${shown}/${metadata.name}`;
}

function isOurs(object: KubeObject): object is AnyObject & KubeObject {
  return object.apiVersion === API_VERSION && Object.hasOwn(KINDS, object.kind as Kind);
}
