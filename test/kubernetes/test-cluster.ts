// `npm run test:cluster`: the tests that need a real Kubernetes. `--full` adds those that take longer; everything else goes to jest. Where no node can run, the
// tests that need one are left out, which is said.
import { spawnSync } from 'node:child_process';
import { cannotRunHere } from './cluster.ts';
import { clusterFolder } from './folder.ts';
import { ownCluster } from './own-cluster.ts';

const args = process.argv.slice(2).filter((arg) => arg !== '--full');
const isFull = process.argv.includes('--full');
const impossible = ownCluster(clusterFolder()) === null ? cannotRunHere() : null;
const projects = impossible === null ? ['api-server', 'cluster'] : ['api-server'];

const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--selectProjects', ...projects, '--runInBand', ...args],
  {
    stdio: 'inherit',
    env: { ...process.env, ...(isFull ? { FLOWJOB_FULL: '1' } : {}) },
  },
);
if (impossible !== null)
  console.log(
    `NOT RUN: the tests that need a node, because ${impossible}. With a cluster of yours they run: npm run cluster -- up --context NAME`,
  );
process.exit(status ?? 1);
