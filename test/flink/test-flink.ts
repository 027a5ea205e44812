// `npm run test:flink`: the tests that run Apache Flink itself, in files that end in .flink.test.ts, and in pods, in files that end in .flink-cluster.test.ts.
// Where no node can run, those in pods are left out, which is said. A cluster of the user's would need Flink's image: there they are left out, too, and with
// `--without-pods`, which takes half of the time.
import { runJest } from '../harness/run-jest.ts';
import { cannotRunHere } from '../kubernetes/cluster.ts';
import { clusterFolder } from '../kubernetes/folder.ts';
import { ownCluster } from '../kubernetes/own-cluster.ts';

/** What would take the suite past its time, quarter of an hour: with --full alone. */
const LONG = [
  'pyflink.flink',
  'rescale-in-place.flink',
  'test/flink/start-before-stop.flink',
  'test/flink/versions.flink',
  'versions-high-availability.flink',
  'flink-on-s3.flink',
  'autoscaling.flink-cluster',
  'flow-cluster.flink-cluster',
  'flow-cluster-losses.flink-cluster',
  'flow-cluster-on-s3.flink-cluster',
  'high-availability.flink-cluster',
  'jar.flink-cluster',
  'jar-on-s3.flink-cluster',
  'rollback.flink-cluster',
  's3.flink-cluster',
  'start-before-stop.flink-cluster',
  'state.flink-cluster',
];

const WITHOUT_PODS = '--without-pods';
const args = process.argv.slice(2);
const leftOut = args.includes('--full') ? [] : ['--testPathIgnorePatterns', '/node_modules/', ...LONG];
const impossible = args.includes(WITHOUT_PODS)
  ? `of ${WITHOUT_PODS}`
  : ownCluster(clusterFolder()) === null
    ? cannotRunHere()
    : 'the cluster is one of yours';
const code = runJest(impossible === null ? ['flink', 'flink-cluster'] : ['flink'], [
  ...args.filter((arg) => arg !== WITHOUT_PODS),
  ...leftOut,
]);
if (leftOut.length > 0)
  console.log(`NOT RUN without --full: ${LONG.join(', ')}, and of jobs.flink the jobs that Flink refuses.`);
if (impossible !== null) console.log(`NOT RUN: the tests of Apache Flink in pods, because ${impossible}.`);
process.exit(code);
