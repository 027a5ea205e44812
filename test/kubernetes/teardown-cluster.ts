// After the cluster tests: a cluster that they brought up is taken down.
import { cluster, KEEP } from './setup-cluster.ts';

export default function teardown(): void {
  if (process.env[KEEP] === 'false') cluster('down');
}
