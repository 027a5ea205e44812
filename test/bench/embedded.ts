// Runs one SQL script on the embedded engine as its processes run it anywhere: a JobManager and a TaskManager from dist/.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Endpoints } from '../../engine/config.ts';

export interface EmbeddedJobResult {
  state: string;
  /** Milliseconds between start-time and end-time of the job, as its REST API reports. */
  duration: number;
  /** Completed checkpoints. */
  checkpoints: number;
  /** Peak resident memory, MiB. */
  jobManagerMiB: number;
  taskManagerMiB: number;
  /** CPU seconds of the TaskManager. */
  taskManagerCpu: number;
}

export interface EmbeddedOptions {
  sql: string;
  slots: number;
  mode: 'STREAMING' | 'BATCH';
  /** Extra configuration. */
  config?: Record<string, string | number>;
}

/** Runs to the end of the job; `work` is an empty folder for configuration, logs and state. */
export async function runEmbedded(work: string, options: EmbeddedOptions): Promise<EmbeddedJobResult> {
  mkdirSync(join(work, 'state'), { recursive: true });
  mkdirSync(join(work, 'tmp'), { recursive: true });
  const endpointsFile = join(work, 'endpoints.json');
  const config = {
    'rest.port': 0,
    'jobmanager.rpc.port': 0,
    'taskmanager.numberOfTaskSlots': options.slots,
    'parallelism.default': options.slots,
    'execution.runtime-mode': options.mode,
    'flowjob.state.dir': join(work, 'state'),
    'io.tmp.dirs': join(work, 'tmp'),
    'flowjob.endpoints-file': endpointsFile,
    ...options.config,
  };
  writeFileSync(join(work, 'config.yaml'), stringify(config));
  writeFileSync(join(work, 'job.sql'), options.sql);
  const launch = (role: string, args: string[]): ChildProcess => {
    const log = openSync(join(work, `${role}.log`), 'w');
    return spawn(process.execPath, [join('dist', 'engine.js'), role, '--config-dir', work, ...args], {
      stdio: ['ignore', log, log],
    });
  };
  const jobArgs = ['--job-id', '0'.repeat(31) + '1', '--attempt-epoch', '1', '--sql-file', join(work, 'job.sql')];
  const processes = [launch('jobmanager', jobArgs), launch('taskmanager', ['--resource-id', 'taskmanager-0'])];
  try {
    return await observe(endpointsFile, processes);
  } finally {
    for (const child of processes) if (child.exitCode === null) child.kill('SIGKILL');
  }
}

async function observe(endpointsFile: string, [jobManager, taskManager]: ChildProcess[]): Promise<EmbeddedJobResult> {
  const deadline = Date.now() + 600_000;
  for (;;) {
    if (Date.now() > deadline) throw new Error('the job did not end within 10 minutes');
    for (const [role, child] of [
      ['JobManager', jobManager],
      ['TaskManager', taskManager],
    ] as const)
      if (child!.exitCode !== null) throw new Error(`the ${role} ended with code ${child!.exitCode}; see its log`);
    await delay(20);
    if (!existsSync(endpointsFile)) continue;
    const { restUrl, jobId } = JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints;
    const status = await getJson<{ status?: string }>(`${restUrl}/jobs/${jobId}/status`);
    if (status.status === undefined || !['FINISHED', 'FAILED', 'CANCELED'].includes(status.status)) continue;
    const job = await getJson<{ duration: number }>(`${restUrl}/jobs/${jobId}`);
    const checkpoints = await getJson<{ counts?: { completed: number } }>(`${restUrl}/jobs/${jobId}/checkpoints`);
    return {
      state: status.status,
      duration: job.duration,
      checkpoints: checkpoints.counts?.completed ?? 0,
      jobManagerMiB: peakMemory(jobManager!.pid!),
      taskManagerMiB: peakMemory(taskManager!.pid!),
      taskManagerCpu: cpuSeconds(taskManager!.pid!),
    };
  }
}

async function getJson<T>(url: string): Promise<Partial<T> & T> {
  return (await fetch(url).then(
    (response) => response.json(),
    () => ({}),
  )) as T;
}

/** Peak resident memory of a process in MiB; NaN where /proc is not there. */
export function peakMemory(pid: number): number {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '';
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024;
}

/** User and system CPU seconds of a process; NaN where /proc is not there. */
export function cpuSeconds(pid: number): number {
  if (!existsSync(`/proc/${pid}/stat`)) return NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
