// `npm run bench -- autoscaler`: the decider and Flink's algorithm on the same simulated jobs, both against the cheapest schedule that a clairvoyant could run.
// SEEDS and DAYS change the number of runs and the length of the day/night loads; ONLY=TEXT runs the scenarios whose name contains it.
import { compare, type Comparison } from '../simulation/autoscaler/compare.ts';
import type { Result } from '../simulation/autoscaler/run.ts';
import { scenarios } from '../simulation/autoscaler/scenarios.ts';
import { median, report } from './report.ts';

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const days = ({ scenario }: Comparison): number => scenario.duration / 86_400;

/** Minutes of lag that more subtasks would have avoided. */
const avoidable = ({ unavoidable }: Comparison, { lagMinutes }: Result): number =>
  Math.max(0, lagMinutes - unavoidable);

export async function autoscalerBench(): Promise<void> {
  const seeds = Number(process.env['SEEDS'] ?? 1);
  const only = process.env['ONLY'] ?? '';
  const all: Comparison[] = [];
  console.log(
    `${'scenario'.padEnd(30)} ${'lag min'.padStart(13)} ${'core-hours / cheapest'.padStart(22)} ${'rescales/day'.padStart(19)} ${'reaction s'.padStart(11)}`,
  );
  console.log(
    `${''.padEnd(30)} ${'ours  Flink'.padStart(13)} ${'ours  Flink'.padStart(22)} ${'ours Flink clairv.'.padStart(19)} ${'ours Flink'.padStart(11)}`,
  );
  for (let seed = 1; seed <= seeds; seed++)
    for (const scenario of scenarios(seed, Number(process.env['DAYS'] ?? 14))) {
      if (!scenario.name.includes(only)) continue;
      const one = compare(scenario, seed);
      all.push(one);
      console.log(row(one));
    }
  const total = (value: (one: Comparison) => number): number => sum(all.map(value));
  const named = (text: string): Comparison[] => all.filter(({ scenario }) => scenario.name.includes(text));
  const dayAndNight = named('day and night');
  const reactions = (of: 'ours' | 'baseline'): number[] => all.flatMap((one) => one[of].reactSeconds ?? []);
  const lag = total((one) => avoidable(one, one.ours));
  const baselineLag = total((one) => avoidable(one, one.baseline));
  const cheapest = total((one) => one.clairvoyant.coreHours);
  report('autoscaler', [
    {
      name: 'costOfCheapest',
      label: 'core-hours of all scenarios, of the cheapest schedule',
      value: total((one) => one.ours.coreHours) / cheapest,
      target: '<= 1.15',
    },
    {
      name: 'worstCostOfCheapest',
      label: 'the same, the worst scenario',
      value: Math.max(...all.map((one) => one.ours.coreHours / one.clairvoyant.coreHours)),
    },
    {
      name: 'flinkCostOfCheapest',
      label: "the same of all scenarios, Flink's algorithm",
      value: total((one) => one.baseline.coreHours) / cheapest,
    },
    { name: 'lagMinutes', label: 'avoidable minutes of lag', value: lag },
    { name: 'flinkLagMinutes', label: "the same, Flink's algorithm", value: baselineLag },
    { name: 'lagOfFlink', label: "lag, of that of Flink's algorithm", value: lag / baselineLag, target: '<= 0.1' },
    ...(dayAndNight.length === 0
      ? []
      : [
          {
            name: 'dayNightRescalesPerDay',
            label: 'rescales a day, day and night, the worse of the two',
            value: Math.max(...dayAndNight.map((one) => one.ours.rescales / days(one))),
            target: '<= 4',
          },
          {
            name: 'flinkDayNightRescalesPerDay',
            label: "the same, Flink's algorithm",
            value: Math.max(...dayAndNight.map((one) => one.baseline.rescales / days(one))),
          },
        ]),
    {
      name: 'noiseRescales',
      label: 'rescales on noise',
      value: sum(named('noise').map((one) => one.ours.rescales)),
      target: '<= 0',
    },
    {
      name: 'flinkNoiseRescales',
      label: "the same, Flink's algorithm",
      value: sum(named('noise').map((one) => one.baseline.rescales)),
    },
    ...(reactions('ours').length === 0
      ? []
      : [{ name: 'reactSeconds', label: 'from a step to more subtasks running, s', value: median(reactions('ours')) }]),
  ]);
}

function row(one: Comparison): string {
  const { scenario, ours, baseline, clairvoyant } = one;
  const lag = [ours, baseline].map((result) => avoidable(one, result).toFixed(1).padStart(6)).join(' ');
  const cost = [ours, baseline]
    .map(({ coreHours }) => (coreHours / clairvoyant.coreHours).toFixed(3).padStart(6))
    .join(' ');
  const rescales = [ours, baseline, clairvoyant]
    .map((result) => (result.rescales / days(one)).toFixed(1).padStart(5))
    .join(' ');
  const react = [ours, baseline].map(({ reactSeconds }) => (reactSeconds?.toFixed(0) ?? '-').padStart(5)).join(' ');
  return `${scenario.name.padEnd(30)} ${lag} ${cost.padStart(22)} ${rescales.padStart(19)} ${react.padStart(11)}`;
}
