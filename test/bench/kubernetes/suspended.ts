// What an operator needs for jobs that do nothing: so many suspended FlowJobs on a control plane of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../engine/clock.ts';
import type { FlowJob } from '../../../src/api/flowjob.ts';
import type { Manifest, Resource } from '../../../src/kube/object.ts';
import { loadAuthentication } from '../../../src/kube/rest/auth.ts';
import { Client } from '../../../src/kube/rest/client.ts';
import { HttpsTransport } from '../../../src/kube/rest/transport.ts';
import { RESOURCES } from '../../../src/store/kubernetes/resources.ts';
import { until } from '../../harness/until.ts';
import { kubernetesCache } from '../../kubernetes/binaries.ts';
import { startControlPlane } from '../../kubernetes/control-plane.ts';
import { Kubectl } from '../../kubernetes/kubectl.ts';
import { peakMebibytes } from './process.ts';

const FLOWJOBS: Resource<FlowJob> = RESOURCES.FlowJob;

const manifest = (name: string): Manifest<FlowJob> =>
  ({
    apiVersion: 'flowjob.dev/v1alpha1',
    kind: 'FlowJob',
    metadata: { name, namespace: 'default' },
    spec: {
      mode: 'Streaming',
      suspend: true,
      engine: { type: 'Flink', version: '2.3' },
      job: { sql: { inline: "CREATE TABLE a (x INT) WITH ('connector' = 'datagen'); INSERT INTO b SELECT x FROM a" } },
    },
  }) as unknown as Manifest<FlowJob>;

/** The operator's highest resident memory with `count` suspended FlowJobs on Apache Flink, MiB. */
export async function suspendedMebibytes(count: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'flowjob-suspended-'));
  const plane = await startControlPlane({ folder: join(folder, 'plane') });
  try {
    const kubectl = new Kubectl(kubernetesCache('bin', 'kubectl'), plane.kubeconfig());
    await kubectl.run('apply', '--server-side', '--filename', 'crds');
    await kubectl.run('wait', '--for=condition=Established', '--timeout=30s', '--filename', 'crds');
    const transport = new HttpsTransport(await loadAuthentication({ file: plane.kubeconfig(), clock: systemClock }));
    const client = new Client({ transport, clock: systemClock, random: Math.random, userAgent: 'flowjob-bench' });
    // As in the chart.
    const flags = ['--max-old-space-size=384', '--max-semi-space-size=8', 'dist/kubernetes-operator.js'];
    const args = ['--image', 'none', '--kubeconfig', plane.kubeconfig(), '--http-port', '0'];
    const operator = spawn(process.execPath, [...flags, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    });
    try {
      const names = Array.from({ length: count }, (_, index) => `job-${index}`);
      for (let next = 0; next < count; next += 20)
        await Promise.all(names.slice(next, next + 20).map(async (name) => client.create(FLOWJOBS, manifest(name))));
      await until(
        'all jobs are suspended',
        async () => {
          const { items } = await client.list(FLOWJOBS, { namespace: 'default' });
          return items.filter(({ status }) => status?.state === 'Suspended').length >= count;
        },
        { seconds: 300, every: 2_000 },
      );
      return peakMebibytes(operator.pid!);
    } finally {
      operator.kill('SIGKILL');
    }
  } finally {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
