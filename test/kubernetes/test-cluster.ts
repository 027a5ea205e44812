// `npm run test:cluster`: the tests that need a real Kubernetes. Where no node can run, the tests that need one are left out, which is said.
import { runJest } from '../harness/run-jest.ts';
import { cannotRunHere } from './cluster.ts';
import { clusterFolder } from './folder.ts';
import { ownCluster } from './own-cluster.ts';

const impossible = ownCluster(clusterFolder()) === null ? cannotRunHere() : null;
const code = runJest(impossible === null ? ['api-server', 'cluster'] : ['api-server'], process.argv.slice(2));
if (impossible !== null)
  console.log(
    `NOT RUN: the tests that need a node, because ${impossible}. With a cluster of yours they run: npm run cluster -- up --context NAME`,
  );
if (!process.argv.includes('--full'))
  console.log(
    'NOT RUN without --full: autoscaling-blind, autoscaling-stops, horizontal-pod-autoscaler, the schedule of savepoints (configuration), a full disk (running-faults); going down for want of load (autoscaling: a bound brings it down instead); operator-faults is shorter.',
  );
if (ownCluster(clusterFolder()) !== null)
  console.log(
    'NOT RUN on a cluster of yours: leaves-nothing, horizontal-pod-autoscaler, a volume that is reclaimed (pods), an image that comes late (not-starting), a leader that hangs (operator-faults).',
  );
if (process.env['FLOWJOB_TEST_SCOPE'] !== undefined)
  console.log('NOT RUN with FLOWJOB_TEST_SCOPE: the deletion of a namespace.');
process.exit(code);
