// After the cluster tests: a cluster that they brought up is taken down.
import { down } from './cluster.ts';
import { clusterFolder, withClusterLock } from './folder.ts';
import { KEEP } from './jest-setup.ts';

export default async function teardown(): Promise<void> {
  const folder = clusterFolder();
  if (process.env[KEEP] === 'false') await withClusterLock(folder, async () => down(folder, console.log));
}
