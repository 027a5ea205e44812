// A disk that is full again and again. Needs root: a small disk has to be mounted.
import { diskFullRound } from './disk-full-round.ts';
import { DISK_IMPOSSIBLE, QUOTA, roundsUntil } from './quota.ts';

if (DISK_IMPOSSIBLE !== null) console.log(`the disk is not filled here: ${DISK_IMPOSSIBLE}`);

(DISK_IMPOSSIBLE === null ? test : test.skip)(
  `a disk that is full ${QUOTA.diskFull} times stops the job for a while, and loses nothing`,
  async () => {
    const tally = await roundsUntil(QUOTA.diskFull, 1, (seed, hits) => diskFullRound(seed, 4, hits));
    expect(tally.total).toBeGreaterThanOrEqual(QUOTA.diskFull);
  },
  QUOTA.diskFull * 30_000,
);
