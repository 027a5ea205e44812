// The port to time: what runs in a JobManager or TaskManager asks for it here, so that a simulation can take the place of the real one.

export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment; never goes back. */
  monotonic(): number;
  /** Calls `run` once, `ms` from now. Returns how to call it off, which does nothing when it has run. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` when messages, sockets and timers that are ready have been served. */
  soon(run: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};

/** Calls `run` every `ms`, for as long as the process lives. */
export function every(clock: Clock, ms: number, run: () => void): void {
  clock.after(ms, () => {
    every(clock, ms, run);
    run();
  });
}
