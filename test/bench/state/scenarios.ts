// What is measured of a job with state, on either engine: each scenario is one job, from the savepoint of the first.
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../report.ts';
import { settle, type StateCluster } from './cluster.ts';
import { epochMs, until, type CheckpointSummary, type RunningJob } from './job.ts';
import { script, UNTHROTTLED } from './workload.ts';

/** No periodic checkpoint comes during a measurement: those that count are asked for. */
const NO_PERIODIC = { 'execution.checkpointing.interval': '1h' };

/** Long enough for the first output after a failure, even where it is noticed by a missing heartbeat. */
const RECOVERY_SECONDS = 60;

export interface Plan {
  keys: number;
  /** Rows per second of the jobs that are killed, rescaled and stopped. */
  steadyRate: number;
  /** Pairs of measurements without and with checkpoints, and the seconds of each. */
  pairs: number;
  seconds: number;
  kills: number;
  rescales: number;
}

/** A job that has seen nearly every key, stopped with a savepoint. */
export async function fill(
  cluster: StateCluster,
  { keys }: Plan,
  settings: Record<string, string>,
): Promise<{ savepoint: string; stopSeconds: number }> {
  const sql = script({
    keys,
    skew: false,
    rowsPerSecond: UNTHROTTLED,
    sink: 'blackhole',
    settings: { ...settings, ...NO_PERIODIC },
  });
  const job = await cluster.startJob(sql, null);
  await until('the state to fill', 120, async () => ((await job.rowsSent()) >= 4 * keys ? true : null), 100);
  const { path, seconds } = await job.stopWithSavepoint();
  await cluster.endJob();
  return { savepoint: path, stopSeconds: seconds };
}

export interface Overhead {
  /** Medians of rows per second. */
  without: number;
  withCheckpoints: number;
  /** Median over the pairs of the share lost, percent; negative when checkpoints seemed to help. */
  lossPercent: number;
  checkpoints: CheckpointSummary[];
  stopSeconds: number;
}

/**
 * Throughput at full speed, without checkpoints and with one begun every second, in turn on one running job: what differs between two processes
 * (compilation, memory layout, other work on the machine) is then on both sides.
 */
export async function overhead(
  cluster: StateCluster,
  plan: Plan,
  savepoint: string,
  skew: boolean,
  settings: Record<string, string>,
): Promise<Overhead> {
  const sql = script({
    keys: plan.keys,
    skew,
    rowsPerSecond: UNTHROTTLED,
    sink: 'blackhole',
    settings: { ...settings, ...NO_PERIODIC },
  });
  const job = await cluster.startJob(sql, savepoint);
  await delay(3000);
  const plain = [await job.rate(plan.seconds)];
  const checkpointed: number[] = [];
  const checkpoints: CheckpointSummary[] = [];
  for (let pair = 0; pair < plan.pairs; pair++) {
    const taking = checkpointEverySecond(job, plan.seconds);
    checkpointed.push(await job.rate(plan.seconds));
    checkpoints.push(...(await taking));
    await settle();
    plain.push(await job.rate(plan.seconds));
  }
  const { seconds } = await job.stopWithSavepoint();
  await cluster.endJob();
  const losses = checkpointed.map((rate, i) => 100 * (1 - rate / ((plain[i]! + plain[i + 1]!) / 2)));
  return {
    without: median(plain),
    withCheckpoints: median(checkpointed),
    lossPercent: median(losses),
    checkpoints,
    stopSeconds: seconds,
  };
}

/** Begins one each second, or when the one before has ended, as an interval of 1 s does. */
async function checkpointEverySecond(job: RunningJob, seconds: number): Promise<CheckpointSummary[]> {
  const taken: CheckpointSummary[] = [];
  const begin = performance.now();
  for (;;) {
    taken.push(await job.checkpoint());
    const due = begin + Math.ceil((performance.now() - begin) / 1000) * 1000;
    if (due >= begin + seconds * 1000) return taken;
    await delay(due - performance.now());
  }
}

