// A Flink session cluster as plain processes on this machine: a JobManager, TaskManagers, and SQL jobs on them over REST.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  openAsBlob,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { flattenConfig } from '../../engine/config.ts';
import { InVain, until } from '../harness/until.ts';
import { freePorts } from '../kubernetes/ports.ts';

export interface FlinkJobResult {
  state: string;
  /** Milliseconds, as Flink's REST API reports the job's duration. */
  duration: number;
  /** Completed checkpoints. */
  checkpoints: number;
}

export type FlinkConfig = Record<string, string | number>;

/** On top of the defaults, for tests, which share the machine with each other: JVMs of 1 and 1.2 GiB with little set aside for what small jobs do not use. */
export const SMALL: FlinkConfig = {
  'taskmanager.memory.process.size': '1200m',
  'taskmanager.memory.managed.fraction': 0.1,
  'taskmanager.memory.jvm-overhead.min': '128m',
};

/** The adaptive scheduler, without the half minutes that it waits before and after it changes a job's parallelism. */
export const PROMPT_RESCALES: FlinkConfig = {
  'jobmanager.scheduler': 'adaptive',
  'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '0s',
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '0s',
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0s',
  'jobmanager.adaptive-scheduler.rescale-trigger.max-checkpoint-failures': 1,
  'jobmanager.adaptive-scheduler.rescale-trigger.max-delay': '100ms',
};

export class FlinkCluster {
  /** Address of the REST API. */
  readonly rest: string;
  /** Starts a script of the distribution in the foreground, with its logs in a folder of that name. */
  private readonly launch: (script: string, name: string) => ChildProcess;
  private readonly jobManager: ChildProcess;
  /** Those that were not killed, the oldest first. */
  readonly taskManagers: ChildProcess[] = [];
  private launched = 0;
  private jarId = '';

  private constructor(rest: string, launch: (script: string, name: string) => ChildProcess) {
    this.rest = rest;
    this.launch = launch;
    this.jobManager = launch('jobmanager.sh', 'jobmanager');
  }

