// The command line in a folder with a kubeconfig `k` for a cluster that nock stands in for. Each reply that a test prepares has to be asked for.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nock, type Scope } from '../../kube/testing/nock.ts';
import { testCli, type TestCli } from '../testing.ts';
import { kubeconfig, SERVER } from './kubeconfig.fixture.ts';

export interface ClusterCli {
  cli: TestCli;
  api: Scope;
}

/** Defines what is done before and after each test; what it returns is filled before each. */
export function clusterCli(): ClusterCli {
  const place = {} as ClusterCli;
  beforeEach(() => {
    nock.disableNetConnect();
    place.cli = testCli({ now: () => new Date('2026-01-31T12:00:00Z') });
    writeFileSync(join(place.cli.directory, 'k'), kubeconfig(SERVER));
    place.api = nock(SERVER);
  });
  afterEach(async () => {
    const pending = nock.pendingMocks();
    nock.abortPendingRequests();
    nock.cleanAll();
    nock.enableNetConnect();
    await place.cli.close();
    expect(pending).toEqual([]);
  });
  return place;
}