export interface Recovery {
  /** Seconds from the SIGKILL to the first line of a print sink. */
  seconds: number;
  /** Its parts, seconds: until the failure is noticed, until tasks are deployed, their restore, from there to the first line. */
  detection: number;
  backOff: number;
  restore: number;
  firstOutput: number;
}

/**
 * SIGKILL of the TaskManager that runs the job. Where the next one stands by it is there before; else it is started in the moment of the kill.
 * At a steady rate, checkpoints every second.
 */
export async function recovery(cluster: StateCluster, job: RunningJob, standby: boolean): Promise<Recovery> {
  if (standby) {
    cluster.launchTaskManager();
    await cluster.registered(2);
    await delay(1500);
  }
  const before = (await job.checkpoints())[0]?.id ?? 0;
  await until('a checkpoint', 60, async () => (((await job.checkpoints())[0]?.id ?? 0) > before ? true : null));
  const killed = epochMs();
  cluster.killTaskManager();
  if (!standby) cluster.launchTaskManager();
  // What the dead one had written may still be in the pipe.
  const drained = killed + 20;
  const first = await until(
    'output after the kill',
    RECOVERY_SECONDS,
    async () => cluster.output.firstAfter(drained),
    5,
  );
  await job.running();
  const failedAt = await job.failedAt();
  const phases = await job.phases();
  const { deploying, initializing } = phases;
  // One subtask may have told of its rows before the other one had its state.
  const running = Math.min(phases.running, first);
  return {
    seconds: (first - killed) / 1000,
    detection: (failedAt - killed) / 1000,
    backOff: (deploying - failedAt) / 1000,
    restore: (running - initializing) / 1000,
    firstOutput: (first - running) / 1000,
  };
}

/**
 * Seconds without any output of the print sink while the job goes to another parallelism, and until it has it; null when the engine cannot.
 */
export async function rescale(
  cluster: StateCluster,
  job: RunningJob,
  parallelism: number,
): Promise<{ pause: number; total: number } | null> {
  const asked = epochMs();
  if (!(await job.rescale(parallelism))) return null;
  await until(`parallelism ${parallelism}`, RECOVERY_SECONDS, async () => {
    const { state, vertices } = await job.detail();
    const there = state === 'RUNNING' && vertices.every((vertex) => vertex.parallelism === parallelism);
    return there && vertices.every(({ status }) => status === 'RUNNING') ? true : null;
  });
  const first = await until('output', 20, async () => cluster.output.firstAfter(epochMs() - 10), 5);
  return { pause: cluster.output.longestGap(asked, first, 'all') / 1000, total: (first - asked) / 1000 };
}

/** The longest silence of a subtask's print sink while a checkpoint was taken, and while none was; medians in milliseconds over `count`. */
export async function barrierPause(
  cluster: StateCluster,
  job: RunningJob,
  count: number,
): Promise<{ during: number; without: number }> {
  const during: number[] = [];
  const without: number[] = [];
  for (let i = 0; i < count; i++) {
    const quiet = epochMs();
    await delay(700);
    without.push(cluster.output.longestGap(quiet, epochMs() - 100, 'subtask'));
    const { triggered, duration } = await job.checkpoint();
    await delay(300);
    during.push(cluster.output.longestGap(triggered, triggered + duration, 'subtask'));
  }
  return { during: median(during), without: median(without) };
}

export function steadyScript(plan: Plan, interval: string, settings: Record<string, string>): string {
  return script({
    keys: plan.keys,
    skew: false,
    rowsPerSecond: plan.steadyRate,
    sink: 'print',
    settings: { ...settings, 'execution.checkpointing.interval': interval },
  });
}

/** Rows per second at full speed on uniform keys, without checkpoints. The savepoint is restored before, which spills what has no room. */
export async function throughput(cluster: StateCluster, plan: Plan, savepoint: string): Promise<number> {
  const sql = script({
    keys: plan.keys,
    skew: false,
    rowsPerSecond: UNTHROTTLED,
    sink: 'blackhole',
    settings: NO_PERIODIC,
  });
  const job = await cluster.startJob(sql, savepoint);
  await delay(3000);
  const rate = await job.rate(plan.seconds);
  await cluster.endJob();
  return rate;
}
