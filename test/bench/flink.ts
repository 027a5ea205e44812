// The same FlowJobs on both engines in one run. PARTS=pods,work,idle chooses; STARTS, UPGRADES, KILLS, BIDS, ROUNDS and SUSPENDED make it shorter or longer.
// `pods` uses the cluster of `npm run cluster -- up`, `load` and `load-flink`; `idle` starts a control plane of its own.
import { Jobs, kubectl, installOperator, NAMESPACE, uninstallOperator } from '../kubernetes/flowjobs/operator.ts';
import { FLINK_IMAGE } from '../kubernetes/flink-image.ts';
import { workOfBoth } from './flink-work.ts';
import { FlowJobSubject } from './kubernetes/flowjob-subject.ts';
import { PodBench, type PodTargets } from './kubernetes/pods.ts';
import { suspendedMebibytes } from './kubernetes/suspended.ts';
import { report, type Figure } from './report.ts';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** Against apache/flink-kubernetes-operator on such a machine: 20 s, 15 to 60 s, 22 s, 7 to 11 s, 14 s. */
const FLINK_TARGETS: PodTargets = {
  applyToRunningSeconds: 16,
  statusBehindSeconds: 1,
  upgradeDowntimeSeconds: 8,
  taskManagerKilledSeconds: 7,
  jobManagerKilledSeconds: 13,
};

export async function flinkBench(): Promise<void> {
  const parts = (process.env['PARTS'] ?? 'pods,work,idle').split(',');
  const figures: Figure[] = [];
  if (parts.includes('pods')) figures.push(...(await podFigures()));
  if (parts.includes('work')) figures.push(...(await workFigures()));
  if (parts.includes('idle')) figures.push(await idleFigure(number('SUSPENDED', 500)));
  report('flink', figures);
}

async function podFigures(): Promise<Figure[]> {
  const jobs = new Jobs(NAMESPACE);
  await jobs.createNamespace();
  await installOperator();
  try {
    const flink = new FlowJobSubject(jobs, { type: 'Flink', version: '2.3', image: FLINK_IMAGE });
    return [
      ...(await measured('flink', 'Flink', flink, FLINK_TARGETS)),
      ...(await measured('embedded', 'embedded', new FlowJobSubject(jobs), {})),
    ];
  } finally {
    await jobs.removeNamespace();
    await uninstallOperator();
  }
}

async function measured(
  prefix: string,
  engine: string,
  subject: FlowJobSubject,
  targets: PodTargets,
): Promise<Figure[]> {
  const bench = await PodBench.open(subject, kubectl, NAMESPACE);
  try {
    const plan = { starts: number('STARTS', 3), upgrades: number('UPGRADES', 3), kills: number('KILLS', 3) };
    const named = (name: string): string => `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`;
    const figures = await bench.measure(plan, targets, named);
    return figures.map((figure) => ({ ...figure, label: `${engine}: ${figure.label}` }));
  } finally {
    bench.close();
  }
}

async function workFigures(): Promise<Figure[]> {
  const { flink, embedded } = await workOfBoth(number('BIDS', 5_000_000), number('ROUNDS', 3));
  return [
    { name: 'flinkRowsPerSecond', label: 'Flink: GROUP BY over CSV, rows/s', value: flink.rowsPerSecond },
    { name: 'embeddedRowsPerSecond', label: 'embedded: the same, rows/s', value: embedded.rowsPerSecond },
    { name: 'flinkCpuPerMillionRows', label: 'Flink: CPU seconds per million rows', value: flink.cpuPerMillionRows },
    { name: 'embeddedCpuPerMillionRows', label: 'embedded: the same', value: embedded.cpuPerMillionRows },
  ];
}

async function idleFigure(count: number): Promise<Figure> {
  return {
    name: 'operatorSuspendedMiB',
    label: `operator with ${count} suspended jobs, highest resident memory, MiB`,
    value: await suspendedMebibytes(count),
    target: '<= 200',
  };
}
