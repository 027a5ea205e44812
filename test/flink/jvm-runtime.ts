// The operator's port "where JobManager and TaskManagers run" with Flink's JVMs on this machine, started by the command lines and with the configuration that
// their pods get: for tests of the operator with Apache Flink and without Kubernetes. Of one job; a JobManager that is lost is not told of.
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { FlinkVersion } from '../../src/api/engine.ts';
import type { ObjectKey } from '../../src/api/object.ts';
import type { Attempt } from '../../src/api/status.ts';
import { taskManagersOf } from '../../src/api/task-managers.ts';
import {
  FLINK_ENVIRONMENT,
  jobManagerCommand,
  LOG_CONFIG,
  logProperties,
  sessionCommand,
  taskManagerCommand,
} from '../../src/engine-client/flink/command.ts';
import { flinkConfig } from '../../src/engine-client/flink/config.ts';
import { stateFiles } from '../../src/engine-client/flink/state-files/by-scheme.ts';
import { viewStateFolder } from '../../src/engine-client/flink/state-folder.ts';
import type { ProcessView, StorageView } from '../../src/lifecycle/observation.ts';
import { DRIVER_JAR, DRIVER_JAR_CONTENT, UPLOADS } from '../../src/engine-client/flink/driver-jar.ts';
import { SQL_DRIVER, sqlArguments } from '../../src/engine-client/flink/submission.ts';
import type { AttemptPlan, Connection, Runtime, StartAhead, StorageQuestion } from '../../src/runtime/port.ts';
import { freePorts } from '../kubernetes/ports.ts';
import { endWithStarter } from './session-cluster.ts';

interface Jvm extends ProcessView {
  child: ChildProcess;
  asked: boolean;
}

/** Folders of Flink's distributions, of the versions that the job names. */
export type FlinkHomes = Readonly<Partial<Record<FlinkVersion, string>>>;

const ADDRESS = '127.0.0.1';

export class JvmRuntime implements Runtime {
  /** As in pods; what people are led to there is nothing here. */
  readonly ahead: StartAhead = {
    supports: ({ engine, mode, job, upgrade }) =>
      upgrade.startBeforeStop !== false && mode !== 'Batch' && job.jar === undefined && engine.version !== '1.20',
    ensure: async (plan) => this.ensureProcesses(plan, []),
    refusal: () => null,
    drop: (_, epoch) => this.stop((one) => one.epoch === epoch),
    submission: ({ attempt, spec }) => ({
      jar: DRIVER_JAR,
      jobId: attempt.jobId,
      entryClass: SQL_DRIVER,
      programArgs: sqlArguments({ file: this.scriptOf(attempt.epoch) }),
      parallelism: spec.job.parallelism,
      restoreFrom: attempt.restoreFrom,
      allowNonRestoredState: attempt.allowNonRestoredState,
    }),
    takeOver: async () => {},
  };
  private readonly homes: FlinkHomes;
  private readonly work: string;
  private readonly jvms: Jvm[] = [];
  private readonly rest = new Map<number, number>();
  private listener: (key: ObjectKey) => void = () => undefined;
  private key: ObjectKey | null = null;

  /** `work` receives state, configuration and logs. */
  constructor(homes: FlinkHomes, work: string) {
    this.homes = homes;
    this.work = work;
  }

  jobs(): ObjectKey[] {
    return this.key === null ? [] : [this.key];
  }

  processes(): ProcessView[] {
    const newest = this.jvms.filter((one) => one.state === 'Running' || !one.asked);
    return newest.map(({ child: _child, asked: _asked, ...view }) => view);
  }

  ended(): ProcessView[] {
    return [];
  }

  refusal(): null {
    return null;
  }

  async connection(_: ObjectKey, { epoch }: Attempt): Promise<Connection | null> {
    const port = this.rest.get(epoch);
    return port === undefined ? null : { url: `http://${ADDRESS}:${port}`, token: null };
  }

