// The operator in its home. PARTS=pods,scale chooses; STARTS, UPGRADES, KILLS and JOBS make it shorter or longer. `pods` uses the cluster of
// `npm run cluster -- up` and `load`, `scale` starts a control plane of its own.
import { Jobs, kubectl, installOperator, NAMESPACE, uninstallOperator } from '../kubernetes/flowjobs/operator.ts';
import { FlowJobSubject } from './kubernetes/flowjob-subject.ts';
import { EMBEDDED_TARGETS, PodBench } from './kubernetes/pods.ts';
import { scaleFigures } from './kubernetes/scale.ts';
import { report, type Figure } from './report.ts';

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

export async function kubernetesBench(): Promise<void> {
  const parts = (process.env['PARTS'] ?? 'pods,scale').split(',');
  const figures: Figure[] = [];
  if (parts.includes('pods')) figures.push(...(await podFigures()));
  if (parts.includes('scale')) figures.push(...(await scaleFigures(number('JOBS', 1000))));
  report('kubernetes', figures);
}

async function podFigures(): Promise<Figure[]> {
  const jobs = new Jobs(NAMESPACE);
  await jobs.createNamespace();
  await installOperator();
  try {
    const bench = await PodBench.open(new FlowJobSubject(jobs), kubectl, NAMESPACE);
    try {
      const plan = { starts: number('STARTS', 9), upgrades: number('UPGRADES', 7), kills: number('KILLS', 5) };
      return await bench.measure(plan, EMBEDDED_TARGETS);
    } finally {
      bench.close();
    }
  } finally {
    await jobs.removeNamespace();
    await uninstallOperator();
  }
}
