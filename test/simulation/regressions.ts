// Seeds of histories in which the engine once broke a promise, and what it was. A change of schedule.ts or of a workload makes other histories of them:
// then they are seeds as any other, and what was found needs a test beside the code.
export const REGRESSIONS: readonly [seed: number, what: string][] = [
  [1174, 'a disk error as the JobManager began failed the job for good'],
  [1803, 'a disk error as the JobManager began failed the job for good, while another had taken over'],
  [1885, 'a batch task waited without end for a result that could not be opened, made in the slot where it ran itself'],
  [5207, 'a JobManager that was suspended before it published took files with it that its successor had removed'],
];