  async ensureProcesses(plan: AttemptPlan, skip: readonly number[]): Promise<void> {
    const { attempt, spec, key } = plan;
    this.key = key;
    const { epoch } = attempt;
    const folder = join(this.work, `attempt-${epoch}`);
    const home = this.homes[spec.engine.version!]!;
    const folders = { config: join(folder, 'conf'), temporary: join(folder, 'tmp') };
    if (!this.rest.has(epoch)) {
      const [rest, rpc] = (await freePorts(2)) as [number, number];
      this.rest.set(epoch, rest);
      for (const one of Object.values(folders)) mkdirSync(one, { recursive: true });
      const script = this.scriptOf(epoch);
      if (spec.job.sql !== undefined) writeFileSync(script, spec.job.sql.inline);
      writeFileSync(join(folders.config, LOG_CONFIG), logProperties(spec, folders.temporary));
      const config = flinkConfig(key.name, spec, { state: `file://${this.work}/state`, temporary: folders.temporary });
      const ports = { 'rest.port': rest, 'jobmanager.rpc.port': rpc, 'blob.server.port': 0 };
      const free = { 'taskmanager.rpc.port': 0, 'taskmanager.data.port': 0 };
      const uploads = join(folder, UPLOADS);
      mkdirSync(uploads);
      writeFileSync(join(uploads, DRIVER_JAR), Buffer.from(DRIVER_JAR_CONTENT, 'base64'));
      const submitted = attempt.session === true ? { 'web.submit.enable': 'true', 'web.upload.dir': folder } : {};
      const all = { ...config, ...ports, ...free, ...submitted };
      writeFileSync(join(folders.config, 'config.yaml'), stringify(all, { lineWidth: 0 }));
      const { jobId, restoreFrom, resumeFrom, allowNonRestoredState } = attempt;
      const files = { script, jar: '' };
      const flink = { jobId, files, restoreFrom: resumeFrom ?? restoreFrom, allowNonRestoredState };
      const command =
        attempt.session === true
          ? sessionCommand(spec, flink, folders, ADDRESS)
          : jobManagerCommand(spec, flink, folders, ADDRESS);
      this.start({ epoch, role: 'JobManager', index: 0 }, home, command);
    }
    for (const index of taskManagersOf(attempt, spec.taskManager.replicas)) {
      const runs = this.jvms.some((one) => one.epoch === epoch && one.role === 'TaskManager' && one.index === index);
      if (skip.includes(index) || runs) continue;
      const resourceId = `${key.name}-${epoch}-taskmanager-${index}`;
      const memory = plan.taskManagerMemory ?? spec.taskManager.resources.limits.memory;
      const place = { resourceId, memory, address: ADDRESS, jobManagerAddress: ADDRESS, session: attempt.session };
      this.start({ epoch, role: 'TaskManager', index }, home, taskManagerCommand(spec, folders, place));
    }
  }

  stopProcesses(_: ObjectKey, epoch: number): void {
    this.stop((one) => one.epoch <= epoch);
  }

  stopTaskManagers(_: ObjectKey, epoch: number, keep: readonly number[]): void {
    this.stop((one) => one.epoch === epoch && one.role === 'TaskManager' && !keep.includes(one.index));
  }

  async newImages(): Promise<null> {
    return null;
  }

  async storage({ savepoint, ...question }: StorageQuestion): Promise<StorageView> {
    const path = savepoint === undefined ? {} : { savepoint: savepoint.path };
    return {
      epoch: 0,
      ...(await viewStateFolder(await stateFiles(undefined), `${this.work}/state`, { ...question, ...path })),
    };
  }

  savepointFolder(): string {
    return `file://${this.work}/state/savepoints`;
  }

  claimOf(): null {
    return null;
  }

  async disposeSavepoint(): Promise<void> {}

  async removeState(): Promise<void> {}

  async forget(): Promise<void> {}

  onChange(listener: (key: ObjectKey) => void): void {
    this.listener = listener;
  }

  /** Unlike other runtimes this one ends what it runs, with what that has started: Python outlives a JVM that is killed. */
  close(): void {
    for (const { child, state } of this.jvms) if (state === 'Running') process.kill(-child.pid!, 'SIGKILL');
  }

  private scriptOf(epoch: number): string {
    return join(this.work, `attempt-${epoch}`, 'job.sql');
  }

  private start(
    { epoch, role, index }: Pick<ProcessView, 'epoch' | 'role' | 'index'>,
    home: string,
    command: readonly string[],
  ): void {
    const own = (text: string): string => text.replaceAll('/opt/flink', home);
    const [program, ...args] = [...endWithStarter(), ...command].map(own);
    const env = Object.fromEntries(Object.entries(FLINK_ENVIRONMENT).map(([name, value]) => [name, own(value)]));
    const child = spawn(program!, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own.
      detached: true,
    });
    const log = createWriteStream(join(this.work, `${role}-${epoch}-${index}.log`));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const jvm: Jvm = { epoch, role, index, state: 'Running', exit: null, restarts: 0, child, asked: false };
    child.once('exit', () => {
      jvm.state = 'Exited';
      jvm.exit = { at: Date.now(), asked: jvm.asked, reason: `exit code ${child.exitCode}` };
      if (this.key !== null) this.listener(this.key);
    });
    this.jvms.push(jvm);
  }

  private stop(which: (jvm: Jvm) => boolean): void {
    for (const jvm of this.jvms) {
      if (jvm.state !== 'Running' || jvm.asked || !which(jvm)) continue;
      jvm.asked = true;
      jvm.child.kill('SIGTERM');
    }
  }
}