  /**
   * Starts a JobManager and a TaskManager with `slots` task slots and waits until the latter is registered. `home` is the distribution's folder; `work`
   * receives conf and logs; `config` comes on top of what this sets. The processes end when this one does, however it ends (on Linux).
   */
  static async start(home: string, work: string, slots: number, config: FlinkConfig = {}): Promise<FlinkCluster> {
    const conf = join(work, 'conf');
    mkdirSync(join(work, 'log'), { recursive: true });
    cpSync(join(home, 'conf'), conf, { recursive: true });
    const [rpc, rest] = await freePorts(2);
    const options = {
      ...flattenConfig(parse(readFileSync(join(home, 'conf/config.yaml'), 'utf8'))),
      'jobmanager.rpc.address': 'localhost',
      'jobmanager.rpc.port': rpc,
      'jobmanager.bind-host': 'localhost',
      'jobmanager.memory.process.size': '1g',
      'taskmanager.bind-host': 'localhost',
      'taskmanager.host': 'localhost',
      'taskmanager.memory.process.size': '4g',
      'taskmanager.numberOfTaskSlots': slots,
      'rest.port': rest,
      'rest.address': 'localhost',
      'rest.bind-address': 'localhost',
      'web.refresh-interval': 100,
      ...config,
    };
    writeFileSync(join(conf, 'config.yaml'), stringify(options, { lineWidth: 0 }));
    const launch = (script: string, name: string): ChildProcess => {
      const logs = join(work, 'log', name);
      mkdirSync(logs);
      const env = { ...process.env, FLINK_CONF_DIR: conf, FLINK_LOG_DIR: logs, FLINK_OPT_DIR: join(home, 'opt') };
      const command = [...endWithStarter(), join(home, 'bin', script), 'start-foreground'];
      const child = spawn(command[0]!, command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      const log = createWriteStream(join(logs, 'out'));
      child.stdout.pipe(log);
      child.stderr.pipe(log);
      return child;
    };
    const cluster = new FlinkCluster(`http://localhost:${rest}`, launch);
    cluster.launchTaskManager();
    try {
      const registered = async (): Promise<boolean> => {
        if ([cluster.jobManager, ...cluster.taskManagers].some(hasEnded)) throw new InVain('a process ended');
        const overview = (await cluster.get('/overview').catch(() => ({}))) as { 'slots-total'?: number };
        return overview['slots-total'] === slots;
      };
      const explain = (): string => logTails(join(work, 'log'));
      await until('a TaskManager of Flink is registered', registered, { seconds: 90, every: 100, explain });
      await cluster.uploadRunner(home);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Flink's own SqlDriver runs a script; it is in the table runtime's jar. */
  private async uploadRunner(home: string): Promise<void> {
    const jar = readdirSync(join(home, 'lib')).find((file) => file.startsWith('flink-table-runtime-'));
    if (jar === undefined) throw new Error('the Flink distribution has no flink-table-runtime jar');
    const form = new FormData();
    form.append('jarfile', await openAsBlob(join(home, 'lib', jar)), jar);
    const answer = (await (await fetch(`${this.rest}/jars/upload`, { method: 'POST', body: form })).json()) as {
      filename: string;
    };
    this.jarId = answer.filename.slice(answer.filename.lastIndexOf('/') + 1);
  }

  /** Starts one more TaskManager and returns at once. */
  launchTaskManager(): ChildProcess {
    const child = this.launch('taskmanager.sh', `taskmanager-${++this.launched}`);
    this.taskManagers.push(child);
    return child;
  }

  /** SIGKILL to the TaskManager that has run the longest. */
  killTaskManager(): void {
    const { pid } = this.taskManagers.shift()!;
    process.kill(-pid!, 'SIGKILL');
  }

  /** Runs a SQL script with one INSERT to its end. */
  async runSql(sqlFile: string, parallelism: number): Promise<FlinkJobResult> {
    const jobId = await this.submit(sqlFile, parallelism);
    const job = await until(
      'the job ends',
      async () => {
        const detail = (await this.get(`/jobs/${jobId}`)) as { state: string; duration: number };
        return ['FINISHED', 'FAILED', 'CANCELED'].includes(detail.state) ? detail : null;
      },
      { seconds: 600, every: 100 },
    );
    const checkpoints = (await this.get(`/jobs/${jobId}/checkpoints`)) as { counts: { completed: number } };
    return { state: job.state, duration: job.duration, checkpoints: checkpoints.counts.completed };
  }

  /** Submits a SQL script with one INSERT; returns the job's id: `jobId` where it is given (32 hexadecimal digits). */
  async submit(sqlFile: string, parallelism: number, jobId?: string): Promise<string> {
    const body = {
      entryClass: 'org.apache.flink.table.runtime.application.SqlDriver',
      programArgsList: ['--scriptUri', `file://${sqlFile}`],
      parallelism,
      ...(jobId === undefined ? {} : { jobId }),
    };
    const response = await fetch(`${this.rest}/jars/${this.jarId}/run`, { method: 'POST', body: JSON.stringify(body) });
    const answer = (await response.json()) as { jobid?: string; errors?: string[] };
    if (answer.jobid === undefined)
      throw new Error(`Flink refused the script: ${answer.errors?.join('\n').slice(0, 2000)}`);
    return answer.jobid;
  }

  /** Returns when all processes are gone. */
  async stop(): Promise<void> {
    const running = [this.jobManager, ...this.taskManagers].filter((child) => !hasEnded(child));
    await Promise.all(running.map(endGroup));
  }

  private async get(path: string): Promise<unknown> {
    return (await fetch(this.rest + path)).json();
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function endGroup(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid!, 'SIGTERM');
  await Promise.race([gone, delay(10_000, undefined, { ref: false })]);
  if (hasEnded(child)) return;
  process.kill(-child.pid!, 'SIGKILL');
  await gone;
}

/** Java does not look whether its starter still lives: the kernel does, where there is a program to tell it. */
export function endWithStarter(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file));
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
}

function logTails(folder: string): string {
  const outputs = readdirSync(folder).map((name) => join(folder, name, 'out'));
  return outputs
    .filter((file) => existsSync(file))
    .map((file) => `--- ${file}\n${readFileSync(file, 'utf8').slice(-2000)}`)
    .join('\n');
}
