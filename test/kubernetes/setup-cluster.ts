// Before the cluster tests: the cluster is up, the image is on its node. A first build takes minutes, more than a test may; what it does is told as it goes.
// A cluster that `up --context NAME` chose is used as it is.
import { execFileSync } from 'node:child_process';
import { isWholeClusterUp } from './cluster.ts';
import { clusterFolder } from './folder.ts';
import { ownCluster } from './own-cluster.ts';

/** Whether the developer's cluster was up already: then it stays. */
export const KEEP = 'FLOWJOB_TEST_KEEPS_CLUSTER';

export const cluster = (command: string): void =>
  void execFileSync(process.execPath, ['test/kubernetes/main.ts', command], { stdio: 'inherit' });

export default function setup(): void {
  const folder = clusterFolder();
  const own = ownCluster(folder) !== null;
  process.env[KEEP] = String(own || isWholeClusterUp(folder));
  if (!own) cluster('up');
  cluster('load');
}
