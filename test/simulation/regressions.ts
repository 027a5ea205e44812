// Seeds of histories in which the engine once broke a promise, and what it was. What was found has a test beside the code, by name. A change of schedule.ts or
// of a workload makes other histories of the seeds: one that passes with its defect put back proves nothing any more, and is to be taken out.
export const REGRESSIONS: readonly [seed: number, what: string][] = [
  [1803, 'a disk error as the JobManager began failed the job for good, while another had taken over'],
  [1885, 'a batch task waited without end for a result that could not be opened, made in the slot where it ran itself'],
  [21463, 'a checkpoint that a failing disk did not show for a moment was taken for gone, and its pages were removed'],
];
