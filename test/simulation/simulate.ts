// One simulated history of a job, from its seed: the engine's own code amid faults, watched by an observer with books of its own.
import { LocalCheckpointStorage } from '../../engine/checkpoint/local-storage.ts';
import { connectorsOn, type Connectors } from '../../engine/connectors/registry.ts';
import type { PlanJob } from '../../engine/jobmanager/prepare-job.ts';
import { planScript } from '../../engine/plan/plan-script.ts';
import type { ExecPlan } from '../../engine/plan/exec-plan.ts';
import type { FileSystem } from '../../engine/storage/file-system.ts';
import { OutputBooks } from './books.ts';
import { Cluster, STATE_DIRECTORY, type Parts } from './cluster.ts';
import { SimDisk } from './disk.ts';
import { scheduleFaults, type FaultCounts } from './faults.ts';
import { ledgerSink } from './ledger.ts';
import { leftOver } from './left-over.ts';
import { SimNetwork } from './network.ts';
import { Random } from './random.ts';
import { restoreAgain } from './restore-again.ts';
import { makeSchedule, type Schedule } from './schedule.ts';
import { StateAudit } from './state-audit.ts';
import { Supervisor } from './supervisor.ts';
import { TemporaryDisks } from './temporary-disk.ts';
import { expectedLines, OUTPUT, WORKLOADS } from './workloads.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  /** Instead of the one that the seed makes. */
  schedule?: Schedule;
  /** Keeps lines of what happened. */
  trace?: boolean;
  /** Parts of the engine with a defect planted. */
  parts?: Partial<Parts>;
}

export interface SimulationResult {
  seed: number;
  schedule: Schedule;
  /** None: the engine has kept its promises. */
  violations: string[];
  /** The disk has lied, and the engine has refused by this error to go on from what is left. */
  refused: string | null;
  /** Equal for equal histories. */
  hash: number;
  events: number;
  /** Virtual milliseconds. */
  time: number;
  /** Faults that hit something, by kind. */
  faults: FaultCounts;
  /** Bytes of temporary files: results between stages of a batch, state that was spilled. */
  temporaryBytes: number;
  /** Savepoints taken, checked and kept. */
  savepoints: number;
  jobManagers: number;
  trace: string[] | null;
}

/** After the faults, progress is due within so much virtual time. */
const PATIENCE = 240_000;
/** How long what was suspended may go on beside its successors, after the job's end. */
const AFTERMATH = 130_000;
const MAX_EVENTS = 400_000;

const LOG_ENTRY = new RegExp(`^${STATE_DIRECTORY}/log/\\d{16}$`);

