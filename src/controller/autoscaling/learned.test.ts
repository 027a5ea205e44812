// When what was learned is written and read, and what becomes of text that cannot be read.
import { emptyKept } from '../../autoscaler/defaults.ts';
import { LATER_MS, SOON_MS } from '../../autoscaler/keep.ts';
import type { Kept } from '../../autoscaler/model.ts';
import { costBy } from '../../autoscaler/money.ts';
import { HOUR, MINUTE, MONDAY, SteadyJob } from '../../autoscaler/steady-job.fixture.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { Learned } from './learned.ts';
import { learnedText, parseLearned, recalled } from './learned-text.ts';

const jobOf = (status: object = {}): FlowJob =>
  ({ metadata: { namespace: 'shop', name: 'orders', uid: 'u' }, status }) as unknown as FlowJob;
const job = jobOf();

/** All that a decider may know: a job that was scaled, in vain as well, and has been watched for hours. */
const known: Kept = {
  ...new SteadyJob({
    vertices: [
      { id: 'source', rate: 10_000 },
      { id: 'sink', rate: 500, input: 'source', limit: 1_400 },
    ],
    parallelism: 3,
  }).run(2_000, 3 * HOUR).history.kept,
  idleSince: 1,
  cost: { since: 1, total: 2.5, currency: 'EUR', perHour: 0.5, until: 2 },
  stopped: { at: 1, cause: 'Idle' },
};

let now: number;
let text: string | null;
let writes: number;
let failure: Error | null;
let troubles: string[];
let learned: Learned;

beforeEach(() => {
  [now, text, writes, failure, troubles] = [MONDAY, null, 0, null, []];
  learned = started();
});

function started(): Learned {
  return new Learned({
    store: {
      read: async () => text,
      write: async (_, written) => {
        writes++;
        if (failure !== null) throw failure;
        text = written;
      },
    },
    clock: { now: () => now, monotonic: () => now, after: () => () => undefined, soon: () => undefined },
    onTrouble: (error) => void troubles.push((error as Error).message),
  });
}

/** Looks every ten seconds that find `kept`. */
async function looks(ms: number, kept: Kept, decided = false): Promise<void> {
  for (const end = now + ms; now < end; now += 10_000) {
    learned.note(job, kept, { decided });
    decided = false;
    await new Promise(setImmediate);
  }
}

test('all that is known comes back as it was', () => {
  const { kept, savedAt } = parseLearned(learnedText(known, MONDAY));
  expect(kept).toEqual(JSON.parse(JSON.stringify(known)));
  expect(savedAt).toBe(MONDAY);
});

test('what is new is written in its time, once, and nothing while nothing is new', async () => {
  const empty = await learned.recall(job);
  expect(empty).toEqual(emptyKept());
  await looks(LATER_MS, { ...empty, pauseMs: 2_000 });
  expect(writes).toBe(0);
  await looks(24 * HOUR, { ...empty, pauseMs: 2_000, overSince: 1, asked: { at: 1, run: null, rescales: 0 } });
  expect(writes).toBe(1);
  await looks(SOON_MS, { ...empty, pauseMs: 2_000, unproven: { at: 1, vertices: {} } });
  expect(writes).toBe(2);
});

test('what was decided is written at once, and with it all that is known by then', async () => {
  await learned.recall(job);
  await looks(10_000, { ...emptyKept(), warmSince: 7 }, true);
  expect(writes).toBe(1);
  expect(parseLearned(text!)).toMatchObject({ savedAt: MONDAY, kept: { warmSince: 7 } });
});

test('a decision that comes while another is being written is written after it', async () => {
  let finish = (): void => undefined;
  const slow = new Learned({
    store: {
      read: async () => null,
      write: async (_, written) => {
        await new Promise<void>((resolve) => (finish = resolve));
        text = written;
      },
    },
    clock: { now: () => now, monotonic: () => now, after: () => () => undefined, soon: () => undefined },
    onTrouble: (error) => void troubles.push((error as Error).message),
  });
  const first = await slow.recall(job);
  slow.note(job, { ...first, pauseMs: 1 }, { decided: true });
  slow.note(job, { ...first, pauseMs: 2 }, { decided: true });
  finish();
  await new Promise(setImmediate);
  finish();
  await slow.close();
  expect(parseLearned(text!).kept.pauseMs).toBe(2);
});

