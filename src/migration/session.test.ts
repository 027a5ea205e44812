import { deployment, importAll, key, said, STREAM } from './deployment.fixture.ts';

const sessionJob = (more = '', name = 'hourly'): string => `---
apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: ${name}}
spec:
  deploymentName: session
  job: {jarURI: "https://repo.example/a.jar", parallelism: 4, upgradeMode: stateless}
${more}`;

describe('a session', () => {
  const session = (entries: Record<string, unknown>): string =>
    deployment(`  flinkConfiguration: ${JSON.stringify(entries)}\n`, 'session');

  test('becomes nothing, and each of its jobs a FlowJob with a cluster of its own that has the settings of the session', () => {
    const text = session({
      'state.checkpoints.dir': 's3://b/cp',
      'taskmanager.numberOfTaskSlots': '2',
      'table.exec.state.ttl': '1 h',
      'kubernetes.operator.periodic.savepoint.interval': '1d',
    });
    const [cluster, hourly, other] = importAll(text + sessionJob() + sessionJob('', 'daily'));
    expect(cluster!.manifest).toBeNull();
    expect(said(cluster!, 'NothingToDo')['spec']).toMatch(
      /each of its jobs gets a cluster of its own.*"hourly", "daily"$/,
    );
    expect(hourly!.manifest).toMatchObject({
      kind: 'FlowJob',
      spec: {
        engine: { type: 'Flink', version: '2.0', image: 'shop/orders:7', config: { 'table.exec.state.ttl': '1 h' } },
        job: { parallelism: 4 },
        state: { storage: { uri: 's3://b/cp' }, savepoints: { schedule: '0 0 * * *' } },
        jobManager: { resources: { limits: { memory: '1Gi', cpu: '1' } } },
        taskManager: {
          ...{ replicas: 2, slots: 2, resources: { limits: { memory: '2Gi', cpu: '500m' } } },
          podTemplate: { spec: { serviceAccountName: 'flink' } },
        },
      },
    });
    expect({ ...other!.manifest!.spec }).toEqual(hourly!.manifest!.spec);
  });

  test('gives way to what its job says itself', () => {
    const [, hourly] = importAll(
      session({
        'execution.checkpointing.interval': '1 min',
        'taskmanager.numberOfTaskSlots': 2,
        'table.exec.state.ttl': '1 h',
        'state.checkpoints.dir': 's3://b/cp',
      }) +
        sessionJob(
          '  flinkConfiguration: {execution.checkpointing.interval: 20 s, taskmanager.numberOfTaskSlots: 4, table.exec.state.ttl: 2 h}\n',
        ),
    );
    expect(hourly!.manifest!.spec).toMatchObject({
      engine: { config: { 'table.exec.state.ttl': '2 h' } },
      state: { checkpoint: { interval: '20s' }, storage: { uri: 's3://b/cp' } },
      taskManager: { replicas: 1, slots: 4 },
    });
    expect(said(hourly!, 'NothingToDo')).toMatchObject({
      [`FlinkDeployment.session.${key('execution.checkpointing.interval')}`]:
        'the FlinkSessionJob has a value of its own',
      [key('taskmanager.numberOfTaskSlots')]: 'counts from now on: the cluster of the session passed it over',
    });
  });

  test('is as large as all its jobs together: the number of its TaskManagers is that of none of them', () => {
    const text = session({}).replace('taskManager: {', 'taskManager: {replicas: 30, ');
    const [, hourly] = importAll(text + sessionJob());
    expect(hourly!.manifest!.spec).toMatchObject({ job: { parallelism: 4 }, taskManager: { replicas: 4, slots: 1 } });
    expect(said(hourly!, 'NothingToDo')['FlinkDeployment.session.spec.taskManager.replicas']).toMatch(/whole session/);
  });

  test('tells each job of what does not go along from the session', () => {
    const text = session({ 'security.ssl.rest.enabled': true }).replace(
      'spec:\n',
      'spec:\n  ingress: {template: x}\n  slip: 1\n',
    );
    const [, hourly] = importAll(text + sessionJob());
    const toDo = said(hourly!, 'ToDo');
    expect(toDo['FlinkDeployment.session.spec.ingress']).toMatch(/Ingress of your own/);
    expect(toDo['FlinkDeployment.session.spec.slip']).toMatch(/not known here/);
    expect(toDo[`FlinkDeployment.session.${key('security.ssl.rest.enabled')}`]).toMatch(/by http/);
  });

  test('whose version is too old is named as what is wrong with its job', () =>
    expect(importAll(session({}).replace('v2_0', 'v1_17') + sessionJob())[1]!.errors).toMatchObject([
      { field: 'FlinkDeployment.session.spec.flinkVersion', value: 'v1_17' },
    ]));

  test('without jobs in the input asks for them', () => {
    const [cluster] = importAll(session({}));
    expect(cluster!.manifest).toBeNull();
    expect(said(cluster!, 'ToDo')['spec']).toMatch(/import its FlinkSessionJobs with it/);
  });

  test('that is not in the input, or is in another namespace, is asked for, and its job is not made', () => {
    const [alone] = importAll(sessionJob());
    expect(alone!.manifest).toBeNull();
    expect(alone!.errors).toMatchObject([
      {
        field: 'spec.deploymentName',
        value: 'session',
        problem: expect.stringContaining('no FlinkDeployment of this name is in the input'),
        remedy: expect.stringMatching(/^import it together with this job/),
      },
    ]);
    const [, elsewhere] = importAll(
      session({}) + sessionJob().replace('{name: hourly', '{namespace: shop, name: hourly'),
    );
    expect(elsewhere!.errors).toMatchObject([{ problem: expect.stringContaining('in namespace "shop"') }]);
  });

  test('a job cannot name a deployment that has its own, nor have the name of one', () => {
    const [, onJob] = importAll(deployment(STREAM, 'session') + sessionJob());
    expect(onJob!.errors).toMatchObject([{ field: 'spec.deploymentName' }]);
    const [first, , twice] = importAll(deployment(STREAM, 'hourly') + `---\n${session({})}` + sessionJob());
    expect(first!.manifest).not.toBeNull();
    expect(twice).toMatchObject({
      manifest: null,
      errors: [{ field: 'metadata.name', remedy: expect.stringContaining('rename') }],
    });
  });
});
