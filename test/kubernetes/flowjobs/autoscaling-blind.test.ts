// A stream whose metrics are not answered for, in a real pod: a proxy stands before the JobManager's REST API and passes everything on but those. With --full:
// it is told of after a minute.
import type { FlowJob } from '../../../src/api/flowjob.ts';
import { until } from '../../harness/until.ts';
import { full } from '../full.ts';
import { IMAGE, Jobs, kubectl, NAMESPACE, withOperator } from './operator.ts';
import {
  counting,
  expectPartsOnce,
  has,
  heavySql,
  makeSharedVolume,
  rowsOf,
  smallCpu,
  untilEvent,
  untilSeveralRead,
} from './streams.ts';

const jobs = new Jobs(NAMESPACE);

/** Where the engine answers instead; the proxy has its port. */
const BEHIND = 8082;
/** While it is there the proxy is silent on metrics. */
const SILENCE = '/tmp/silence';

const PROXY = `
const http = require('node:http');
const { existsSync } = require('node:fs');
http.createServer((question, answer) => {
  if (question.url.includes('/metrics') && existsSync('${SILENCE}')) return;
  const { url: path, method, headers } = question;
  const on = http.request({ port: ${BEHIND}, path, method, headers }, (reply) => {
    answer.writeHead(reply.statusCode, reply.headers);
    reply.pipe(answer);
  });
  on.on('error', () => answer.destroy());
  question.pipe(on);
}).listen(8081);`;

/** As an injected side car would be: the engine knows nothing of it. */
const withProxy = {
  podTemplate: {
    spec: {
      containers: [
        {
          name: 'jobmanager',
          command: ['sh', '-c', `exec node /opt/flowjob/dist/engine.js "$@" -D rest.port=${BEHIND}`, 'engine'],
        },
        {
          name: 'proxy',
          image: IMAGE,
          command: ['node', '-e', PROXY],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        },
      ],
    },
  },
};

/** Forty seconds of little, then more than one TaskManager can handle, for good. */
const STEPS = '0s:50, 40s:2000';
/** As many as one TaskManager takes more than a minute for after the step. */
const LONG_AFTER_STEP = 50_000;

const onProxy = async (...command: string[]): Promise<unknown> =>
  kubectl.run('exec', 'blind-1-jobmanager', '-n', NAMESPACE, '-c', 'proxy', '--', ...command);

const isHeld = ({ status }: FlowJob): boolean => status?.autoscaling?.held?.reason === 'MetricsUnknown';

(full ? describe : describe.skip)('a stream whose metrics are not answered for', () => {
  withOperator(jobs);

  beforeAll(() => makeSharedVolume(jobs), 120_000);

  test('keeps its size under any load, says so after a minute, and follows the load when they are there again', async () => {
    const spec = { jobManager: withProxy, taskManager: smallCpu, autoscaling: { enabled: true, maxParallelism: 2 } };
    await jobs.apply('blind', counting('blind', spec, 1, heavySql('blind', STEPS)));
    await jobs.until('blind', 'runs', has(1), 240);
    await onProxy('touch', SILENCE);
    const held = await jobs.until('blind', 'says that metrics are missing', isHeld, 180);
    expect(held.status?.autoscaling?.held?.message).toMatch(/nothing is changed/);
    await untilEvent('blind', NAMESPACE, 'AutoscalingHeld', /^MetricsUnknown: /);
    await until(
      'the load has been there for long',
      async () => (await rowsOf('blind', NAMESPACE)).length > LONG_AFTER_STEP,
      {
        seconds: 600,
        every: 2_000,
      },
    );
    const still = await jobs.get('blind');
    expect(has(1)(still) && isHeld(still)).toBe(true);
    expect(still.status?.autoscaling?.parallelism).toBeUndefined();

    await onProxy('rm', SILENCE);
    const up = await jobs.until('blind', 'has two TaskManagers', has(2), 240);
    expect(up.status).toMatchObject({ attempt: { epoch: 1 }, autoscaling: { parallelism: 2 } });
    expect(isHeld(up)).toBe(false);
    await untilSeveralRead('blind', NAMESPACE);
    await expectPartsOnce(jobs, 'blind');
  }, 1_500_000);
});
