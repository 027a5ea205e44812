import fc from 'fast-check';
import { Turns } from './turns.ts';

const never = new AbortController().signal;

test('turns are taken in order, so many at once', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const take = async (n: number): Promise<void> => {
    ends[n] = await turns.take(never);
    begun.push(n);
  };
  const all = [0, 1, 2, 3].map(take);
  await Promise.all([all[0], all[1]]);
  expect(begun).toEqual([0, 1]);
  ends[1]!();
  ends[1]!();
  await all[2];
  expect(begun).toEqual([0, 1, 2]);
  ends[0]!();
  await all[3];
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('who gives up while waiting leaves the line, with the reason', async () => {
  const turns = new Turns(1);
  const end = await turns.take(never);
  const impatient = new AbortController();
  const given = turns.take(impatient.signal);
  const patient = turns.take(never);
  impatient.abort(new Error('too long'));
  await expect(given).rejects.toThrow('too long');
  end();
  (await patient)();
  await expect(turns.take(impatient.signal)).rejects.toThrow('too long');
});

test('whatever callers do, no more than so many have a turn, and none is lost', async () => {
  const caller = fc.record({ ticks: fc.nat(5), giveUpAfter: fc.option(fc.nat(8)) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(caller, { maxLength: 20 }), async (atOnce, callers) => {
      const turns = new Turns(atOnce);
      let now = 0;
      const ticks = async (n: number): Promise<void> => {
        for (let i = 0; i < n; i++) await Promise.resolve();
      };
      await Promise.all(
        callers.map(async ({ ticks: busy, giveUpAfter }) => {
          const giveUp = new AbortController();
          if (giveUpAfter !== null) void ticks(giveUpAfter).then(() => giveUp.abort(new Error('given up')));
          const end = await turns.take(giveUp.signal).catch(() => null);
          if (end === null) return;
          now++;
          expect(now).toBeLessThanOrEqual(atOnce);
          await ticks(busy);
          now--;
          end();
        }),
      );
      for (let n = 0; n < atOnce; n++) await turns.take(never);
    }),
  );
});
