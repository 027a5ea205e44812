// Before the cluster tests: the cluster is up, the image is on its node. A first build takes minutes, more than a test may; what it does is told as it goes.
import { clusterUp, isWholeClusterUp } from './cluster.ts';
import { clusterFolder, withClusterLock } from './folder.ts';
import { loadProjectImage } from './image.ts';
import { ownCluster } from './own-cluster.ts';

/** Whether the developer's own cluster was up already: then it stays. */
export const KEEP = 'FLOWJOB_TEST_KEEPS_CLUSTER';

export default async function setup(): Promise<void> {
  const folder = clusterFolder();
  if (ownCluster(folder) !== null) return;
  process.env[KEEP] = String(isWholeClusterUp(folder));
  await withClusterLock(folder, async () => {
    await clusterUp(folder, console.log);
    await loadProjectImage(folder, console.log);
  });
}
