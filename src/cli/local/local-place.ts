// The place of the command line on one machine: an operator's folder.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Endpoints } from '../../../engine/config.ts';
import type { Journal } from '../../autoscaler/journal.ts';
import { InvalidObjectError, kindOf } from '../../api/admission.ts';
import { KINDS } from '../../api/group.ts';
import { runningOperator } from '../../controller/operator-lock.ts';
import type { CheckpointsAnswer } from '../../engine-client/answers.ts';
import { EngineClient, EngineClientError } from '../../engine-client/engine-client.ts';
import { attemptFiles } from '../../runtime/local/layout.ts';
import { readJournal } from '../../store/local/local-journals.ts';
import { LOCAL_NAMESPACE, LocalStore } from '../../store/local/local-store.ts';
import type { AnyObject, Manifest, Objects } from '../../store/port.ts';
import type { CliContext } from '../context.ts';
import { appliedNote } from '../applied-note.ts';
import type { AnyManifest, Applied, ApplyOptions, LogRequest, Place } from '../place.ts';
import { printLocalLogs } from './local-logs.ts';

export class LocalPlace implements Place {
  readonly name: string;
  readonly command = 'flowjob';
  readonly namespace = LOCAL_NAMESPACE;
  readonly store: LocalStore;
  private readonly directory: string;

  constructor(context: Pick<CliContext, 'now'>, directory: string) {
    this.name = directory;
    this.directory = directory;
    this.store = new LocalStore({ directory, now: context.now });
  }

  storeIn(): LocalStore {
    return this.store;
  }

  staleness(): string | null {
    if (runningOperator(this.directory) !== null) return null;
    return `No operator runs on ${this.directory}: this is how the last one left it. Start one with: flowjob local up`;
  }

  idleness(): string | null {
    if (runningOperator(this.directory) !== null) return null;
    return `no operator runs on ${this.directory}. Start one with: flowjob local up`;
  }

  recognize(manifest: unknown): void {
    kindOf(manifest);
  }

  async check(manifest: AnyManifest): Promise<{ complaints: string[]; object: AnyObject | null }> {
    try {
      return { complaints: [], object: (await this.store.dryRunApply(ours(manifest))).object };
    } catch (error) {
      if (!(error instanceof InvalidObjectError)) throw error;
      return { complaints: [error.message], object: null };
    }
  }

  async apply(manifest: AnyManifest, { dryRun }: Pick<ApplyOptions, 'dryRun'>): Promise<Applied> {
    const applied = dryRun ? this.store.dryRunApply(ours(manifest)) : this.store.apply(ours(manifest));
    const { object, outcome } = await applied;
    const id = `${KINDS[object.kind].singular}/${object.metadata.name}`;
    return { id, outcome, note: appliedNote(object, outcome) };
  }

  async deleteOther(manifest: AnyManifest): Promise<string | null> {
    kindOf(manifest);
    return null;
  }

  logs(request: LogRequest, print: (line: string) => void, signal: AbortSignal): Promise<void> {
    return printLocalLogs(this.directory, this.store, request, print, signal);
  }

  async checkpoints(job: Objects['FlowJob']): Promise<CheckpointsAnswer | string | null> {
    const attempt = job.status?.attempt;
    if (attempt === undefined || attempt.ended !== undefined) return null;
    const { endpointsFile, tokenFile } = attemptFiles(this.directory, job.metadata.name, attempt.epoch);
    if (!existsSync(endpointsFile)) return null;
    const { restUrl } = JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints;
    try {
      const token = readFileSync(tokenFile, 'utf8').trim();
      return await new EngineClient({ url: restUrl, token, timeoutMs: 2_000 }).checkpoints(attempt.jobId);
    } catch (error) {
      if (error instanceof EngineClientError) return null;
      throw error;
    }
  }

  async autoscaling({ metadata }: Objects['FlowJob']): Promise<Journal | null> {
    return readJournal(this.directory, metadata.name);
  }

  async readable(path: string): Promise<string> {
    return path.startsWith('file:') ? fileURLToPath(path) : path;
  }

  explain(error: unknown): unknown {
    return error;
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

/** Throws InvalidObjectError for another kind. */
function ours(manifest: AnyManifest): Manifest {
  kindOf(manifest);
  return manifest as unknown as Manifest;
}
