// What people do with kubectl, on a real API server without a node: explain, get with its columns and short names, scale, wait; and the manifests that the
// documents show.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { StructuralSchema } from '../../../src/api/structural.ts';
import { run } from '../command.ts';
import { KIND_NAMES, readCrd, startApiWithCrds, type ApiWithCrds } from './crds-fixture.ts';

let api: ApiWithCrds;

beforeAll(async () => {
  api = await startApiWithCrds();
}, 240_000);

afterAll(async () => api.stop());

/** Paths of all fields below a schema, with the text that each has. */
function fieldsIn(schema: StructuralSchema, path: string): { path: string; text: string }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const here = `${path}.${name}`;
    const below = child.items ?? child;
    return [{ path: here, text: child.description ?? '' }, ...fieldsIn(below, here)];
  });
}

describe.each(KIND_NAMES)('kubectl explain %s', (kind) => {
  const schema = readCrd(kind).spec.versions[0]!.schema.openAPIV3Schema;
  const fields = fieldsIn(schema, kind.toLowerCase()).filter(({ path }) => !/^\w+\.(apiVersion|kind|metadata)/.test(path));

  test('has a text for every field', () => {
    expect(schema.description).toMatch(/\w/);
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.filter(({ text }) => !/\w{2}/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('prints those texts, at every depth that there is', async () => {
    const deepest = new Map(fields.map((field) => [field.path.split('.').length, field]));
    for (const { path, text } of deepest.values()) {
      const printed = (await api.kubectl.run('explain', path)).replace(/\s+/g, ' ');
      expect(printed).toContain(text.replace(/\s+/g, ' ').trim());
    }
    const whole = await api.kubectl.run('explain', kind.toLowerCase(), '--recursive');
    for (const { path } of fields) expect(whole).toContain(path.split('.').at(-1)!);
  });
});

const orders = {
  apiVersion: 'flowjob.dev/v1alpha1',
  kind: 'FlowJob',
  metadata: { name: 'orders', namespace: 'default' },
  spec: { mode: 'Streaming', job: { sql: { inline: 'SELECT 1' } } },
};

async function patchStatus(status: object): Promise<void> {
  const patch = JSON.stringify({ status });
  await api.kubectl.run('patch', 'flowjob', 'orders', '--subresource=status', '--type=merge', '--patch', patch);
}

const condition = (type: string, status: string, reason: string): object => ({
  type,
  status,
  reason,
  message: 'It is so.',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

test('get shows what matters, -o wide the rest, by short name and category', async () => {
  await api.kubectl.apply([orders]);
  await patchStatus({
    observedGeneration: 1,
    state: 'Running',
    parallelism: 2,
    conditions: [condition('Ready', 'True', 'Running')],
    taskManager: { replicas: 2, selector: 'flowjob.dev/job=orders' },
    lastSavepoint: { path: 'file:/s', triggerId: 'a'.repeat(32), jobId: 'b'.repeat(32), completedAt: '2026-01-01T00:00:00Z' },
  });
  const [head, row] = (await api.kubectl.run('get', 'fj')).split('\n').map((line) => line.split(/\s{2,}/).map((s) => s.trim()));
  expect(head).toEqual(['NAME', 'MODE', 'STATE', 'READY', 'PARALLELISM', 'AGE']);
  expect(row!.slice(0, 5)).toEqual(['orders', 'Streaming', 'Running', 'True', '2']);
  const wide = await api.kubectl.run('get', 'flow', '-o', 'wide');
  for (const column of ['REASON', 'TASKMANAGERS', 'ATTEMPT', 'SAVEPOINT']) expect(wide).toContain(column);
  expect(wide).toContain('file:/s');
});

test('wait returns when a condition comes', async () => {
  await api.kubectl.apply([orders]);
  const waiting = api.kubectl.run('wait', '--for=condition=Suspended', 'fj/orders', '--timeout=20s');
  await patchStatus({ observedGeneration: 1, conditions: [condition('Suspended', 'True', 'Suspended')] });
  expect(await waiting).toContain('condition met');
});

test('scale sets the TaskManagers, and reads how many there are', async () => {
  await api.kubectl.apply([orders]);
  await patchStatus({ observedGeneration: 1, conditions: [], taskManager: { replicas: 1, selector: 'flowjob.dev/job=orders' } });
  await api.kubectl.run('scale', 'fj/orders', '--replicas=3');
  const scale = JSON.parse(
    await api.kubectl.run('get', '--raw', '/apis/flowjob.dev/v1alpha1/namespaces/default/flowjobs/orders/scale'),
  );
  expect(scale).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 1, selector: 'flowjob.dev/job=orders' } });
});

const filesBelow = (path: string): string[] =>
  statSync(path).isDirectory() ? readdirSync(path).flatMap((name) => filesBelow(join(path, name))) : [path];

/** The manifests of our kinds in a file: the whole of a YAML file, the fenced blocks of a document. */
function manifestsIn(file: string): { name: string; object: object }[] {
  const text = readFileSync(file, 'utf8');
  const parts = file.endsWith('.md') ? [...text.matchAll(/^```ya?ml\n(.*?)^```/gms)].map((match) => match[1]!) : [text];
  return parts
    .flatMap((part) => parseAllDocuments(part).map((document) => document.toJS() as { apiVersion?: string } | null))
    .filter((object) => object?.apiVersion?.startsWith('flowjob.dev/') === true)
    .map((object, n) => ({ name: `${file} #${n + 1}`, object: object! }));
}

const shown = ['README.md', 'docs', 'examples']
  .flatMap(filesBelow)
  .filter((file) => /\.(md|ya?ml)$/.test(file))
  .flatMap(manifestsIn);

test('documents and examples show manifests', () => {
  expect(shown.length).toBeGreaterThanOrEqual(4);
});

test.each(shown)('the API server takes $name', async ({ object }) => {
  const args = ['--kubeconfig', api.kubectl.kubeconfig, 'apply', '--dry-run=server', '--filename', '-'];
  expect(await run(api.kubectl.program, args, { input: JSON.stringify(object) })).toContain('(server dry run)');
});
