// `npm run bench -- NAME`: each benchmark prints a table, then one line of JSON.
import { autoscalerBench } from './autoscaler.ts';
import { demoBench } from './demo.ts';
import { flinkBench } from './flink.ts';
import { flinkProbe } from './flink-probe.ts';
import { kubernetesBench } from './kubernetes.ts';
import { stateBench } from './state.ts';

const benches: Record<string, () => Promise<void>> = {
  autoscaler: autoscalerBench,
  demo: demoBench,
  flink: flinkBench,
  'flink-probe': flinkProbe,
  kubernetes: kubernetesBench,
  state: stateBench,
};

const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  console.error(
    `no benchmark ${JSON.stringify(name)}; there are: ${Object.keys(benches).join(', ')}\nusage: npm run bench -- NAME`,
  );
  process.exit(1);
}
await bench();
