// A savepoint that was acknowledged is worth something only if a job can go on from it: another job is started from it, without faults, at another
// parallelism. What it writes must be what the first job wrote behind the savepoint.
import { attemptOf, compareAttempts } from '../../engine/checkpoint/attempt.ts';
import type { CheckpointStorage, Manifest } from '../../engine/checkpoint/storage.ts';
import { OutputBooks, parsePart } from './books.ts';
import type { Cluster } from './cluster.ts';
import type { SimDisk } from './disk.ts';
import type { Schedule } from './schedule.ts';
import { Supervisor } from './supervisor.ts';
import { expectedLines, WORKLOADS } from './workloads.ts';
import type { World } from './world.ts';

const DIRECTORY = '/restored';
const PATIENCE = 120_000;

export interface RestoreContext {
  world: World;
  disk: SimDisk;
  cluster: Cluster;
  schedule: Schedule;
  books: OutputBooks;
  observer: CheckpointStorage;
  /** Of the job that has ended. */
  supervisor: Supervisor;
}

/** What is wrong; empty: nothing. */
export async function restoreAgain(context: RestoreContext, savepoint: string): Promise<string[]> {
  const { world, disk, cluster, schedule, books, observer, supervisor } = context;
  const manifest = await observer.readManifest(savepoint);
  const workload = WORKLOADS[schedule.workload]!;
  const before = books.linesWhere((path) => isBefore(path, manifest));
  const expected = await expectedLines(workload, schedule.rows);
  const restored = new OutputBooks(disk, DIRECTORY, workload.changes, expected, before);
  const first = disk.onChange;
  disk.onChange = (path, process) => {
    first(path, process);
    restored.changed(path);
  };
  const parallelism = schedule.restoreAt ?? 1;
  const next = new Supervisor({
    world,
    cluster,
    schedule: { ...schedule, parallelism, requests: [], faults: [] },
    sql: () => workload.sql(schedule.rows, 4 * schedule.rate, DIRECTORY),
    readResult: async (jobId) => observer.readJobResult(jobId),
    restore: { savepoint, epoch: supervisor.epoch + 1, jobId: 'f'.repeat(32) },
  });
  next.start();
  const watch = (): void => {
    if (next.result !== null || restored.violations.length > 0) world.stop();
    else world.after(world.fate, 20, 'watch', watch);
  };
  watch();
  const ended = await world.run(world.time + PATIENCE, Infinity);
  const where = `a job restored from ${savepoint} at parallelism ${parallelism}`;
  if (!ended) return [`${where} has made no end: ${next.describe()}`];
  if (next.result?.state === 'FINISHED') restored.checkComplete();
  else if (restored.violations.length === 0) return [`${where} is ${next.result?.state}: ${next.result?.failure}`];
  return restored.violations.map((violation) => `${where}: ${violation}`);
}

/**
 * A savepoint without files is no step back for the attempts behind it, which
 * may count on from a checkpoint before it: what they write comes after.
 */
function isBefore(path: string, savepoint: Manifest): boolean {
  const { attempt, checkpointId } = parsePart(path);
  return compareAttempts(attempt, attemptOf(savepoint)) <= 0 && checkpointId <= savepoint.checkpointId;
}
