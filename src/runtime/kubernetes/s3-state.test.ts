// State on S3, in pods: what Flink's are told of it, and who looks at it where no JobManager answers.
import { parse } from 'yaml';
import type { Client } from '../../kube/rest/client.ts';
import type { AttemptPlan, StatePlace } from '../port.ts';
import { flinkFiles, flinkJobManagerPod, flinkTaskManagerPod } from './flink-pods.ts';
import { flinkPlan } from './flink-plan.fixture.ts';
import { claimOf } from './state-mounts.ts';
import { StateVolumes } from './state-volumes.ts';
import { storagePod, type Volume } from './storage-pod.ts';
import type { StoragePods } from './storage-pods.ts';

const settings = { image: 'flowjob:dev' };
const endpoint = 'http://minio:9000';
const credentials = { name: 's3', accessKeyIdKey: 'accessKey', secretAccessKeyKey: 'secretKey' };
const onMinio = { uri: 's3://jobs/state/', endpoint, credentialsSecretRef: credentials };
const onAws = { uri: 's3://jobs/state' };
const podTemplate = { spec: { serviceAccountName: 'orders' } };

const planOf = (storage: object, engine: object = {}, more: object = {}): AttemptPlan =>
  flinkPlan({
    engine: { type: 'Flink', version: '2.3', ...engine },
    state: { storage },
    jobManager: { podTemplate },
    ...more,
  });

const placeOf = (storage: object): StatePlace => {
  const { key, spec } = planOf(storage);
  return { key, engine: 'Flink', storage: spec.state.storage, podTemplate };
};

interface Variable {
  name: string;
  valueFrom?: object;
}
type Pod = Pick<ReturnType<typeof storagePod>, 'spec'>;
const containerOf = ({ spec }: Pod) =>
  (spec['containers'] as { env?: Variable[]; args: string[]; volumeMounts: { name: string }[] }[])[0]!;
const variables = (pod: Pod): Record<string, object> =>
  Object.fromEntries(
    (containerOf(pod).env ?? [])
      .filter(({ name }) => name.startsWith('AWS_'))
      .map(({ name, valueFrom }) => [name, valueFrom!]),
  );
const configOf = (plan: AttemptPlan, highAvailability = false): Record<string, string> =>
  parse(flinkFiles(plan, { highAvailability })['config.yaml']!) as Record<string, string>;

const FROM_SECRET = {
  AWS_ACCESS_KEY_ID: { secretKeyRef: { name: 's3', key: 'accessKey' } },
  AWS_SECRET_ACCESS_KEY: { secretKeyRef: { name: 's3', key: 'secretKey' } },
  AWS_SESSION_TOKEN: { secretKeyRef: { name: 's3', key: 'AWS_SESSION_TOKEN', optional: true } },
};

