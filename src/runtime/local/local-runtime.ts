// JobManager and TaskManagers as processes of this machine. They outlive the operator, which takes them up again by record, pid and start time.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { LocalCheckpointStorage } from '../../../engine/checkpoint/local-storage.ts';
import { viewStorage } from '../../../engine/checkpoint/storage-view.ts';
import type { Endpoints } from '../../../engine/config.ts';
import type { ObjectKey } from '../../api/object.ts';
import type { Attempt } from '../../api/status.ts';
import { taskManagersOf } from '../../api/task-managers.ts';
import {
  embeddedConfig,
  jobManagerArguments,
  jobManagerNodeFlags,
  taskManagerArguments,
  taskManagerNodeFlags,
} from '../../engine-client/embedded.ts';
import type { ProcessView, Refusal, StorageView } from '../../lifecycle/observation.ts';
import { writeAtomically } from '../../store/local/files.ts';
import { LOCAL_NAMESPACE } from '../../store/local/local-store.ts';
import { sqlText } from '../../api/resolved.ts';
import type { AttemptPlan, Connection, Runtime, SavepointPlace, StatePlace, StorageQuestion } from '../port.ts';
import { stateDirectory } from '../state-directory.ts';
import {
  attemptDirectory,
  attemptFiles,
  epochsOnRecord,
  jobDirectory,
  jobNames,
  namesIn,
  statesDirectory,
} from './layout.ts';
import { secretEnvironment } from './local-secrets.ts';
import { ManagedProcess } from './managed-process.ts';

export interface LocalRuntimeOptions {
  /** The operator's folder. */
  directory: string;
  /** Program that starts the engine's processes: a Node binary, and the file it runs. */
  node: string;
  engineFile: string;
  /** Files NAME/KEY with the secrets that SQL texts refer to; `secrets` in the operator's folder when absent. */
  secretsDirectory?: string;
  now: () => number;
}

/** So many attempts of a job keep their logs. */
const ATTEMPTS_KEPT = 5;

type Processes = Map<string, ManagedProcess>;

export class LocalRuntime implements Runtime {
  readonly ahead = null;
  private readonly options: LocalRuntimeOptions;
  /** Job's name, epoch, process's name. */
  private readonly attempts = new Map<string, Map<number, Processes>>();
  /** By job: an attempt that cannot start as long as a secret is missing. */
  private readonly waiting = new Map<string, { epoch: number; trouble: string }>();
  private readonly listeners: ((key: ObjectKey) => void)[] = [];

  /** Takes up every process that an earlier operator left on record, or left without one. */
  constructor(options: LocalRuntimeOptions) {
    this.options = options;
    for (const name of jobNames(options.directory))
      for (const epoch of epochsOnRecord(options.directory, name)) this.adopt(name, epoch);
  }

  jobs(): ObjectKey[] {
    return [...this.attempts.keys()].map((name) => ({ namespace: LOCAL_NAMESPACE, name }));
  }

  processes(key: ObjectKey): ProcessView[] {
    const views: ProcessView[] = [];
    for (const [epoch, processes] of this.attempts.get(key.name) ?? [])
      for (const process of processes.values()) {
        const runs = process.runs();
        const { role, index, exit, restarts } = process.record;
        views.push({ epoch, role, index, state: runs ? 'Running' : 'Exited', exit, restarts });
      }
    const waiting = this.waiting.get(key.name);
    if (waiting !== undefined) views.push(waitingView(waiting));
    return views;
  }

  ended(key: ObjectKey): ProcessView[] {
    return this.processes(key).filter(({ state }) => state === 'Exited');
  }

  /** Nobody refuses a process: what keeps one from starting is told by its end. */
  refusal(): Refusal | null {
    return null;
  }

  async connection(key: ObjectKey, attempt: Attempt): Promise<Connection | null> {
    const files = attemptFiles(this.options.directory, key.name, attempt.epoch);
    if (!existsSync(files.endpointsFile)) return null;
    const endpoints = JSON.parse(readFileSync(files.endpointsFile, 'utf8')) as Endpoints;
    return { url: endpoints.restUrl, token: readFileSync(files.tokenFile, 'utf8').trim() };
  }

