import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CONTAINER } from '../../migration/pod-templates.ts';
import { ROLE } from '../../runtime/kubernetes/names.ts';
import { admit } from '../../api/admission.ts';
import { testCli, type TestCli } from '../testing.ts';

let cli: TestCli;
beforeEach(() => (cli = testCli()));
afterEach(() => cli.close());

const deployment = (name: string, version = 'v2_1'): string => `apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: ${name}}
spec:
  image: shop/orders:7
  flinkVersion: ${version}
  ingress: {template: "/{{name}}"}
  jobManager: {resource: {memory: 1g}}
  taskManager: {resource: {memory: 1g}}
  job: {jarURI: "local:///a.jar", parallelism: 1, upgradeMode: stateless}
`;
const given = (text: string): void => writeFileSync(join(cli.directory, 'a.yaml'), text);
/** Throws where the API server would refuse a manifest as it is printed. */
const importIt = async (file = 'a.yaml') => {
  const result = await cli.run(`import flinkdeployment ${file}`);
  for (const printed of parseAllDocuments(result.out)) admit(printed.toJS());
  return result;
};
const sessionJob = `apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: hourly}
spec: {deploymentName: session, job: {jarURI: "local:///a.jar", parallelism: 1, upgradeMode: stateless}}
`;

test('manifests go to standard output, each under what did not go along, and that to standard error too', async () => {
  given(`${deployment('a')}---\n${deployment('b')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n`);
  const { code, out, err } = await importIt();
  expect(code).toBe(0);
  const documents = parseAllDocuments(out);
  expect(documents.map((document) => document.toJS() as unknown)).toMatchObject([
    { kind: 'FlowJob', metadata: { name: 'a' } },
    { kind: 'FlowJob', metadata: { name: 'b' } },
  ]);
  const told = 'spec.ingress: Write an Ingress of your own for the Service NAME-rest, port 8081';
  expect(out).toContain(`#     ${told}`);
  expect(err).toContain(`FlinkDeployment "b" of a.yaml (document 2) becomes FlowJob "b"\n  to do:\n    ${told}`);
  expect(err).toContain('ConfigMap "c" of a.yaml (document 3) is left as it is');
  expect(err).toMatch(/2 FlowJob; 4 to do$/);
});

test('what kubectl prints is read from standard input', async () => {
  const objects = parseAllDocuments(`${deployment('a')}---\n${deployment('b')}`).map(
    (document) => document.toJS() as unknown,
  );
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await cli.close();
  cli = testCli({ readInput: async () => list });
  const { code, out } = await importIt('-');
  expect([code, parseAllDocuments(out).length]).toEqual([0, 2]);
});

test('a key that holds a line break stays in its comment', async () => {
  given(deployment('a').replace('  ingress:', '  "x\\nkind: FlowJob\\u2028y": 1\n  ingress:'));
  const { out } = await importIt();
  expect(parseAllDocuments(out).map((document) => document.errors)).toEqual([[]]);
  expect(out.match(/^kind:/gm)).toHaveLength(1);
});

test.each([
  ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n', 'a.yaml: no object of flink.apache.org in it'],
  ['# nothing\n', 'a.yaml: no manifest in it'],
  [deployment('a').replace('FlinkDeployment', 'FlinkDeploymnet'), 'did you mean "FlinkDeployment"?'],
  [
    deployment('a').replace('kind: FlinkDeployment', 'kind: FlinkBlueGreenDeployment'),
    'make a FlinkDeployment of its spec.template',
  ],
  [deployment('a').replace('v1beta1', 'v1alpha1'), 'set apiVersion to flink.apache.org/v1beta1'],
  [deployment('a').replace('apiVersion: flink.apache.org/v1beta1\n', ''), 'add apiVersion: flink.apache.org/v1beta1'],
  [deployment('a').replace('{name: a}', '{}'), 'add metadata with a name'],
  [deployment('a').replace('  flinkVersion: v2_1\n', ''), 'spec.flinkVersion: Required value'],
  [
    deployment('a').replace('{resource: {memory: 1g}}', 'none'),
    'spec.jobManager: Invalid value: "none": must be a map',
  ],
  ['kind: {{ .Values.kind }}\nx: y: z\n', /a\.yaml:\d+:\d+: not YAML/],
])('%# what is wrong is named with its remedy, and nothing is printed', async (text, message) => {
  given(text);
  const { code, out, err } = await importIt();
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^error: /);
  expect(err).toMatch(message);
  expect(err).toMatch(/Nothing was imported\.$/);
});

test.each([
  [deployment('b', 'v1_17'), 'FlinkDeployment "b"', 'spec.flinkVersion: Unsupported value: "v1_17"'],
  [sessionJob, 'FlinkSessionJob "hourly"', 'spec.deploymentName: Not found: "session"'],
  [
    deployment('b').replace('local:///a.jar', 'gs://b/a.jar'),
    'FlinkDeployment "b"',
    'or http://... with sha256 (from spec.job.jarURI)',
  ],
])(
  '%# one that cannot be imported is named with what is wrong, and the others are printed',
  async (text, who, problem) => {
    given(`${deployment('a')}---\n${text}`);
    const { code, out, err } = await importIt();
    expect(code).toBe(1);
    expect(parseAllDocuments(out).map((document) => document.toJS() as unknown)).toMatchObject([
      { kind: 'FlowJob', metadata: { name: 'a' } },
    ]);
    expect(err).toContain(`error: ${who} of a.yaml (document 2) becomes nothing\n  to be corrected first:\n    `);
    expect(err).toContain(problem);
    expect(err).toMatch(/1 FlowJob; 1 not imported; 2 to do$/);
  },
);

test('what the API server takes and the operator does not start is to do', async () => {
  given(deployment('a').replace('taskManager: {resource: {memory: 1g}}', 'taskManager: {resource: {memory: 512m}}'));
  const { code, err } = await importIt();
  expect([code, err]).toEqual([
    0,
    expect.stringMatching(/to do:[^]*spec\.taskManager\.resources\.limits\.memory is 512Mi/),
  ]);
});

test('what scales a FlinkDeployment is told what to scale', async () => {
  given(`${deployment('a')}---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {scaleTargetRef: {apiVersion: flink.apache.org/v1beta1, kind: FlinkDeployment, name: a}}
`);
  expect((await importIt()).err).toContain(
    'HorizontalPodAutoscaler "h" of a.yaml (document 2) is left as it is: in spec.scaleTargetRef set apiVersion: flowjob.dev/v1alpha1 and kind: FlowJob',
  );
});

test('the example of the documentation is what the import prints', async () => {
  const page = readFileSync('docs/how-to/migrate-from-flink-kubernetes-operator.md', 'utf8');
  const [input, output] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!);
  await cli.close();
  cli = testCli({ readInput: async () => input! });
  expect((await importIt('-')).out.trim()).toBe(output!.trim());
});

test('containers of templates have the names that the operator gives its own', () =>
  expect(CONTAINER).toEqual({ jobManager: ROLE.JobManager, taskManager: ROLE.TaskManager }));
