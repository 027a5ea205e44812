// The figures of the state benchmark: the same measurements for each engine and state backend, under names of their own.
import { median, type Figure } from '../report.ts';
import type { Overhead, Recovery } from './scenarios.ts';
import type { CheckpointSummary } from './job.ts';

/** What one engine (and state backend) showed. Absent: not measured there. */
export interface Measured {
  uniform: Overhead;
  skewed?: Overhead;
  /** Median milliseconds of silence of a subtask's output while a checkpoint is taken, and while none is. */
  pause: { during: number; without: number };
  /** Savepoints at a steady rate. */
  savepoints: CheckpointSummary[];
  /** Bytes per restore, and the seconds that the tasks were INITIALIZING. */
  restores: { bytes: number; seconds: number }[];
  standby: Recovery[];
  replaced?: Recovery[];
  /** Empty: the engine has no such request. */
  rescales: { pause: number; total: number }[];
  stopSteady: number[];
  stopLoaded: number[];
}

/** Rows per second of the same job with its state in memory, and with a quarter of the memory that the state needs. */
export interface Spilling {
  inMemory: number;
  spilled: number;
}

export function spillFigures({ inMemory, spilled }: Spilling): Figure[] {
  return [
    { name: 'inMemoryRowsPerSecond', label: 'embedded: uniform keys, all state in memory, rows/s', value: inMemory },
    { name: 'spilledRowsPerSecond', label: 'embedded: the same, state four times the memory, rows/s', value: spilled },
    { name: 'spilledPercent', label: 'embedded: spilled, % of in memory', value: (100 * spilled) / inMemory },
  ];
}

export interface DiskSpeed {
  write: number[];
  read: number[];
}

export const TARGETS = { lossPercent: '<= 5', seconds: '<= 1' };

/** `label` stands before the label of each figure, `prefix` before its name; targets are the embedded engine's. */
export function engineFigures(label: string, prefix: string, measured: Measured, targets: boolean): Figure[] {
  const figures: Figure[] = [];
  const add = (name: string, text: string, values: number[], target?: string): void => {
    if (values.length === 0) return;
    figures.push({
      name: prefix === '' ? name : prefix + name[0]!.toUpperCase() + name.slice(1),
      label: `${label}: ${text}`,
      value: median(values),
      ...(targets && target !== undefined ? { target } : {}),
    });
  };
  for (const [keys, overhead] of [
    ['uniform', measured.uniform],
    ['skewed', measured.skewed],
  ] as const) {
    if (overhead === undefined) continue;
    add(`${keys}RowsPerSecond`, `${keys} keys, no checkpoints, rows/s`, [overhead.without]);
    add(`${keys}CheckpointedRowsPerSecond`, `${keys} keys, checkpoints every 1 s, rows/s`, [overhead.withCheckpoints]);
    add(`${keys}LossPercent`, `${keys} keys, lost to checkpoints, %`, [overhead.lossPercent], TARGETS.lossPercent);
    const { checkpoints } = overhead;
    add(
      `${keys}CheckpointSeconds`,
      `${keys} keys, one checkpoint at full speed, s`,
      checkpoints.map(({ duration }) => duration / 1000),
    );
    add(
      `${keys}CheckpointMB`,
      `${keys} keys, written for one checkpoint, MB`,
      checkpoints.map(({ writtenBytes }) => writtenBytes / 1e6),
    );
  }
  add('barrierPauseMs', 'longest silence of a subtask during a checkpoint, ms', [measured.pause.during]);
  add('noBarrierPauseMs', 'the same without a checkpoint, ms', [measured.pause.without]);
  add(
    'savepointMBPerSecond',
    'savepoint, MB/s',
    measured.savepoints.map(({ writtenBytes, duration }) => writtenBytes / 1e3 / duration),
  );
  add(
    'restoreMBPerSecond',
    'restore, MB/s',
    measured.restores.map(({ bytes, seconds }) => bytes / 1e6 / seconds),
  );
  add(
    'recoverySeconds',
    'SIGKILL to first output, a standby TaskManager there, s',
    measured.standby.map(({ seconds }) => seconds),
    TARGETS.seconds,
  );
  for (const [part, text] of [
    ['detection', 'until it is noticed'],
    ['backOff', 'until tasks are deployed (100 ms of it the restart delay)'],
    ['restore', 'until state is restored'],
    ['firstOutput', 'from there to the first output'],
  ] as const)
    add(
      `recovery${part[0]!.toUpperCase()}${part.slice(1)}Seconds`,
      `  of it ${text}, s`,
      measured.standby.map((one) => one[part]),
    );
  add(
    'recoveryReplacedSeconds',
    'SIGKILL to first output, TaskManager started anew, s',
    (measured.replaced ?? []).map(({ seconds }) => seconds),
  );
  add(
    'rescalePauseSeconds',
    'rescale, without output for s',
    measured.rescales.map(({ pause }) => pause),
    TARGETS.seconds,
  );
  add(
    'rescaleSeconds',
    'rescale, request to output at the new parallelism, s',
    measured.rescales.map(({ total }) => total),
  );
  add('stopSeconds', 'stop with savepoint at a steady rate, s', measured.stopSteady);
  add('stopLoadedSeconds', 'stop with savepoint at full speed, s', measured.stopLoaded);
  return figures;
}

export function diskFigures(disk: DiskSpeed, embedded: Measured): Figure[] {
  const ratio = (own: number[], of: number[]): number => (100 * median(own)) / median(of);
  const written = embedded.savepoints.map(({ writtenBytes, duration }) => writtenBytes / 1e3 / duration);
  const restored = embedded.restores.map(({ bytes, seconds }) => bytes / 1e6 / seconds);
  return [
    { name: 'diskWriteMBPerSecond', label: 'disk: the same bytes written and synced, MB/s', value: median(disk.write) },
    { name: 'diskReadMBPerSecond', label: 'disk: read back (page cache), MB/s', value: median(disk.read) },
    { name: 'savepointPercentOfDisk', label: 'embedded: savepoint, % of the disk', value: ratio(written, disk.write) },
    {
      name: 'restorePercentOfDisk',
      label: 'embedded: restore, % of the page cache',
      value: ratio(restored, disk.read),
    },
  ];
}