describe('Flink', () => {
  test('is told where its state is, in a folder of the job’s own, and how the store is reached', () => {
    expect(configOf(planOf(onMinio))).toMatchObject({
      'execution.checkpointing.dir': 's3://jobs/state/orders/flink/checkpoints',
      'execution.checkpointing.savepoint-dir': 's3://jobs/state/orders/flink/savepoints',
      's3.endpoint': endpoint,
      's3.endpoint.region': 'us-east-1',
      's3.path.style.access': 'true',
    });
    const config = configOf(planOf({ ...onAws, region: 'eu-central-1' }));
    expect(config).toMatchObject({ 's3.endpoint.region': 'eu-central-1', 's3.path.style.access': 'false' });
    expect(config).not.toHaveProperty(['s3.endpoint']);
  });

  test('has its credentials from the Secret, by the kubelet alone', () => {
    const plan = planOf(onMinio);
    const place = { index: 0, restarts: 0, jobManagerAddress: '10.0.0.7' };
    for (const pod of [flinkJobManagerPod(plan, settings), flinkTaskManagerPod(plan, place)])
      expect(variables(pod)).toEqual(FROM_SECRET);
    expect(flinkFiles(plan)['config.yaml']).not.toMatch(/accessKey|secretKey/);
  });

  test('without credentials is who its service account is', () => {
    const plan = planOf(onAws);
    const pod = flinkJobManagerPod(plan, settings);
    expect(variables(pod)).toEqual({});
    expect(pod.spec['serviceAccountName']).toBe('orders');
    const provider = 'fs.s3a.aws.credentials.provider';
    expect(configOf(plan)[provider]).toBe('com.amazonaws.auth.DefaultAWSCredentialsProviderChain');
    expect(configOf(planOf(onAws, { config: { [provider]: 'mine' } }))[provider]).toBe('mine');
  });

  test('keeps there what its high availability stores, too', () => {
    expect(configOf(planOf(onMinio), true)).toMatchObject({
      'high-availability.type': 'kubernetes',
      'high-availability.storageDir': 's3://jobs/state/orders/flink/ha/runs',
      'job-result-store.storage-path': `s3://jobs/state/orders/flink/ha/results/${'a'.repeat(32)}`,
      's3.endpoint': endpoint,
    });
    for (const pod of [
      flinkJobManagerPod(planOf(onMinio), { ...settings, highAvailability: true }),
      flinkTaskManagerPod(
        planOf(onMinio),
        { index: 0, restarts: 0, jobManagerAddress: '10.0.0.7' },
        { highAvailability: true },
      ),
    ])
      expect([containerOf(pod).volumeMounts.map(({ name }) => name), variables(pod)]).toEqual([
        ['config', 'secret', 'tmp'],
        FROM_SECRET,
      ]);
  });

  test.each(['1.20', '2.0'])('%s is told the same of S3 and of high availability as 2.3', (version) => {
    const jar = { uri: 'local:///opt/flink/usrlib/orders.jar' };
    const told = (plan: AttemptPlan): object =>
      Object.fromEntries(
        Object.entries(configOf(plan, true)).filter(([key]) =>
          /^(s3[.]|fs[.]s3a|high-avail|job-result|kubernetes|execution[.]checkpointing)/.test(key),
        ),
      );
    const plan = planOf(onMinio, { version }, { job: { jar } });
    expect(told(plan)).toEqual(told(planOf(onMinio)));
    expect(variables(flinkJobManagerPod(plan, { ...settings, highAvailability: true }))).toEqual(FROM_SECRET);
  });

  test('has no volume for its state, and its pods may run apart', () => {
    const pod = flinkJobManagerPod(planOf(onMinio), settings);
    expect(claimOf(placeOf(onMinio))).toBeNull();
    expect(containerOf(pod).volumeMounts.map(({ name }) => name)).toEqual(['config', 'secret', 'tmp']);
    expect(pod.spec).not.toHaveProperty('affinity');
  });
});