test('what could not be written is tried again after a while, and told once', async () => {
  failure = new Error('no right to patch configmaps');
  await learned.recall(job);
  await looks(30 * MINUTE, { ...emptyKept(), pauseMs: 1_000 }, true);
  expect(writes).toBeGreaterThanOrEqual(5);
  expect(writes).toBeLessThanOrEqual(7);
  expect(troubles).toEqual(['no right to patch configmaps']);
  failure = null;
  await looks(10 * MINUTE, { ...emptyKept(), pauseMs: 1_000 });
  expect(parseLearned(text!).kept.pauseMs).toBe(1_000);
});

test('at the end all that is not written yet is, and nothing after it', async () => {
  const kept = await learned.recall(job);
  learned.note(job, { ...kept, idleSince: MONDAY }, { decided: false });
  await learned.close();
  expect(parseLearned(text!).kept.idleSince).toBe(MONDAY);
  learned.note(job, { ...kept, pauseMs: 9 }, { decided: true });
  await learned.close();
  expect(writes).toBe(1);
  expect(parseLearned(text!).kept.pauseMs).toBeNull();
});

test('the next process goes on with what this one knew, and has nothing to write for it', async () => {
  text = learnedText(known, now);
  learned = started();
  const kept = await learned.recall(job);
  expect(kept.profile).toEqual(known.profile);
  await looks(24 * HOUR, kept);
  expect(writes).toBe(0);
});

const damaged = (change: (kept: Record<string, unknown>) => void): string => {
  const whole = JSON.parse(learnedText(known, 1)) as { kept: Record<string, unknown> };
  change(whole.kept);
  return JSON.stringify(whole);
};
test.each<[string, string, RegExp]>([
  ['of another version', damaged((kept) => void (kept['version'] = 2)), /is of version 2, .* knows version 1/],
  ['without its end', learnedText(known, 1).slice(0, -30), /is not JSON/],
  ['empty', '', /is not JSON/],
  ['of something else', '[]', /is damaged/],
  ['null', 'null', /is damaged/],
  ['without a field', damaged((kept) => void delete kept['memory']), /\/kept\/memory is damaged/],
  ['with a text for a number', damaged((kept) => void (kept['pauseMs'] = 'long')), /\/kept\/pauseMs is damaged/],
  [
    'with half a week',
    damaged((kept) => void (kept['profile'] as { slots: number[] }).slots.splice(100)),
    /\/kept\/profile is damaged/,
  ],
])('text %s is told of once, and begun afresh', async (_what, found, says) => {
  text = found;
  expect(await learned.recall(job)).toEqual(emptyKept());
  expect(troubles).toEqual([expect.stringMatching(says)]);
  expect(troubles[0]).toContain('begun afresh');
  await looks(10_000, { ...emptyKept(), pauseMs: 5 }, true);
  expect(parseLearned(text).kept.pauseMs).toBe(5);
});

test('what a job cost while the autoscaler was off is not known, and not guessed', () => {
  const written = learnedText({ ...known, cost: { ...known.cost!, until: MONDAY } }, MONDAY);
  const later = MONDAY + 10 * HOUR;
  const on = jobOf({ autoscaling: { applies: true, reason: 'Balanced', message: '' } });
  expect(costBy(recalled(written, on, later).cost!, later)).toBe(7.5);
  expect(recalled(written, job, later).cost).toMatchObject({ total: 2.5, perHour: 0, until: later });
});

test('whether a job is stopped stands in its status, whatever was written before that', () => {
  const stopped = jobOf({ autoscaling: { applies: true, stopped: 'Idle', reason: 'Idle', message: '' } });
  const written = learnedText(known, MONDAY);
  expect(recalled(written, stopped, MONDAY).stopped).toEqual({ at: 1, cause: 'Idle' });
  expect(recalled(null, stopped, MONDAY).stopped).toEqual({ at: MONDAY, cause: 'Idle' });
  expect(recalled(written, job, MONDAY).stopped).toBeNull();
});
