// One scenario, told of both scalers, beside the clairvoyant's schedule and a job that always has all that it may have.
import { FlinkBaseline } from './baseline.ts';
import { cheapest, parallelismFor, type Cheapest } from './clairvoyant.ts';
import { Ours } from './ours.ts';
import { run, still, type Result, type Scenario } from './run.ts';

export interface Comparison {
  scenario: Scenario;
  ours: Result;
  baseline: Result;
  clairvoyant: Cheapest;
  /** Minutes of lag that no parallelism within bounds would have avoided. */
  unavoidable: number;
  scaler: Ours;
}

export function compare(scenario: Scenario, seed: number): Comparison {
  const clairvoyant = cheapest(scenario);
  const initial = parallelismFor(scenario, clairvoyant.levels[0]!);
  const most = Math.ceil(scenario.config.maxParallelism / scenario.shape.slots);
  const scaler = new Ours(scenario.config);
  return {
    scenario,
    clairvoyant,
    scaler,
    ours: run(scenario, scaler, initial, seed),
    baseline: run(scenario, new FlinkBaseline(scenario.config), initial, seed),
    unavoidable: run(scenario, still, parallelismFor(scenario, most), seed).lagMinutes,
  };
}
