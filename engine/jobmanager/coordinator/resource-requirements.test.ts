// Bounds of the parallelism: what is refused, and what is adopted with the slots that there are.
import fc from 'fast-check';
import type { ExecEdge, ExecPlan, ExecVertex } from '../../plan/exec-plan.ts';
import {
  adoptRequirements,
  desiredSlots,
  parallelismFor,
  plannedRequirements,
  requirementErrors,
  restoredRequirements,
  sufficientSlots,
} from './resource-requirements.ts';
import { testPlan } from './testing.ts';

const ids = ['a', 'b', 'c', 'd'];

/** Some vertices, each reading the one before it. */
const planArbitrary: fc.Arbitrary<ExecPlan> = fc
  .array(
    fc.record({
      maxParallelism: fc.constantFrom(1, 3, 128),
      exchange: fc.constantFrom<ExecEdge['exchange']>({ kind: 'FORWARD' }, { kind: 'REBALANCE' }),
    }),
    { minLength: 1, maxLength: ids.length },
  )
  .map((vertices) => {
    const base = testPlan('STREAMING', 1);
    return {
      ...base,
      vertices: vertices.map(({ maxParallelism }, i): ExecVertex => ({
        ...base.vertices[0]!,
        id: ids[i]!,
        maxParallelism,
      })),
      edges: vertices.slice(1).map(({ exchange }, i): ExecEdge => ({
        ...base.edges[0]!,
        id: `${ids[i]}->${ids[i + 1]}`,
        sourceVertex: ids[i]!,
        targetVertex: ids[i + 1]!,
        exchange,
      })),
    };
  });

/** For all vertices, each within what is possible for it; those connected one to one may contradict each other. */
const planAndRequest = planArbitrary.chain((plan) =>
  fc
    .tuple(
      ...plan.vertices.map(({ maxParallelism }) =>
        fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(-1, 1, 2, 3, 5)).map(([lower, upper]) => {
          const lowerBound = Math.min(lower, maxParallelism);
          return { lowerBound, upperBound: upper === -1 ? -1 : Math.min(Math.max(lowerBound, upper), maxParallelism) };
        }),
      ),
    )
    .map((bounds) => ({ plan, request: Object.fromEntries(bounds.map((bound, i) => [ids[i]!, bound])) })),
);

test('what is adopted lies within the bounds, uses no more slots than there are, and is as much as can be', () => {
  fc.assert(
    fc.property(planAndRequest, fc.integer({ min: 0, max: 8 }), ({ plan, request }, slots) => {
      fc.pre(requirementErrors(plan, request).length === 0);
      const requirements = adoptRequirements(plan, request);
      const adopted = parallelismFor(plan, requirements, slots);
      expect(adopted === null).toBe(slots < sufficientSlots(requirements));
      if (adopted === null) return;
      for (const { id, maxParallelism } of plan.vertices) {
        const { lowerBound, upperBound } = requirements[id]!;
        const chosen = adopted.get(id)!;
        expect(chosen).toBeGreaterThanOrEqual(Math.min(lowerBound, slots));
        expect(chosen).toBeLessThanOrEqual(Math.min(upperBound, slots, maxParallelism));
        const forward = plan.edges.filter(
          ({ exchange, sourceVertex, targetVertex }) =>
            exchange.kind === 'FORWARD' && (sourceVertex === id || targetVertex === id),
        );
        if (forward.length === 0) expect(chosen).toBe(Math.min(upperBound, slots));
      }
      for (const { exchange, sourceVertex, targetVertex } of plan.edges)
        if (exchange.kind === 'FORWARD') expect(adopted.get(sourceVertex)).toBe(adopted.get(targetVertex));
      if (slots >= desiredSlots(plan, requirements))
        expect(adopted).toEqual(parallelismFor(plan, requirements, Infinity));
    }),
    { numRuns: 500 },
  );
});

test('every mistake is named, in the words of Flink', () => {
  const plan = testPlan('STREAMING', 2);
  const errors = (request: Parameters<typeof requirementErrors>[1]): string[] => requirementErrors(plan, request);
  expect(errors({ source: { lowerBound: 1, upperBound: 1 } })).toEqual([
    'The request is incomplete, missing job vertex [sink] resource requirements.',
  ]);
  expect(
    errors({
      source: { lowerBound: 3, upperBound: 129 },
      sink: { lowerBound: 0, upperBound: 2 },
      other: { lowerBound: 1, upperBound: 1 },
    }),
  ).toEqual([
    'The newly requested parallelism 129 for the job vertex source exceeds its maximum parallelism 128.',
    'Both, the requested lower bound [0] and upper bound [2] for job vertex [sink] must be greater than zero.',
    'Job vertex [other] was not found in the JobGraph.',
  ]);
  expect(errors({ source: { lowerBound: 2, upperBound: 1 }, sink: { lowerBound: -1, upperBound: -1 } })).toEqual([
    'The requested lower bound [2] for job vertex [source] is higher than the upper bound [1].',
  ]);
});

test('vertices that are connected one to one must have a parallelism in common', () => {
  const plan = testPlan('STREAMING', 2);
  plan.edges[0]!.exchange = { kind: 'FORWARD' };
  const request = { source: { lowerBound: 3, upperBound: 4 }, sink: { lowerBound: 1, upperBound: 2 } };
  expect(requirementErrors(plan, request)).toEqual([
    expect.stringContaining('[source], [sink] are connected one to one'),
  ]);
});

test('-1 stands for the widest bound', () => {
  const plan = testPlan('STREAMING', 2);
  const widest = { lowerBound: -1, upperBound: -1 };
  expect(adoptRequirements(plan, { source: widest, sink: { lowerBound: 2, upperBound: -1 } })).toEqual({
    source: { lowerBound: 1, upperBound: 128 },
    sink: { lowerBound: 2, upperBound: 128 },
  });
});

test('what an earlier attempt kept counts as far as the plan has the vertices and allows it', () => {
  const plan = testPlan('STREAMING', 2);
  const kept = { sink: { lowerBound: 1, upperBound: 4 }, gone: { lowerBound: 1, upperBound: 1 } };
  expect(restoredRequirements(plan, kept)).toEqual({ ...plannedRequirements(plan), sink: kept.sink });
  const tooMuch = { sink: { lowerBound: 1, upperBound: 500 } };
  expect(restoredRequirements(plan, tooMuch)).toEqual(plannedRequirements(plan));
});