const HONEST: Parts = {
  storage: (storage) => storage,
  fileSystem: (fileSystem) => fileSystem,
};

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const schedule = options.schedule ?? makeSchedule(seed);
  const world = new World(seed, options.trace === true);
  const network = new SimNetwork(world, seed);
  const disk = new SimDisk(world, seed);
  const temporary = new TemporaryDisks(world, disk, seed, schedule.oneMachine);
  const workload = WORKLOADS[schedule.workload]!;
  const books = new OutputBooks(disk, OUTPUT, workload.changes, await expectedLines(workload, schedule.rows));
  const cluster = new Cluster({
    world,
    network,
    disk,
    temporary,
    connectors: simulatedConnectors,
    plan: planOnce,
    parts: { ...HONEST, ...options.parts },
  });
  const observer = new LocalCheckpointStorage(STATE_DIRECTORY, disk.of(null), 'observer');
  const audit = new StateAudit(observer, Number(schedule.config['execution.checkpointing.num-retained'] ?? 1));
  disk.onChange = (path) => {
    books.changed(path);
    const inode = LOG_ENTRY.test(path) ? disk.inode(path) : undefined;
    if (inode !== undefined) audit.logged(inode.bytes.subarray(0, inode.length));
  };
  const supervisor = new Supervisor({
    world,
    cluster,
    schedule,
    sql: () => workload.sql(schedule.rows, schedule.rate, OUTPUT),
    readResult: async (jobId) => observer.readJobResult(jobId),
  });
  const faults = scheduleFaults(schedule.faults, {
    world,
    network,
    disk,
    temporary,
    cluster,
    supervisor,
    powerLost: () => {
      books.reread();
      audit.forget();
    },
  });
  supervisor.start();

  const violations: string[] = [];
  let refused: string | null = null;
  const looks = new Random(seed, 'audit');
  const watch = (): void => {
    if (books.violations.length > 0 || audit.violations.length > 0 || supervisor.result !== null) {
      world.stop();
      return;
    }
    world.after(world.fate, 40, 'watch', watch);
    // All of it happens at this moment: nothing else runs before it is through.
    if (!disk.betrayed && looks.chance(0.06)) void audit.checkNewest(supervisor.jobId);
  };
  watch();
  const ended = await world.run(schedule.faultsEnd + PATIENCE, MAX_EVENTS);
  const left = ended ? '' : supervisor.describe();
  if (!ended && disk.betrayed && isRefusal(left)) refused = left;
  else if (!ended) violations.push(`the job has made no end within ${PATIENCE} ms after the faults: ${left}`);
  else if (books.violations.length === 0) {
    await world.run(world.time + AFTERMATH, MAX_EVENTS);
    const { result } = supervisor;
    if (result?.state === 'FINISHED') books.checkComplete();
    else if (disk.betrayed && result?.state === 'FAILED' && isRefusal(result.failure ?? '')) refused = result.failure;
    else violations.push(`the job is ${result?.state ?? 'without end'}: ${result?.failure ?? ''}`);
  }
  violations.push(...books.violations);
  // Files that could not be removed are told of in the log, and stay.
  if (violations.length === 0 && refused === null && faults.diskErrors === undefined && faults.lyingDisk === undefined)
    for (const path of leftOver(disk, cluster, OUTPUT))
      violations.push(`${path} is left behind by jobs that have ended`);
  for (const path of cluster.litter) violations.push(`${path} was left behind by a TaskManager that ended by itself`);
  if (violations.length === 0 && refused === null && !disk.betrayed) {
    await audit.checkSavepoints(supervisor.savepoints.map(({ path }) => path));
    const savepoint = supervisor.savepoints.at(-1);
    if (audit.violations.length === 0 && savepoint !== undefined && schedule.restoreAt !== null)
      violations.push(
        ...(await restoreAgain({ world, disk, cluster, schedule, books, observer, supervisor }, savepoint.path)),
      );
  }
  violations.push(...audit.violations);
  return {
    seed,
    schedule,
    violations,
    refused,
    hash: world.hash,
    events: world.events,
    time: world.time,
    faults,
    temporaryBytes: temporary.written,
    savepoints: supervisor.savepoints.length,
    jobManagers: supervisor.jobManagersStarted,
    trace: world.trace,
  };
}

/** The state cannot be restored from, and the message names the file. */
function isRefusal(failure: string): boolean {
  return /\/state\/\S+ cannot be (restored from|used): /.test(failure);
}

function simulatedConnectors(fileSystem: FileSystem): Connectors {
  const real = connectorsOn(fileSystem);
  const ledger = ledgerSink(real.sink({ name: '', connector: 'filesystem', options: {}, schema: [] }));
  return {
    ...real,
    sink: (table) => (table.connector === 'ledger' ? ledger : real.sink(table)),
  };
}

const plans = new Map<string, string>();

/** Plans are the same in every history: made once, handed out as copies. */
const planOnce: PlanJob = (sql, options) => {
  const key = `${options.parallelism}\n${options.mode}\n${sql}`;
  let plan = plans.get(key);
  if (plan === undefined) plans.set(key, (plan = JSON.stringify(planScript(sql, options))));
  return JSON.parse(plan) as ExecPlan;
};