  async ensureProcesses(plan: AttemptPlan, skip: readonly number[], only?: 'TaskManagers'): Promise<void> {
    const { directory } = this.options;
    const { name } = plan.key;
    const { epoch } = plan.attempt;
    const secretsDirectory = this.options.secretsDirectory ?? join(directory, 'secrets');
    const secrets = secretEnvironment(secretsDirectory, sqlText(plan.spec));
    if ('missing' in secrets) return void this.waiting.set(name, { epoch, trouble: secrets.missing });
    this.waiting.delete(name);
    this.prune(name, epoch);
    const files = attemptFiles(directory, name, epoch);
    mkdirSync(files.temporaryDirectory, { recursive: true });
    // Whole at every moment: a process of the attempt may be reading them just now, and a crash may come in between.
    if (!existsSync(files.tokenFile)) writeAtomically(files.tokenFile, `${randomBytes(24).toString('hex')}\n`, false);
    writeAtomically(files.sqlFile, sqlText(plan.spec), false);
    const config = embeddedConfig(
      { name, uid: plan.uid, spec: plan.spec },
      {
        stateDirectory: stateDirectory(statesDirectory(directory), name, plan.spec.state.storage?.uri),
        tokenFile: files.tokenFile,
        endpointsFile: files.endpointsFile,
        temporaryDirectory: files.temporaryDirectory,
      },
    );
    writeAtomically(files.configFile, stringify(config), false);

    const { jobManager, taskManager } = plan.spec;
    if (only === undefined)
      this.ensure(plan, secrets.values, 'jobmanager', 'JobManager', 0, () => ({
        flags: jobManagerNodeFlags(jobManager.resources.limits.memory),
        args: jobManagerArguments({
          configDirectory: files.directory,
          jobId: plan.attempt.jobId,
          epoch,
          sqlFile: files.sqlFile,
          restoreFrom: plan.attempt.restoreFrom,
          allowNonRestoredState: plan.attempt.allowNonRestoredState,
        }),
      }));
    for (const index of taskManagersOf(plan.attempt, taskManager.replicas)) {
      if (skip.includes(index)) continue;
      this.ensure(plan, secrets.values, `taskmanager-${index}`, 'TaskManager', index, (restarts) => ({
        flags: taskManagerNodeFlags(plan.taskManagerMemory ?? taskManager.resources.limits.memory),
        args: taskManagerArguments(files.directory, resourceId(name, epoch, index, restarts), plan.taskManagerMemory),
      }));
    }
  }

  stopProcesses(key: ObjectKey, epoch: number, graceful: boolean): void {
    if ((this.waiting.get(key.name)?.epoch ?? Infinity) <= epoch) this.waiting.delete(key.name);
    for (const [attempt, processes] of this.attempts.get(key.name) ?? [])
      if (attempt <= epoch) for (const process of processes.values()) process.stop(graceful);
  }

  stopTaskManagers(key: ObjectKey, epoch: number, keep: readonly number[]): void {
    const processes = this.attempts.get(key.name)?.get(epoch);
    for (const [name, process] of processes ?? []) {
      const { role, index } = process.record;
      if (role !== 'TaskManager' || keep.includes(index)) continue;
      if (process.runs()) process.stop(true);
      else {
        // Nobody asks any more how it ended, and another may take its index.
        process.forget();
        processes?.delete(name);
      }
    }
  }

  /** Every version runs with the engine of this machine. */
  newImages(): Promise<null> {
    return Promise.resolve(null);
  }

  storage(question: StorageQuestion): Promise<StorageView> {
    const root = stateDirectory(statesDirectory(this.options.directory), question.key.name, question.storage?.uri);
    return viewStorage(new LocalCheckpointStorage(root), { ...question, savepoint: question.savepoint?.path });
  }

  savepointFolder(): null {
    return null;
  }

  claimOf(): null {
    return null;
  }

  async disposeSavepoint(_place: StatePlace, { path }: SavepointPlace): Promise<void> {
    await new LocalCheckpointStorage(path).dispose(path);
  }

  async removeState({ key, storage }: StatePlace): Promise<void> {
    const root = stateDirectory(statesDirectory(this.options.directory), key.name, storage?.uri);
    await new LocalCheckpointStorage(root).markRemoved();
    // Epochs stay: they fence attempts of whoever comes next under this name. Savepoints are FlowSavepoints' own.
    for (const part of ['checkpoints', 'results']) await rm(join(root, part), { recursive: true, force: true });
  }

  async forget(key: ObjectKey): Promise<void> {
    if (this.processes(key).some((process) => process.state === 'Running')) return;
    this.attempts.delete(key.name);
    await rm(jobDirectory(this.options.directory, key.name), { recursive: true, force: true });
  }

