// A Flink session cluster of one JobManager and one TaskManager as plain processes, and SQL jobs on it over REST.
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, cpSync, mkdirSync, openAsBlob, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { flattenConfig } from '../../../engine/config.ts';

export interface FlinkJobResult {
  state: string;
  /** Milliseconds, as Flink's REST API reports the job's duration. */
  duration: number;
  /** Completed checkpoints. */
  checkpoints: number;
}

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
   * Starts a JobManager and a TaskManager with `slots` task slots and waits until the latter is registered. `work` receives conf and logs; `config` comes
   * on top of what this sets.
   */
  static async start(
    home: string,
    work: string,
    slots: number,
    config: Record<string, string | number> = {},
  ): Promise<FlinkCluster> {
    const conf = join(work, 'conf');
    mkdirSync(join(work, 'log'), { recursive: true });
    cpSync(join(home, 'conf'), conf, { recursive: true });
    const [rpc, rest] = [await freePort(), await freePort()];
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
      const child = spawn(join(home, 'bin', script), ['start-foreground'], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const log = createWriteStream(join(logs, 'out'));
      child.stdout.pipe(log);
      child.stderr.pipe(log);
      return child;
    };
    const cluster = new FlinkCluster(`http://localhost:${rest}`, launch);
    cluster.launchTaskManager();
    try {
      await cluster.until('a registered TaskManager', 90, async () => {
        const overview = (await cluster.get('/overview').catch(() => ({}))) as { 'slots-total'?: number };
        return overview['slots-total'] === slots;
      });
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
    let job: { state: string; duration: number } = { state: 'CREATED', duration: 0 };
    await this.until('the end of the job', 600, async () => {
      job = (await this.get(`/jobs/${jobId}`)) as typeof job;
      return ['FINISHED', 'FAILED', 'CANCELED'].includes(job.state);
    });
    const checkpoints = (await this.get(`/jobs/${jobId}/checkpoints`)) as { counts: { completed: number } };
    return { state: job.state, duration: job.duration, checkpoints: checkpoints.counts.completed };
  }

  /** Submits a SQL script with one INSERT; returns the job's id. */
  async submit(sqlFile: string, parallelism: number): Promise<string> {
    const body = {
      entryClass: 'org.apache.flink.table.runtime.application.SqlDriver',
      programArgsList: ['--scriptUri', `file://${sqlFile}`],
      parallelism,
    };
    const response = await fetch(`${this.rest}/jars/${this.jarId}/run`, { method: 'POST', body: JSON.stringify(body) });
    const answer = (await response.json()) as { jobid?: string; errors?: string[] };
    if (answer.jobid === undefined)
      throw new Error(`Flink refused the script: ${answer.errors?.join('\n').slice(0, 2000)}`);
    return answer.jobid;
  }

  async stop(): Promise<void> {
    for (const child of [this.jobManager, ...this.taskManagers]) {
      if (child.exitCode !== null || child.pid === undefined) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([gone, delay(10_000, undefined, { ref: false })]);
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    }
  }

  private async get(path: string): Promise<unknown> {
    return (await fetch(this.rest + path)).json();
  }

  private async until(what: string, seconds: number, done: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
      await delay(100);
    }
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
