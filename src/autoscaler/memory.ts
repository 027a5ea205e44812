// How much memory a TaskManager should have: its measured use and some to spare, never above the user's limit; once more after it was killed for want of it.
import type { AutoscalingConfig, Decision, KeptMemory, MemoryDecision, Notice, Sample, Time } from './model.ts';

const MIB = 2 ** 20;
/** Recommendations are multiples of this. */
const STEP_BYTES = 64 * MIB;
const LEAST_BYTES = 256 * MIB;
/** On top of the highest use: garbage between two collections, and a bad day. */
const SPARE = 1.25;
/** What a kill adds, once. */
const BUMP = 1.5;
/** A peak that is not reached again counts half after this. */
const HALF_LIFE_MS = 7 * 24 * 3_600_000;
/** Use that was not seen for longer was not seen at all in between. */
const UNSEEN_MS = 60 * 60_000;
/** Less is recommended only after a whole day has been seen. */
const SEEN_MS = 24 * 3_600_000;

export interface MemoryOutcome {
  memory: Decision['memory'];
  kept: KeptMemory;
  notices: Notice[];
}

export function memoryOf(config: AutoscalingConfig, kept: KeptMemory, sample: Sample | null, now: Time): MemoryOutcome {
  if (config.memory.mode === 'Off') return { memory: null, kept, notices: [] };
  const seen = remember(kept, sample, now);
  const killed = bump(config, seen, sample);
  if (killed !== null) return killed;
  return { memory: recommendation(config, seen, now), kept: seen, notices: [] };
}

function remember(kept: KeptMemory, sample: Sample | null, now: Time): KeptMemory {
  if (sample === null) return kept;
  // A new run counts its kills anew.
  const begun = sample.run !== null && sample.run !== kept.run ? { run: sample.run, killsSeen: 0 } : {};
  const used = (sample.taskManagers ?? []).flatMap(({ memoryUsedBytes }) => memoryUsedBytes ?? []);
  const highest = used.length === 0 ? null : Math.max(...used);
  if (highest === null) return { ...kept, ...begun };
  const peak = peakSeen(kept, now);
  if (highest < peak) return { ...kept, ...begun, peakBytes: peak, peakAt: now };
  return { ...kept, ...begun, peakBytes: highest, peakAt: now, since: kept.since ?? now };
}

/** What is not seen does not age: a job that was stopped for weeks, or did not tell, needs what it needed. */
function peakSeen({ peakBytes, peakAt }: KeptMemory, now: Time): number {
  if (peakBytes === null || peakAt === null) return 0;
  return peakBytes * 0.5 ** (Math.min(Math.max(0, now - peakAt), UNSEEN_MS) / HALF_LIFE_MS);
}

const inSteps = (bytes: number): number => Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

function bump(config: AutoscalingConfig, kept: KeptMemory, sample: Sample | null): MemoryOutcome | null {
  const kills = sample?.outOfMemoryKills ?? null;
  if (kills === null || kills <= kept.killsSeen) return null;
  const { limitBytes, mode } = config.memory;
  const has = config.taskManager.memoryBytes;
  const answered = { ...kept, killsSeen: kills };
  const bytes = Math.min(limitBytes, inSteps(has * BUMP));
  // Once for what the spec says: where the user has raised that or the limit since, there is more to give.
  if (bytes <= Math.max(has, kept.bumpedBytes ?? 0)) {
    const why =
      kept.bumpedBytes !== null
        ? `it was given ${mib(kept.bumpedBytes)} after an earlier one, and is given no more by itself`
        : `autoscaling.memory.limit is ${mib(limitBytes)}`;
    const message = `A TaskManager with ${mib(has)} was killed for want of memory; ${why}. Raise the limit or taskManager.resources, or find what needs so much.`;
    return { memory: null, kept: answered, notices: [{ kind: 'MemoryAtLimit', subject: 'job', message }] };
  }
  const message = `A TaskManager with ${mib(has)} was killed for want of memory: ${mib(bytes)} ${mode === 'Apply' ? 'from the next start on' : 'are recommended'}.`;
  const memory: MemoryDecision = { bytes, apply: mode === 'Apply', message };
  return {
    memory,
    kept: { ...answered, bumpedBytes: bytes },
    notices: [{ kind: 'MemoryBump', subject: 'job', message }],
  };
}

function recommendation(config: AutoscalingConfig, kept: KeptMemory, now: Time): MemoryDecision | null {
  if (kept.bumpedBytes === null && kept.peakBytes === null) return null;
  const { limitBytes, mode } = config.memory;
  const has = config.taskManager.memoryBytes;
  const peak = peakSeen(kept, now);
  const least = Math.max(LEAST_BYTES, kept.bumpedBytes ?? 0);
  const bytes = Math.min(limitBytes, Math.max(least, inSteps(peak * SPARE)));
  if (bytes < has && now - (kept.since ?? now) < SEEN_MS) return null;
  const message = `The most that a TaskManager used is ${mib(peak)} of ${mib(has)}; with a quarter to spare that is ${mib(bytes)}.`;
  return { bytes, apply: mode === 'Apply', message };
}
