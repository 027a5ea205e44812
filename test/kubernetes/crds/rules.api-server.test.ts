// Each CEL rule of the CRDs, judged by a real API server on the examples that the local evaluator is tried with: both must be of one mind.
import type { Kind } from '../../../src/api/group.ts';
import { examples, rulesIn, type Example } from '../../../src/api/rules.fixture.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { KubeObject, Manifest } from '../../../src/kube/object.ts';
import { RESOURCES } from '../../../src/store/kubernetes/resources.ts';
import { KIND_NAMES, readCrd, startApiWithCrds, type ApiWithCrds } from './crds-fixture.ts';

let api: ApiWithCrds;

type Named = Manifest<KubeObject> & { status?: object };

beforeAll(async () => {
  api = await startApiWithCrds(KIND_NAMES.map(readCrd));
}, 240_000);

afterAll(async () => api.stop());

const named = (object: object): Named => {
  const { metadata, ...rest } = object as Named;
  return { ...rest, metadata: { ...metadata, namespace: 'default' } };
};

/** Asks the server to take `object`, in place of `example.old` where the rule is about changes; nothing stays. */
async function ask(kind: Kind, { old }: Example, object: object): Promise<string> {
  const resource = RESOURCES[kind] as unknown as Parameters<typeof api.client.create>[0];
  const wanted = named(object);
  try {
    if (old === undefined) {
      await api.client.create(resource, wanted, { dryRun: true });
      return 'accepted';
    }
    const { status: _, ...first } = named(old);
    const created = await api.client.create(resource, first);
    const { metadata } =
      wanted.status === undefined
        ? created
        : await api.client.replace(resource, { ...created, status: wanted.status } as Named, { subresource: 'status' });
    await api.client.replace(resource, { ...wanted, metadata }, { dryRun: true });
    return 'accepted';
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Invalid') throw error;
    return error.message;
  } finally {
    if (old !== undefined) await api.client.delete(resource, wanted.metadata);
  }
}

describe.each(KIND_NAMES)('rules of the %s CRD', (kind) => {
  const rules = rulesIn(readCrd(kind).spec.versions[0]!.schema.openAPIV3Schema, '');

  test.each(rules.map(({ path, rule }) => [`${path}: ${rule.message}`]))('%s', async (message) => {
    const found = Object.entries(examples[kind]).filter(([key]) => message.startsWith(key));
    expect({ message, examples: found.length }).toEqual({ message, examples: 1 });
    const [key, example] = found[0]!;
    expect(await ask(kind, example, example.accepted)).toBe('accepted');
    expect(await ask(kind, example, example.refused)).toContain(key.slice(key.indexOf(': ') + 2));
  });
});

test('a large job is judged within the cost that the server allows: 250 kB of SQL, a hundred volumes, long names', async () => {
  const volumes = Array.from({ length: 100 }, (_, n) => ({ name: `volume-${n}`, configMap: { name: `map-${n}` } }));
  const large = {
    metadata: { name: 'a'.repeat(45) },
    spec: {
      mode: 'Streaming',
      job: { sql: { inline: `SELECT '${'x'.repeat(250_000)}'` }, parallelism: 128 },
      taskManager: { replicas: 128, slots: 1, podTemplate: { spec: { volumes } } },
    },
  };
  expect(await ask('FlowJob', { accepted: large, refused: large }, large)).toBe('accepted');
});
