// Makes the faults of a schedule happen.
import type { Cluster } from './cluster.ts';
import type { SimDisk } from './disk.ts';
import type { SimNetwork } from './network.ts';
import type { Fault, ProcessFault } from './schedule.ts';
import type { Supervisor } from './supervisor.ts';
import type { TemporaryDisks } from './temporary-disk.ts';
import type { SimProcess, World } from './world.ts';

export interface FaultContext {
  world: World;
  network: SimNetwork;
  disk: SimDisk;
  temporary: TemporaryDisks;
  cluster: Cluster;
  supervisor: Supervisor;
  /** Names may have been lost. */
  powerLost: () => void;
}

/** Faults that hit something, by kind. */
export type FaultCounts = Partial<Record<Fault['type'], number>>;

export function scheduleFaults(faults: readonly Fault[], context: FaultContext): FaultCounts {
  const counts: FaultCounts = {};
  const { world } = context;
  const hit = (fault: Fault): void => {
    if (context.supervisor.result === null && inject(fault, context))
      counts[fault.type] = (counts[fault.type] ?? 0) + 1;
  };
  for (const fault of faults)
    world.at(world.fate, fault.at, fault.type, () => {
      const moment = 'moment' in fault ? fault.moment : null;
      const process = 'target' in fault ? alive(fault.target, context.supervisor) : null;
      if (moment === null || process === null) hit(fault);
      else
        world.behind(process, moment.label, moment.count, () => {
          if (moment.later === undefined) hit(fault);
          else world.after(world.fate, moment.later, 'later', () => hit(fault));
        });
    });
  return counts;
}

/** False: there was nothing to hit. */
function inject(fault: Fault, context: FaultContext): boolean {
  const { world, network, disk, temporary, cluster, supervisor } = context;
  const during = (ms: number, begin: () => void, end: () => void): true => {
    begin();
    world.after(world.fate, ms, 'recovered', end);
    return true;
  };
  switch (fault.type) {
    case 'kill':
    case 'pause':
      return hitProcess(fault, context);
    case 'secondJobManager':
      supervisor.startSuccessor();
      return true;
    case 'breakLinks': {
      const process = alive(fault.target, supervisor);
      return process !== null && network.breakLinks(process, fault.probability, fault.silent) > 0;
    }
    case 'partition': {
      const [a, b] = [alive(fault.a, supervisor), alive(fault.b, supervisor)];
      if (a === null || b === null || a === b) return false;
      network.partition(a, b, fault.ms);
      return true;
    }
    case 'slowNetwork':
      return during(
        fault.ms,
        () => (network.weather.slowness = fault.times),
        () => (network.weather.slowness = 1),
      );
    case 'slowDisk':
      return during(
        fault.ms,
        () => (disk.weather.slowness = fault.times),
        () => (disk.weather.slowness = 1),
      );
    case 'fullDisk':
      return during(
        fault.ms,
        () => (disk.weather.full = true),
        () => (disk.weather.full = false),
      );
    case 'diskErrors':
      return during(
        fault.ms,
        () => (disk.weather.errors = fault.probability),
        () => (disk.weather.errors = 0),
      );
    case 'lyingDisk':
      return during(
        fault.ms,
        () => (disk.weather.lies = true),
        () => (disk.weather.lies = false),
      );
    case 'powerLoss': {
      for (const { process } of [...cluster.jobManagers, ...cluster.taskManagers]) world.kill(process, 'power loss');
      disk.losePower();
      temporary.losePower();
      context.powerLost();
      return true;
    }
    case 'staleEndpoints':
      return during(
        fault.ms,
        () => (cluster.staleEndpoints = fault.probability),
        () => (cluster.staleEndpoints = 0),
      );
    case 'clockStep': {
      const process = alive(fault.target, supervisor);
      if (process === null) return false;
      process.wallAhead += fault.ms;
      world.note(process, () => `its wall clock jumps by ${fault.ms} ms`);
      return true;
    }
  }
}

function hitProcess(fault: ProcessFault, { world, disk, supervisor }: FaultContext): boolean {
  const process = alive(fault.target, supervisor);
  if (process === null) return false;
  if (fault.type === 'kill') {
    process.vanished = fault.vanish;
    world.kill(process, fault.vanish ? 'its machine is gone' : 'SIGKILL');
    if (fault.vanish) disk.loseUnsynced(process);
    return true;
  }
  if (process.paused) return false;
  world.pause(process);
  world.after(world.fate, fault.ms, 'resume', () => world.resume(process));
  if (fault.target.kind === 'jobmanager' && fault.successor !== null)
    world.after(world.fate, fault.successor, 'successor', () => {
      if (process.paused) supervisor.startSuccessor();
    });
  return true;
}

function alive(target: Parameters<Supervisor['find']>[0], supervisor: Supervisor): SimProcess | null {
  const found = supervisor.find(target);
  return found !== null && found.process.alive ? found.process : null;
}
