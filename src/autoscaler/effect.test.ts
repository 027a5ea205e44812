import { emptyKept } from './defaults.ts';
import { expectation } from './effect.ts';
import type { Evaluation, VertexLoad } from './evaluate.ts';
import { MONDAY, SteadyJob } from './steady-job.fixture.ts';

/** `count` of 128 key groups, at its limit with 65 subtasks, which are worth 64. */
function atItsLimit(): Evaluation {
  const [, count] = new SteadyJob({ parallelism: 65 }).sample().vertices;
  const measured = { hottest: 1 } as VertexLoad['measured'];
  const vertex = { vertex: count!, measured, load: 100, backlog: 0, capacity: 64, rate: 1, fresh: true, skew: 1 };
  return { vertices: [vertex], load: 100, lagMs: null, atLeast: false, unknown: [], terms: [] };
}

it('expects of more subtasks what their fullest one can do', () => {
  expect(expectation(atItsLimit(), emptyKept(), { count: 128 }, MONDAY)?.vertices).toEqual({
    count: { from: 65, to: 128, capacity: 64, expected: 128 },
  });
});

it('expects nothing where the fullest subtask has as many key groups as before, and so finds nothing ineffective', () => {
  expect(expectation(atItsLimit(), emptyKept(), { count: 100 }, MONDAY)).toBeNull();
});