describe('a storage pod', () => {
  let asked: { volume: Volume; command: object }[];
  let volumes: StateVolumes;
  let answer: object;
  let troubles: string[];
  const note = (error: Error): void => void troubles.push(error.message);

  beforeEach(() => {
    asked = [];
    answer = {};
    troubles = [];
    const pods: Pick<StoragePods, 'run'> = {
      run: async (volume, command) => {
        asked.push({ volume, command });
        return JSON.stringify(answer);
      },
    };
    volumes = new StateVolumes({ find: async () => null } as unknown as Client, pods as StoragePods, note);
  });

  const podFor = (volume: Volume): ReturnType<typeof storagePod> =>
    storagePod(volume, { name: 'p', image: 'i', command: { kind: 'removeState' } });
  const s3Of = (pod: Pod): unknown => {
    const { args } = containerOf(pod);
    return args.includes('--s3') ? JSON.parse(args[args.indexOf('--s3') + 1]!) : null;
  };

  test('looks at the folder on S3 as the job’s pods reach it, with nothing mounted', async () => {
    await volumes.look({ ...placeOf(onMinio), findState: true }, 'v');
    const pod = podFor(asked[0]!.volume);
    expect(asked[0]!.volume.root).toBe('s3://jobs/state/orders/flink');
    expect(s3Of(pod)).toMatchObject({ endpoint, serviceAccountName: 'orders' });
    expect(variables(pod)).toEqual(FROM_SECRET);
    expect(pod.spec).toMatchObject({ serviceAccountName: 'orders', volumes: [] });
  });

  test('that cannot clear something away has that told, once, with what to do', async () => {
    answer = { epoch: 0, uncleared: 'it refuses' };
    for (let i = 0; i < 2; i++)
      expect(await volumes.look({ ...placeOf(onMinio), needed: [] }, 'v')).toEqual({ epoch: 0 });
    expect(troubles).toEqual([expect.stringMatching(/orders.*s3:\/\/jobs\/state\/orders\/flink.*it refuses -> let/)]);
    answer = { epoch: 0 };
    await volumes.look(placeOf(onMinio), 'v');
    answer = { epoch: 0, uncleared: 'it refuses' };
    await volumes.look(placeOf(onMinio), 'v');
    expect(troubles).toHaveLength(2);
  });

  test('looks there for the savepoint that a job starts from, too', async () => {
    const savepoint = { path: 's3://jobs/state/other/flink/savepoints/1/savepoint-1' };
    await volumes.look({ ...placeOf(onMinio), savepoint }, 'v');
    expect(asked.map(({ command }) => command)).toEqual([{ kind: 'view', savepoint: savepoint.path }]);
  });

  test('mounts the claim of a savepoint from which a job goes on that now has its state on S3', async () => {
    const client = { find: async () => ({ metadata: {} }) } as unknown as Client;
    const pods = { run: async (volume: Volume, command: object) => (asked.push({ volume, command }), '{}') };
    const savepoint = { path: '/flowjob/state/other/flink/savepoints/1/savepoint-1', claimName: 'other-state' };
    await new StateVolumes(client, pods as unknown as StoragePods, note).look({ ...placeOf(onMinio), savepoint }, 'v');
    expect(asked[0]!.volume).toMatchObject({ s3: { endpoint }, volumeMounts: [{ mountPath: '/flowjob/restore' }] });
    expect(asked[0]!.command).toMatchObject({ savepoint: '/flowjob/restore/other/flink/savepoints/1/savepoint-1' });
  });

  test('is not made for a savepoint on S3 of which a job on a volume says nothing: that is told', async () => {
    const { savepoint } = await volumes.look({ ...placeOf({}), savepoint: { path: 's3://jobs/a' } }, 'v');
    expect(savepoint).toMatchObject({ kind: 'NotFound', message: expect.stringMatching(/write its uri as s3:/) });
    expect(asked).toEqual([]);
  });

  test('removes a savepoint whose job is gone as the savepoint itself says', async () => {
    const path = 's3://jobs/state/orders/flink/savepoints/1/savepoint-1';
    const s3 = { endpoint, credentialsSecretRef: credentials, serviceAccountName: 'orders' };
    const place = { key: { namespace: 'a', name: 'orders' }, engine: 'Flink', storage: undefined } as const;
    await volumes.dispose(place, { path, s3 }, 'v');
    expect(asked.map(({ command }) => command)).toEqual([{ kind: 'dispose', path }]);
    const pod = podFor(asked[0]!.volume);
    expect(variables(pod)).toEqual(FROM_SECRET);
    expect(pod.spec['serviceAccountName']).toBe('orders');
  });

  test('removes it with the job’s Secret of now, but not from another store', async () => {
    const path = 's3://jobs/state/orders/flink/savepoints/1/savepoint-1';
    const s3 = { endpoint, credentialsSecretRef: { ...credentials, name: 'former' } };
    await volumes.dispose(placeOf(onMinio), { path, s3 }, 'v');
    await volumes.dispose(placeOf({ ...onMinio, endpoint: 'http://another:9000' }), { path, s3 }, 'v');
    expect(asked.map(({ volume }) => volume.s3?.credentialsSecretRef?.name)).toEqual(['s3', 'former']);
  });
});
