// A node and an engine for a thousand jobs, which no test machine could run: pods are said to run as soon as they are there, at addresses of the loopback
// network, and one server answers at all of them as the JobManager of a healthy stream. The API server and the operator are real.
import { createServer, type Server } from 'node:http';
import { Informer } from '../../../src/kube/cache/informer.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { Client } from '../../../src/kube/rest/client.ts';
import { PODS, type Pod } from '../../../src/runtime/kubernetes/pod-view.ts';
import { REST_PORT } from '../../../src/runtime/kubernetes/pods.ts';
import { systemClock } from '../../../engine/clock.ts';

export class StubNode {
  private readonly client: Client;
  private readonly closing = new AbortController();
  private readonly server: Server;
  private addresses = 0;
  /** Ids of the jobs whose JobManager was asked. */
  readonly asked = new Set<string>();
  private requests = 0;

  constructor(client: Client) {
    this.client = client;
    this.server = createServer((request, response) => {
      this.requests++;
      const path = request.url ?? '';
      const jobId = /^\/jobs\/([0-9a-f]{32})/.exec(path)?.[1];
      if (jobId !== undefined) this.asked.add(jobId);
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer(request.method ?? 'GET', path)));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(REST_PORT, resolve);
    });
    const pods = new Informer<Pod>({
      client: this.client,
      resource: PODS,
      selection: {},
      clock: systemClock,
      random: Math.random,
      onTrouble: console.error,
    });
    pods.store.onChange(({ type, object }) => {
      if (type === 'Added' && object.status?.podIP === undefined) this.run(object).catch(console.error);
    });
    void pods.run(this.closing.signal);
    await pods.synced;
  }

  /** Since the last call. */
  takeRequests(): number {
    const { requests } = this;
    this.requests = 0;
    return requests;
  }

  async stop(): Promise<void> {
    this.closing.abort();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async run(pod: Pod): Promise<void> {
    const address = ++this.addresses;
    const podIP = `127.77.${address >> 8}.${address & 255}`;
    const startedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const name = (pod as unknown as { spec: { containers: { name: string }[] } }).spec.containers[0]!.name;
    const status = {
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      startTime: startedAt,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }],
      containerStatuses: [
        { name, ready: true, restartCount: 0, image: 'stub', imageID: 'stub', state: { running: { startedAt } } },
      ],
    };
    await this.client.patch(
      PODS,
      pod.metadata,
      { merge: { status } as unknown as KubeObject },
      { subresource: 'status' },
    );
  }
}

function answer(method: string, path: string): object {
  if (method !== 'GET') return { 'request-id': '0' };
  if (path.endsWith('/status')) return { status: 'RUNNING' };
  if (/\/checkpoints\/[0-9a-f]{32}$/.test(path)) return { status: { id: 'COMPLETED' }, operation: { checkpointId: 1 } };
  if (path.endsWith('/exceptions')) return { exceptionHistory: { entries: [], truncated: false } };
  if (path.endsWith('/checkpoints')) {
    const completed = { latest_ack_timestamp: 1, end_to_end_duration: 1, state_size: 1 };
    const history = [{ status: 'COMPLETED', is_savepoint: false }];
    return { counts: { completed: 1, failed: 0 }, latest: { completed }, history };
  }
  if (path.startsWith('/flowjob/storage')) {
    const unreadable = { checkpoints: null, savepoint: null };
    return { epoch: 1, newest: null, unreadable, pendingSavepoint: null, result: null };
  }
  return {};
}
