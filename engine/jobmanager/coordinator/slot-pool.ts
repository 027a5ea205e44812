// The TaskManagers that have registered, and their slots.
import type { Metrics, SlotAddress } from '../../rpc/protocol.ts';
import type { TaskManagerInfo } from './messages.ts';

export interface RegisteredTaskManager extends TaskManagerInfo {
  /** By the clock that does not jump. */
  lastHeartbeat: number;
  metrics: Metrics;
}

/** `taskmanager-10` stands behind `taskmanager-9`. */
const byName = new Intl.Collator('en', { numeric: true }).compare;

export class SlotPool {
  private readonly taskManagers = new Map<string, RegisteredTaskManager>();

  register(info: TaskManagerInfo, now: number): void {
    this.taskManagers.set(info.taskManagerId, { ...info, lastHeartbeat: now, metrics: {} });
  }

  remove(taskManagerId: string): boolean {
    return this.taskManagers.delete(taskManagerId);
  }

  has(taskManagerId: string): boolean {
    return this.taskManagers.has(taskManagerId);
  }

  heartbeat(taskManagerId: string, metrics: Metrics, now: number): void {
    const known = this.taskManagers.get(taskManagerId);
    if (known === undefined) return;
    known.lastHeartbeat = now;
    known.metrics = metrics;
  }

  all(): RegisteredTaskManager[] {
    return [...this.taskManagers.values()].sort((a, b) => (a.taskManagerId < b.taskManagerId ? -1 : 1));
  }

  /** Slots in the order in which they are used: the first of each TaskManager, then the second: the load is spread. */
  slots(): SlotAddress[] {
    return this.all()
      .flatMap(({ slots }) => slots)
      .sort(
        (a, b) =>
          a.slot - b.slot || (a.taskManagerId < b.taskManagerId ? -1 : a.taskManagerId > b.taskManagerId ? 1 : 0),
      );
  }

  /**
   * As many slots as a job needs that was rescaled: of the fewest TaskManagers that have them, so that the others can be stopped. Flink's
   * `prefer-minimal-taskmanagers` (FLINK-33977). Those that came first are kept: the number in their names says so.
   */
  slotsOfFewest(needed: number): SlotAddress[] {
    const kept = new Set<string>();
    let count = 0;
    const largestFirst = this.all().sort(
      (a, b) => b.slots.length - a.slots.length || byName(a.taskManagerId, b.taskManagerId),
    );
    for (const { taskManagerId, slots } of largestFirst) {
      if (count >= needed) break;
      kept.add(taskManagerId);
      count += slots.length;
    }
    return this.slots().filter(({ taskManagerId }) => kept.has(taskManagerId));
  }

  /** When the TaskManager that has been silent longest will be given up; Infinity when there is none. */
  nextExpiry(timeout: number): number {
    return Math.min(...this.all().map(({ lastHeartbeat }) => lastHeartbeat + timeout), Infinity);
  }

  expired(timeout: number, now: number): string[] {
    return this.all().flatMap((one) => (one.lastHeartbeat + timeout <= now ? [one.taskManagerId] : []));
  }
}
