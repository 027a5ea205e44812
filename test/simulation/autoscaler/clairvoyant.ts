// The cheapest schedule for who knows the whole load beforehand: dynamic programming over quarters of an hour, under the same target utilisation and the
// same limit of rescales a day. It never has less than the busiest five minutes of each quarter need, and its rescales cost no time.
import { capacityOf, ratiosOf } from './job.ts';
import type { Scenario } from './run.ts';
import { DAY } from './loads.ts';

const SLOT = 900;
const MEAN = 300;

/** The fewest TaskManagers at which every vertex stays at its target utilisation; where none do, the fewest beyond which nothing is gained. */
export function taskManagersFor({ shape, config }: Scenario, load: number): number {
  const most = Math.ceil(config.maxParallelism / shape.slots);
  const ratios = ratiosOf(shape);
  const best = (taskManagers: number): number =>
    Math.min(
      ...shape.vertices.map((vertex) => {
        const all = Array.from({ length: Math.min(config.maxParallelism, taskManagers * shape.slots) }, (_, i) =>
          capacityOf(vertex, i + 1),
        );
        return Math.max(...all) / ratios.get(vertex.id)!;
      }),
    );
  let found = 1;
  for (let count = 1; count <= most; count++) {
    if (best(count) * config.targetUtilization >= load) return count;
    if (best(count) > best(found) * 1.001) found = count;
  }
  return found;
}

/** Each vertex with the fewest subtasks that will do on that many TaskManagers. */
export function parallelismFor(scenario: Scenario, taskManagers: number): Record<string, number> {
  const slots = Math.min(scenario.config.maxParallelism, taskManagers * scenario.shape.slots);
  return Object.fromEntries(
    scenario.shape.vertices.map(({ id, partitions }) => [id, Math.min(slots, partitions ?? slots)]),
  );
}

export interface Cheapest {
  coreHours: number;
  rescales: number;
  /** TaskManagers of each quarter of an hour. */
  levels: number[];
}

export function cheapest(scenario: Scenario): Cheapest {
  const needs = slotNeeds(scenario);
  const levels = [...new Set(needs)].sort((a, b) => a - b);
  const changes = scenario.config.rescalesPerDay;
  const width = levels.length * (changes + 1);
  let costs = new Float64Array(width).fill(Infinity);
  for (let level = 0; level < levels.length; level++) costs[level * (changes + 1)] = 0;
  const from: Int32Array[] = [];
  for (let slot = 0; slot < needs.length; slot++) {
    const next = new Float64Array(width).fill(Infinity);
    const origin = new Int32Array(width).fill(-1);
    const newDay = slot > 0 && (slot * SLOT) % DAY === 0;
    for (let state = 0; state < width; state++) {
      if (costs[state] === Infinity) continue;
      const level = Math.floor(state / (changes + 1));
      const used = newDay ? 0 : state % (changes + 1);
      for (let to = 0; to < levels.length; to++) {
        const now = used + (to === level || slot === 0 ? 0 : 1);
        if (levels[to]! < needs[slot]! || now > changes || (slot === 0 && to !== level)) continue;
        const target = to * (changes + 1) + now;
        const cost = costs[state]! + levels[to]!;
        if (cost < next[target]!) [next[target], origin[target]] = [cost, state];
      }
    }
    costs = next;
    from.push(origin);
  }
  let state = costs.reduce((best, cost, i) => (cost < costs[best]! ? i : best), 0);
  const hours = SLOT / 3_600;
  const coreHours = costs[state]! * hours * scenario.shape.slots;
  const schedule: number[] = [];
  for (let slot = needs.length - 1; slot >= 0; slot--) {
    schedule.unshift(levels[Math.floor(state / (changes + 1))]!);
    state = from[slot]![state]!;
  }
  return {
    coreHours,
    levels: schedule,
    rescales: schedule.filter((one, i) => i > 0 && one !== schedule[i - 1]).length,
  };
}

function slotNeeds(scenario: Scenario): number[] {
  const needs: number[] = [];
  for (let begin = 0; begin < scenario.duration; begin += SLOT) {
    let peak = 0;
    for (let mean = begin; mean < begin + SLOT; mean += MEAN) {
      let sum = 0;
      for (let second = mean; second < mean + MEAN; second += 5) sum += scenario.load(second);
      peak = Math.max(peak, sum / (MEAN / 5));
    }
    needs.push(taskManagersFor(scenario, peak));
  }
  return needs;
}
