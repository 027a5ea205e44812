import { emptyKept } from './defaults.ts';
import { memoryOf } from './memory.ts';
import type { KeptMemory, MemoryConfig, Sample } from './model.ts';
import { config, HOUR, MONDAY, SteadyJob } from './steady-job.fixture.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function look(
  memory: MemoryConfig,
  kept: KeptMemory,
  {
    used,
    kills = 0,
    now = MONDAY,
    run = 'run',
    has = GIB,
  }: { used?: number; kills?: number | null; now?: number; run?: string; has?: number },
) {
  const sample: Sample = {
    ...new SteadyJob().sample(),
    run,
    outOfMemoryKills: kills,
    taskManagers:
      used === undefined ? null : [{ id: 'a', slots: 1, freeSlots: 0, memoryUsedBytes: used, memoryLimitBytes: GIB }],
  };
  return memoryOf(config({ memory, taskManager: { cores: 1, memoryBytes: has } }), kept, sample, now);
}

const none = emptyKept().memory;
const recommend: MemoryConfig = { mode: 'Recommend', limitBytes: 2 * GIB };
const apply: MemoryConfig = { mode: 'Apply', limitBytes: 2 * GIB };

it('recommends a quarter more than the most that was used', () => {
  const { memory } = look(recommend, none, { used: 960 * MIB });
  expect(memory).toMatchObject({ bytes: 1_216 * MIB, apply: false });
});

it('recommends less only after a whole day', () => {
  const first = look(recommend, none, { used: 300 * MIB });
  expect(first.memory).toBeNull();
  const later = look(recommend, first.kept, { used: 290 * MIB, now: MONDAY + 25 * HOUR });
  expect(later.memory!.bytes).toBe(384 * MIB);
});

it('never recommends more than the limit', () => {
  expect(look({ mode: 'Apply', limitBytes: GIB }, none, { used: 1_000 * MIB }).memory!.bytes).toBe(GIB);
});

it('forgets a peak by and by', () => {
  let seen = look(recommend, none, { used: 1_000 * MIB });
  for (let hour = 1; hour <= 30 * 24; hour++)
    seen = look(recommend, seen.kept, { used: 400 * MIB, now: MONDAY + hour * HOUR });
  expect(seen.memory!.bytes).toBe(512 * MIB);
});

it('forgets nothing while the job is stopped or does not tell', () => {
  const { kept } = look(apply, none, { used: 1_000 * MIB });
  const unseen = look(apply, kept, { now: MONDAY + 29 * 24 * HOUR });
  const month = look(apply, unseen.kept, { used: 100 * MIB, now: MONDAY + 30 * 24 * HOUR });
  expect(month.memory!.bytes).toBe(1_280 * MIB);
});

it('gives half more, once, after a kill for want of memory', () => {
  const first = look(apply, none, { kills: 1 });
  expect(first.memory).toMatchObject({ bytes: 1_536 * MIB, apply: true });
  expect(first.notices[0]!.kind).toBe('MemoryBump');
  const same = look(apply, first.kept, { kills: 1 });
  expect(same.notices).toEqual([]);
  expect(same.memory!.bytes).toBe(1_536 * MIB);
  const second = look(apply, first.kept, { kills: 2 });
  expect(second.notices[0]!.kind).toBe('MemoryAtLimit');
  expect(second.kept.bumpedBytes).toBe(1_536 * MIB);
});

it('says of a bump whether it is given or recommended', () => {
  expect(look(apply, none, { kills: 1 }).notices[0]!.message).toContain('1536 MiB from the next start on');
  expect(look(recommend, none, { kills: 1 }).notices[0]!.message).toContain('1536 MiB are recommended');
});

it('gives half more again where the user has raised the limit or what the spec says', () => {
  const { kept } = look({ mode: 'Apply', limitBytes: 1.25 * GIB }, none, { kills: 1 });
  expect(kept.bumpedBytes).toBe(1.25 * GIB);
  const second = look(apply, kept, { kills: 2 });
  expect(second.memory!.bytes).toBe(1.5 * GIB);
  expect(look(apply, second.kept, { kills: 3 }).memory).toBeNull();
  expect(look(apply, second.kept, { kills: 3, has: 1.5 * GIB }).memory!.bytes).toBe(2 * GIB);
});

it('gives nothing above the limit, and says what is left to do', () => {
  const { memory, notices } = look({ mode: 'Apply', limitBytes: GIB }, none, { kills: 1 });
  expect(memory).toBeNull();
  expect(notices[0]!.message).toContain('autoscaling.memory.limit is 1024 MiB');
});

it('counts the kills of each run for themselves, and takes an unknown count for none', () => {
  const { kept } = look(apply, none, { kills: 3 });
  expect(look(apply, kept, { kills: null }).notices).toEqual([]);
  const next = look(apply, { ...kept, bumpedBytes: null }, { kills: 1, run: 'next' });
  expect(next.notices[0]!.kind).toBe('MemoryBump');
});

it('reckons nothing when it is off', () => {
  expect(look({ mode: 'Off', limitBytes: GIB }, none, { used: GIB, kills: 1 })).toEqual({
    memory: null,
    kept: none,
    notices: [],
  });
});
