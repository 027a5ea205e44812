// The REST answers of one job in tests of the autoscaler: a source and what it feeds, with figures that a test sets.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const JOB_ID = 'ab'.repeat(16);

export class FakeJob {
  parallelism = 1;
  state = 'RUNNING';
  rescales = 0;
  /** Records read so far. */
  records = 0;
  pending: number | 'NaN' | null = 0;
  busy: number | 'NaN' | null = 300;
  /** Flink's word on whether it knows all subtasks. */
  complete = true;
  /** No answer at all. */
  silent = false;
  /** The connection is taken, and nothing ever comes. */
  hangs = false;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<FakeJob> {
    const server = createServer((request, response) => {
      if (job.hangs) return;
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://job');
      const answer = job.silent ? null : job.answer(pathname, searchParams.get('get')?.split(','));
      response.writeHead(answer === null ? 503 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? { errors: ['busy'] }));
    });
    const job = new FakeJob(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return job;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(path: string, wanted: string[] | undefined): unknown {
    const vertex = `/jobs/${JOB_ID}/vertices/`;
    if (path === `/jobs/${JOB_ID}`) return this.details();
    if (path === `/jobs/${JOB_ID}/metrics`)
      return [
        { id: 'numRescales', value: String(this.rescales) },
        { id: 'numRestarts', value: '0' },
      ];
    if (path === `/jobs/${JOB_ID}/rescales/history`) return [];
    if (path === '/taskmanagers') return { taskmanagers: [] };
    const metrics = this.metrics(path.startsWith(`${vertex}source/`));
    if (path.endsWith('/subtasks/metrics'))
      return [...new Set(metrics.map(({ id }) => id.slice(id.indexOf('.') + 1)))].map((id) => ({ id }));
    if (path.startsWith(vertex)) return metrics.filter(({ id }) => wanted?.includes(id) ?? true);
    return null;
  }

  private details(): object {
    const vertexOf = (id: string): object => ({
      id,
      name: id,
      parallelism: this.parallelism,
      maxParallelism: 128,
      tasks: { RUNNING: this.parallelism },
      metrics: {
        'read-records': this.records,
        'read-records-complete': this.complete,
        'write-records': this.records,
        'write-records-complete': this.complete,
      },
    });
    return {
      state: this.state,
      vertices: [vertexOf('source'), vertexOf('map')],
      plan: { nodes: [{ id: 'source' }, { id: 'map', inputs: [{ id: 'source', ship_strategy: 'HASH' }] }] },
    };
  }

  private metrics(isSource: boolean): { id: string; value: string }[] {
    return Array.from({ length: this.parallelism }, (_, subtask) => [
      ...(this.busy === null
        ? []
        : [
            { id: `${subtask}.busyTimeMsPerSecond`, value: String(this.busy) },
            { id: `${subtask}.backPressuredTimeMsPerSecond`, value: '0' },
            { id: `${subtask}.idleTimeMsPerSecond`, value: String(1000 - Number(this.busy)) },
          ]),
      ...(isSource && this.pending !== null
        ? [{ id: `${subtask}.Source__t[1].pendingRecords`, value: String(this.pending) }]
        : []),
    ]).flat();
  }
}
