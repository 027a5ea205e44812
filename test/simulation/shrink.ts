// Makes a failing schedule smaller: faults and requests that are not needed for the failure are taken out, as delta debugging does (Zeller and Hildebrandt,
// 2002). What is left is what to read first.
import type { Fault, Request, Schedule } from './schedule.ts';
import { simulate, type SimulationOptions, type SimulationResult } from './simulate.ts';

type Part = { fault: Fault } | { request: Request };

/** The smallest schedule found that still violates something, and its result; at most `tries` simulations are run. */
export async function shrink(
  failing: SimulationResult,
  options: Omit<SimulationOptions, 'schedule' | 'trace'> = {},
  tries = 200,
): Promise<SimulationResult> {
  let best = failing;
  let left = tries;
  const fails = async (parts: Part[]): Promise<boolean> => {
    if (left-- <= 0) return false;
    const result = await simulate(failing.seed, { ...options, schedule: withParts(failing.schedule, parts) });
    if (result.violations.length === 0) return false;
    best = result;
    return true;
  };
  let parts = partsOf(failing.schedule);
  for (let pieces = 2; parts.length > 0 && pieces <= 2 * parts.length;) {
    const size = Math.max(1, Math.ceil(parts.length / pieces));
    const smaller = await without(parts, size, fails);
    if (smaller !== null) {
      parts = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces *= 2;
  }
  return best;
}

/** The parts without the first piece of `size` that is not needed; null when each is. */
async function without(
  parts: Part[],
  size: number,
  fails: (parts: Part[]) => Promise<boolean>,
): Promise<Part[] | null> {
  for (let at = 0; at < parts.length; at += size) {
    const rest = [...parts.slice(0, at), ...parts.slice(at + size)];
    if (await fails(rest)) return rest;
  }
  return null;
}

function partsOf({ faults, requests }: Schedule): Part[] {
  return [...faults.map((fault) => ({ fault })), ...requests.map((request) => ({ request }))];
}

function withParts(schedule: Schedule, parts: Part[]): Schedule {
  return {
    ...schedule,
    faults: parts.flatMap((part) => ('fault' in part ? [part.fault] : [])),
    requests: parts.flatMap((part) => ('request' in part ? [part.request] : [])),
  };
}
