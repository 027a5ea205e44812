// The one REST client of the operator: the calls that Flink and the embedded engine both answer. Connections are kept alive by fetch.
import type { StorageQuestion, StorageView } from '../../engine/checkpoint/storage-view.ts';
import type { OperationView } from '../lifecycle/observation.ts';
import type {
  CheckpointsAnswer,
  ErrorsAnswer,
  ExceptionsAnswer,
  JobDetailsAnswer,
  JobStatusAnswer,
  OperationAnswer,
  OverviewAnswer,
  ResourceRequirementsAnswer,
  TaskManagersAnswer,
  TriggerAnswer,
} from './answers.ts';
import { plainPath } from '../api/plain-path.ts';
import {
  planRequest,
  submissionAnswer,
  submissionRequest,
  type Submission,
  type SubmissionAnswer,
  type SubmissionRequest,
} from './flink/submission.ts';

/** `ENGINE_UNREACHABLE`: no answer in time. `ENGINE_REFUSED`: an answer with an error; `httpStatus` and Flink's message say which. */
export class EngineClientError extends Error {
  readonly code: 'ENGINE_UNREACHABLE' | 'ENGINE_REFUSED';
  readonly httpStatus: number | null;

  constructor(code: EngineClientError['code'], message: string, httpStatus: number | null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EngineClientError';
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

export interface EngineClientOptions {
  /** `http://host:port` */
  url: string;
  /** Bearer token; null when the engine asks for none. */
  token: string | null;
  /** Where savepoints are put, a URI: each in a folder of its trigger id, by which it is found when nobody answers. Null or absent: the engine knows. */
  savepointFolder?: string | null;
  /** Milliseconds that one call may take. */
  timeoutMs?: number;
  /** Ends all calls. */
  signal?: AbortSignal;
}

export class EngineClient {
  private readonly options: EngineClientOptions & { timeoutMs: number };

  constructor(options: EngineClientOptions) {
    this.options = { timeoutMs: 5_000, ...options };
  }

  /** Any other question. */
  get<T>(path: string): Promise<T> {
    return this.call('GET', path);
  }

  /** Any other question whose answer is no JSON. */
  async text(path: string): Promise<string> {
    return this.answer('GET', path);
  }

  jobStatus(jobId: string): Promise<JobStatusAnswer> {
    return this.call('GET', `/jobs/${jobId}/status`);
  }

  jobDetails(jobId: string): Promise<JobDetailsAnswer> {
    return this.call('GET', `/jobs/${jobId}`);
  }

  taskManagers(): Promise<TaskManagersAnswer> {
    return this.call('GET', '/taskmanagers');
  }

  resourceRequirements(jobId: string): Promise<ResourceRequirementsAnswer> {
    return this.call('GET', `/jobs/${jobId}/resource-requirements`);
  }

  /** The engine takes a checkpoint first, then goes on with what it has slots for between the bounds (FLIP-291). */
  async updateResourceRequirements(
    jobId: string,
    bounds: Readonly<Record<string, { lowerBound: number; upperBound: number }>>,
  ): Promise<void> {
    const body = Object.fromEntries(Object.entries(bounds).map(([id, parallelism]) => [id, { parallelism }]));
    await this.call('PUT', `/jobs/${jobId}/resource-requirements`, body);
  }

  checkpoints(jobId: string): Promise<CheckpointsAnswer> {
    return this.call('GET', `/jobs/${jobId}/checkpoints`);
  }

  exceptions(jobId: string): Promise<ExceptionsAnswer> {
    return this.call('GET', `/jobs/${jobId}/exceptions`);
  }

  /** What the job's storage holds: of the embedded engine alone. */
  storage({
    jobId,
    lastSavepoint,
    stopTriggerId,
  }: Pick<StorageQuestion, 'jobId' | 'lastSavepoint' | 'stopTriggerId'>): Promise<StorageView> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ jobId, lastSavepoint, stopTriggerId }))
      if (value !== undefined) query.set(name, value);
    return this.call('GET', `/flowjob/storage?${query.toString()}`);
  }

  overview(): Promise<OverviewAnswer> {
    return this.call('GET', '/overview');
  }

  triggerSavepoint(jobId: string, triggerId: string): Promise<TriggerAnswer> {
    return this.call('POST', `/jobs/${jobId}/savepoints`, {
      triggerId,
      'cancel-job': false,
      ...this.target('target-directory', triggerId),
    });
  }

  stopWithSavepoint(jobId: string, triggerId: string): Promise<TriggerAnswer> {
    return this.call('POST', `/jobs/${jobId}/stop`, {
      triggerId,
      drain: false,
      ...this.target('targetDirectory', triggerId),
    });
  }

  triggerCheckpoint(jobId: string, triggerId: string): Promise<TriggerAnswer> {
    return this.call('POST', `/jobs/${jobId}/checkpoints`, { triggerId });
  }

  savepointStatus(jobId: string, triggerId: string): Promise<OperationView> {
    return this.operation(`/jobs/${jobId}/savepoints/${triggerId}`);
  }

  checkpointStatus(jobId: string, triggerId: string): Promise<OperationView> {
    return this.operation(`/jobs/${jobId}/checkpoints/${triggerId}`);
  }

  async cancel(jobId: string): Promise<void> {
    await this.call('PATCH', `/jobs/${jobId}?mode=cancel`);
  }

  /** Of Apache Flink alone. The answer comes when the program is planned and its job started, so it may take long; nobody has to wait for it. */
  submit(submission: Submission): Promise<SubmissionAnswer> {
    return this.submission(submissionRequest(submission));
  }

  /** Of Apache Flink alone: the program is planned, and nothing is started. `Submitted`: it can be run. */
  plan(submission: Submission): Promise<SubmissionAnswer> {
    return this.submission(planRequest(submission));
  }

  /** Ends the JobManager. */
  async deleteCluster(): Promise<void> {
    await this.call('DELETE', '/cluster');
  }

  private target(name: string, triggerId: string): object {
    const { savepointFolder } = this.options;
    return savepointFolder === undefined || savepointFolder === null
      ? {}
      : { [name]: `${savepointFolder}/${triggerId}` };
  }

  private async operation(path: string): Promise<OperationView> {
    try {
      return operationView(await this.call<OperationAnswer>('GET', path));
    } catch (error) {
      // An operation that this JobManager has never heard of, or forgot when it was started again.
      if (error instanceof EngineClientError && error.httpStatus === 404) return { state: 'Unknown' };
      throw error;
    }
  }

  private async submission({ path, body }: SubmissionRequest): Promise<SubmissionAnswer> {
    try {
      const { status, text } = await this.send('POST', path, body);
      return submissionAnswer(status, text);
    } catch (error) {
      if (error instanceof EngineClientError) return { kind: 'Unreachable', message: error.message };
      throw error;
    }
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const text = await this.answer(method, path, body);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  private async answer(method: string, path: string, body?: object): Promise<string> {
    const { status, text } = await this.send(method, path, body);
    if (status < 200 || status >= 300)
      throw new EngineClientError('ENGINE_REFUSED', `${method} ${path}: ${firstError(text)}`, status);
    return text;
  }

  private async send(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const { url, token, timeoutMs, signal } = this.options;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const why =
        error instanceof Error && error.name === 'TimeoutError' ? `no answer in ${timeoutMs} ms` : String(error);
      throw new EngineClientError('ENGINE_UNREACHABLE', `${method} ${url}${path}: ${why}`, null, error);
    }
  }
}

export function operationView(answer: OperationAnswer): OperationView {
  if (answer.status.id !== 'COMPLETED') return { state: 'InProgress' };
  const cause = answer.operation?.['failure-cause'] ?? answer.operation?.failureCause;
  if (cause !== undefined) return { state: 'Failed', message: firstLine(cause['stack-trace']) };
  const location = answer.operation?.location;
  return { state: 'Completed', path: location === undefined ? null : plainPath(location) };
}

/** Flink puts a stack trace into its errors; people want its first line, without the Java class. */
function firstError(text: string): string {
  try {
    return firstLine((JSON.parse(text) as ErrorsAnswer).errors.join('; '));
  } catch {
    return firstLine(text);
  }
}

export const firstLine = (text: string): string => withoutClass(text.split('\n', 1)[0]!);

/** `java.lang.Exception: why` -> `why` */
export const withoutClass = (text: string): string => text.replace(/^([\w$]+\.)+[\w$]+: /, '');
