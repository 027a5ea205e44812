// What a stream on Flink is configured with so that it can be given another size while it runs, and be measured for that.

/** A user may say otherwise of each key. */
export const ELASTIC: Readonly<Record<string, string>> = {
  'jobmanager.scheduler': 'adaptive',
  // Slots that the job needs no more are given back by their TaskManagers within twice of it, which are then known to be without work; 50 s by default.
  'slot.idle.timeout': '1 s',
  // Behind a vertex that is busy all the time, no more waits in buffers than it handles in a second (FLIP-183): checkpoints get through, and counters do not jump.
  'taskmanager.network.memory.buffer-debloat.enabled': 'true',
  // Milliseconds. Metrics that are 10 s old, as by default, are the same in two looks: a counter that stands still.
  'metrics.fetcher.update-interval': '1000',
};