  onChange(listener: (key: ObjectKey) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.listeners.length = 0;
    for (const epochs of this.attempts.values())
      for (const processes of epochs.values()) for (const process of processes.values()) process.letGo();
  }

  private ensure(
    plan: AttemptPlan,
    secrets: Record<string, string>,
    process: string,
    role: ProcessView['role'],
    index: number,
    commandLine: (restarts: number) => { flags: string[]; args: string[] },
  ): void {
    const { name } = plan.key;
    const { epoch } = plan.attempt;
    const processes = this.processesOf(name, epoch);
    const before = processes.get(process);
    if (before?.runs() === true) return;
    // A JobManager that ended is a lost attempt: its epoch is used up.
    if (before !== undefined && role === 'JobManager') return;
    const restarts = before === undefined ? 0 : before.record.restarts + 1;
    const files = attemptFiles(this.options.directory, name, epoch);
    const { flags, args } = commandLine(restarts);
    const started = ManagedProcess.start(
      files.recordFile(process),
      { role, index, restarts, marks: args },
      {
        command: this.options.node,
        args: [...flags, '--enable-source-maps', this.options.engineFile, ...args],
        logFile: files.logFile(process),
        // Few arenas: glibc's default keeps freed memory per thread.
        env: { ...globalThis.process.env, MALLOC_ARENA_MAX: '2', ...secrets },
      },
      this.hooks(name, epoch),
    );
    processes.set(process, started);
  }

  private hooks(name: string, epoch: number): { changed: () => void; now: () => number } {
    return {
      now: this.options.now,
      changed: () => {
        this.cleanUp(name, epoch);
        for (const listener of this.listeners) listener({ namespace: LOCAL_NAMESPACE, name });
      },
    };
  }

  private adopt(name: string, epoch: number): void {
    const directory = attemptDirectory(this.options.directory, name, epoch);
    for (const file of namesIn(directory)) {
      const [, process, index] = /^(jobmanager|taskmanager-(\d+))\.process\.json$/.exec(file) ?? [];
      if (process === undefined) continue;
      const configured = ['--config-dir', resolve(directory)];
      const known: Parameters<typeof ManagedProcess.adopt>[1] =
        index === undefined
          ? { role: 'JobManager', index: 0, marks: ['jobmanager', ...configured] }
          : { role: 'TaskManager', index: Number(index), marks: [...configured, resourceId(name, epoch, index, 0)] };
      const adopted = ManagedProcess.adopt(join(directory, file), known, this.hooks(name, epoch));
      if (adopted !== null) this.processesOf(name, epoch).set(process, adopted);
    }
    if (!this.attempts.has(name)) this.attempts.set(name, new Map());
  }

  private processesOf(name: string, epoch: number): Processes {
    const epochs = this.attempts.get(name) ?? new Map<number, Processes>();
    this.attempts.set(name, epochs);
    const processes = epochs.get(epoch) ?? new Map<string, ManagedProcess>();
    epochs.set(epoch, processes);
    return processes;
  }

  /** Spilled data of an attempt goes with its last process. */
  private cleanUp(name: string, epoch: number): void {
    const processes = [...(this.attempts.get(name)?.get(epoch)?.values() ?? [])];
    if (processes.some((process) => process.record.exit === null)) return;
    rmSync(attemptFiles(this.options.directory, name, epoch).temporaryDirectory, { recursive: true, force: true });
  }

  private prune(name: string, epoch: number): void {
    const epochs = this.attempts.get(name);
    for (const old of epochsOnRecord(this.options.directory, name).filter((e) => e <= epoch - ATTEMPTS_KEPT)) {
      if ([...(epochs?.get(old)?.values() ?? [])].some((process) => process.runs())) continue;
      epochs?.delete(old);
      rmSync(attemptDirectory(this.options.directory, name, old), { recursive: true, force: true });
    }
  }
}

const resourceId = (name: string, epoch: number, index: number | string, restarts: number): string =>
  `${name}-${epoch}-taskmanager-${index}${restarts === 0 ? '' : `-${restarts}`}`;

/** As a pod that waits for its Secret is seen. */
const waitingView = ({ epoch, trouble }: { epoch: number; trouble: string }): ProcessView => ({
  epoch,
  role: 'JobManager',
  index: 0,
  state: 'Running',
  exit: null,
  restarts: 0,
  pending: { trouble },
});
