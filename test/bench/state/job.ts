// A running job seen through Flink's REST API, which both engines answer: its rate, its checkpoints, its phases after a restart.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

export interface CheckpointSummary {
  id: number;
  /** Milliseconds since the epoch. */
  triggered: number;
  /** Milliseconds from trigger to completion. */
  duration: number;
  /** Bytes of the whole state, and bytes written for this one. */
  stateBytes: number;
  writtenBytes: number;
  isSavepoint: boolean;
  path: string;
}

/** When the tasks of a restarted job went through their phases, milliseconds since the epoch. */
export interface RestartPhases {
  deploying: number;
  initializing: number;
  running: number;
}

interface JobDetail {
  state: string;
  vertices: { id: string; parallelism: number; status: string; metrics: { 'write-records': number } }[];
}

interface CheckpointJson {
  id: number;
  status: string;
  is_savepoint: boolean;
  trigger_timestamp: number;
  end_to_end_duration: number;
  state_size: number;
  checkpointed_size: number;
  external_path?: string;
}

/** Milliseconds since the epoch, with fractions. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

export async function until<T>(
  what: string,
  seconds: number,
  probe: () => Promise<T | null>,
  everyMs = 20,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await delay(everyMs);
  }
}

export class RunningJob {
  private readonly url: string;

  constructor(rest: string, jobId: string) {
    this.url = `${rest}/jobs/${jobId}`;
  }

  async detail(): Promise<JobDetail> {
    return this.get<JobDetail>('');
  }

  async state(): Promise<string> {
    return (await this.get<{ status: string }>('/status')).status;
  }

  /** Every task is RUNNING; throws when the job has failed. */
  async running(): Promise<void> {
    await until('a running job', 120, async () => {
      const { state, vertices } = await this.detail();
      if (state === 'FAILED') throw new Error(`the job failed: ${JSON.stringify(await this.get('/exceptions'))}`);
      return state === 'RUNNING' && vertices.every(({ status }) => status === 'RUNNING') ? true : null;
    });
  }

  /** Rows that the source has sent on since the tasks began. */
  async rowsSent(): Promise<number> {
    return (await this.detail()).vertices[0]!.metrics['write-records'];
  }

  /**
   * Rows per second over `seconds`. The counter comes with the TaskManager's reports: the rate is taken from the first change that is seen to the last.
   */
  async rate(seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1000;
    let last = await this.rowsSent();
    const changes: { at: number; rows: number }[] = [];
    while (performance.now() < end) {
      await delay(40);
      const rows = await this.rowsSent();
      if (rows !== last) changes.push({ at: performance.now(), rows });
      last = rows;
    }
    const [first, final] = [changes[0], changes.at(-1)];
    if (first === undefined || final === undefined || changes.length < 2)
      throw new Error(`no rows were counted in ${seconds} s`);
    return ((final.rows - first.rows) * 1000) / (final.at - first.at);
  }

  /** Newest first, completed ones only. */
  async checkpoints(): Promise<CheckpointSummary[]> {
    const { history } = await this.get<{ history: CheckpointJson[] }>('/checkpoints');
    return history
      .filter(({ status }) => status === 'COMPLETED')
      .map((one) => ({
        id: one.id,
        triggered: one.trigger_timestamp,
        duration: one.end_to_end_duration,
        stateBytes: one.state_size,
        writtenBytes: one.checkpointed_size,
        isSavepoint: one.is_savepoint,
        path: one.external_path ?? '',
      }));
  }

  /** Takes a checkpoint and waits for it. */
  async checkpoint(): Promise<CheckpointSummary> {
    await this.operation('/checkpoints', {});
    return (await this.checkpoints())[0]!;
  }

  async savepoint(): Promise<CheckpointSummary> {
    await this.operation('/savepoints', {});
    return (await this.checkpoints()).find(({ isSavepoint }) => isSavepoint)!;
  }

  /** Returns the savepoint's path and the seconds until it was there. */
  async stopWithSavepoint(): Promise<{ path: string; seconds: number }> {
    const begin = performance.now();
    const location = await this.operation('/stop', { drain: false }, '/savepoints');
    const seconds = (performance.now() - begin) / 1000;
    await until('the end of the job', 60, async () => ((await this.state()) === 'FINISHED' ? true : null));
    return { path: location.replace(/^file:/, ''), seconds };
  }

  /** Asks for another parallelism of every vertex. False when the engine has no such request. */
  async rescale(parallelism: number): Promise<boolean> {
    const { vertices } = await this.detail();
    const wanted = { parallelism: { lowerBound: parallelism, upperBound: parallelism } };
    const response = await fetch(`${this.url}/resource-requirements`, {
      method: 'PUT',
      body: JSON.stringify(Object.fromEntries(vertices.map(({ id }) => [id, wanted]))),
    });
    const text = await response.text();
    if (response.status === 404) return false;
    if (!response.ok) throw new Error(`rescaling was refused (${response.status}): ${text.slice(0, 500)}`);
    return true;
  }

  /** When the newest failure was noticed, milliseconds since the epoch. */
  async failedAt(): Promise<number> {
    const { exceptionHistory } = await this.get<{ exceptionHistory: { entries: { timestamp: number }[] } }>(
      '/exceptions',
    );
    return exceptionHistory.entries[0]?.timestamp ?? NaN;
  }

  /** The last vertex holds the state. */
  async phases(): Promise<RestartPhases> {
    const { vertices } = await this.detail();
    const { subtasks } = await this.get<{ subtasks: { timestamps: Record<string, number> }[] }>(
      `/vertices/${vertices.at(-1)!.id}/subtasktimes`,
    );
    const times = (name: string): number[] => subtasks.map(({ timestamps }) => timestamps[name] ?? 0);
    return {
      deploying: Math.min(...times('DEPLOYING')),
      initializing: Math.min(...times('INITIALIZING')),
      running: Math.max(...times('RUNNING')),
    };
  }

  /** Starts an asynchronous operation and waits for its end; its location, '' when it has none. */
  private async operation(path: string, body: object, statusPath = path): Promise<string> {
    const triggerId = randomBytes(16).toString('hex');
    const response = await fetch(this.url + path, { method: 'POST', body: JSON.stringify({ ...body, triggerId }) });
    if (response.status !== 202) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return until(
      `POST ${path} to complete`,
      120,
      async () => {
        const { status, operation } = await this.get<{
          status: { id: string };
          operation: { location?: string; 'failure-cause'?: { 'stack-trace': string } } | null;
        }>(`${statusPath}/${triggerId}`);
        if (status.id !== 'COMPLETED') return null;
        const cause = operation?.['failure-cause'];
        if (cause !== undefined) throw new Error(`POST ${path} failed: ${cause['stack-trace'].slice(0, 1000)}`);
        return operation?.location ?? '';
      },
      10,
    );
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}
