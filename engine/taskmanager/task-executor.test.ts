// When a TaskManager leaves, and what it tidies up: its temporary files of a job's attempt go when a later attempt takes over, when the job has ended, and
// with it.
import { Packr } from 'msgpackr';
import { systemClock } from '../clock.ts';
import { EngineConfig } from '../config.ts';
import type { FrameHandlers } from '../rpc/network.ts';
import type { ToTaskManager } from '../rpc/protocol.ts';
import { TaskExecutor } from './task-executor.ts';

const JOB = 'ab'.repeat(16);

interface Started {
  hear: (message: ToTaskManager) => void;
  /** Lets all timers run out, at this moment of the clocks. */
  tick: (moment: { monotonic: number; wall: number }) => void;
  /** Lets the JobManager be at another address. */
  move: (port: number) => void;
  /** Ports that were connected to, and those whose connection was closed from here. */
  connected: number[];
  closed: number[];
  removed: string[];
  exits: number[];
}

/** One that is connected to a JobManager, which is the test. */
async function started(): Promise<Started> {
  const packr = new Packr({ useRecords: false, moreTypes: false });
  const removed: string[] = [];
  const exits: number[] = [];
  const connected: number[] = [];
  const closed: number[] = [];
  let address = 1;
  let jobManager: FrameHandlers | null = null;
  let moment = { monotonic: 0, wall: 0 };
  let timers: (() => void)[] = [];
  const executor = new TaskExecutor({
    config: new EngineConfig({}),
    resourceId: 'tm',
    network: {
      listen: async () => ({ port: 1, close: () => undefined }),
      connect: (_, port) => {
        connected.push(port);
        let mine: FrameHandlers | null = null;
        return {
          limit: Infinity,
          closed: false,
          start: (handlers) => (jobManager = mine = handlers),
          send: () => undefined,
          end: () => undefined,
          close: () => {
            closed.push(port);
            mine?.closed(null);
          },
        };
      },
    },
    clock: {
      now: () => moment.wall,
      monotonic: () => moment.monotonic,
      after: (_, run) => {
        timers.push(run);
        return () => undefined;
      },
      soon: systemClock.soon,
    },
    startSlots: async () => [],
    jobManager: () => ({ host: 'jm', port: address }),
    token: () => null,
    machine: { pid: 1, cpuCores: 1, physicalMemory: 1 },
    metrics: () => ({}),
    spillFolder: (jobId, epoch) => `${jobId}-${epoch}`,
    removeFolder: (folder) => removed.push(folder),
    print: () => undefined,
    log: () => undefined,
    exit: (code) => exits.push(code),
  });
  await executor.start();
  const tick = (next: typeof moment): void => {
    moment = next;
    const due = timers;
    timers = [];
    for (const run of due) run();
  };
  const hear: Started['hear'] = (message) => jobManager!.frame(packr.pack(message));
  return { hear, tick, move: (port) => (address = port), connected, closed, removed, exits };
}

test('what was left for an attempt goes when the TaskManager registers with a later one, not when it registers with the same again', async () => {
  const { hear, removed } = await started();
  hear({ type: 'registered', jobId: JOB, epoch: 1 });
  hear({ type: 'registered', jobId: JOB, epoch: 1 });
  expect(removed).toEqual([]);
  hear({ type: 'registered', jobId: JOB, epoch: 2 });
  expect(removed).toEqual([`${JOB}-1`]);
});

test('what is left goes when the job has ended, and when the TaskManager has to leave', async () => {
  const { hear, removed, exits } = await started();
  hear({ type: 'registered', jobId: JOB, epoch: 3 });
  hear({ type: 'releaseJob', jobId: JOB });
  expect(removed).toEqual([`${JOB}-3`]);
  hear({ type: 'shutDown' });
  expect(removed).toEqual([`${JOB}-3`, `${JOB}-3`]);
  expect(exits).toEqual([0]);
});

test('it leaves when it has heard of no JobManager for a while, and not because its wall clock jumps', async () => {
  const { hear, tick, exits } = await started();
  hear({ type: 'registered', jobId: JOB, epoch: 1 });
  tick({ monotonic: 4_000, wall: 7_200_000 });
  tick({ monotonic: 5_000, wall: -7_200_000 });
  expect(exits).toEqual([]);
  tick({ monotonic: 5_001, wall: -7_200_000 });
  expect(exits).toEqual([2]);
});

test.each([
  ['that it was registered with', true],
  ['that has never answered', false],
])(
  'it leaves a JobManager %s for the one that was started elsewhere, whatever becomes of the connection',
  async (_, registered) => {
    const { hear, tick, move, connected, closed } = await started();
    if (registered) hear({ type: 'registered', jobId: JOB, epoch: 1 });
    tick({ monotonic: 1_000, wall: 0 });
    expect(closed).toEqual([]);
    move(2);
    tick({ monotonic: 2_000, wall: 0 });
    tick({ monotonic: 2_020, wall: 0 });
    expect(closed).toEqual([1]);
    expect(connected).toEqual([1, 2]);
  },
);
