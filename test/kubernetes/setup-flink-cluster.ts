// Before the tests of Apache Flink in pods: the cluster is up, and both images are on its node.
import setupCluster, { cluster } from './setup-cluster.ts';

export default function setup(): void {
  setupCluster();
  cluster('load-flink');
}
