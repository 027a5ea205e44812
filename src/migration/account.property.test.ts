// Nothing is dropped in silence: whatever an object holds, each of its values is in the output, or in the list of what did not go along.
import fc from 'fast-check';
import { DOCUMENTED_KEYS } from './documented-keys.fixture.ts';
import { Account } from './account.ts';
import { importObjects, type Imported } from './import.ts';
import { isMap, leavesOf, pathText, putAt, valueAt, type Json } from './leaves.ts';
import { judge } from './objects.ts';
import { FIELD_RULES, translate } from './translate.ts';
import { currentKey, KEY_RULES } from './keys.ts';
import { Settings } from './settings.ts';
import { listOf } from './report.ts';
import { SOURCE_KINDS, type SourceKind } from './rules.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/);
const scalar = fc.oneof(
  ...[
    word,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ],
  fc.constantFrom(
    '1 min',
    '2g',
    '2048m',
    'true',
    'false',
    '0 0 3 * * ?',
    'savepoint',
    'suspended',
    's3://b/x',
    'a:b',
    'BATCH',
    '16',
  ),
);
const anything = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(word, scalar, { maxKeys: 3 }),
  fc.constantFrom<unknown>(
    [{ name: 'flink-main-container', image: 'x', resources: { limits: { cpu: 1, gpu: 2 } } }],
    {},
    [],
  ),
);
const keyName = fc.oneof(
  fc.constantFrom(
    ...KEY_RULES.flatMap(({ from, formerly }) => [from, ...formerly]).map((name) => name.replace('*', 'x')),
  ),
  fc.constantFrom(...DOCUMENTED_KEYS),
  word,
);
const configuration = fc.dictionary(keyName, fc.oneof({ weight: 3, arbitrary: scalar }, anything), { maxKeys: 12 });

/** Fields by their rules, with values that fit and values that do not, and fields that there are not. */
const object = fc.constantFrom<SourceKind[]>(...SOURCE_KINDS).chain((kind) => {
  const fields = FIELD_RULES[kind].map(({ from }) => from.replace('*', 'x'));
  const some = fc.array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(...fields),
        word.map((name) => `spec.${name}`),
      ),
      anything,
    ),
    { maxLength: 15 },
  );
  return fc
    .record({ some, configuration, metadata: fc.dictionary(word, anything, { maxKeys: 3 }), withJob: fc.boolean() })
    .map(({ some: given, configuration: config, metadata, withJob }) => {
      const made: Json = {
        apiVersion: 'flink.apache.org/v1beta1',
        kind,
        metadata: { ...metadata, name: 'orders', labels: metadata },
        spec: {
          flinkConfiguration: config,
          ...(withJob ? { job: { jarURI: 'local:///a.jar', parallelism: 2, upgradeMode: 'last-state' } } : {}),
        },
      };
      for (const [field, value] of given)
        if (!blocked(made, field)) putAt(made, field.split('.'), structuredClone(value));
      const needed = {
        FlinkDeployment: 'spec.flinkVersion',
        FlinkSessionJob: 'spec.deploymentName',
        FlinkStateSnapshot: 'spec.jobReference.name',
      }[kind];
      putAt(made, needed.split('.'), kind === 'FlinkDeployment' ? 'v2_3' : 'session');
      return made;
    })
    .filter((made) => judge(made) === 'Ours');
});

/** A value that is no map stands in the way. */
function blocked(made: Json, field: string): boolean {
  const steps = field.split('.').slice(0, -1);
  return steps.some((_step, index) => {
    const on = valueAt(made, steps.slice(0, index + 1));
    return on !== undefined && !isMap(on);
  });
}

function check(one: Imported, input: Json): void {
  const { entries } = one.account;
  for (const { path } of leavesOf(input)) {
    const about = entries.filter((entry) => entry.path.every((step, index) => step === path[index]));
    const accounted = about.some(({ to, remarks }) => to.length > 0 || remarks.length > 0);
    if (!accounted) throw new Error(`nothing is said of ${pathText(path)}`);
  }
  if (one.errors.length > 0) return;
  const list = listOf(one).join('\n');
  for (const { path, remarks } of entries) if (remarks.length > 0) expect(list).toContain(pathText(path));
}

/** Before the rules of the API server are asked, which values at random seldom keep. */
function checkPlaces(object: Json, sessionObject: Json | null): void {
  const configurationOf = (one: Json): unknown => valueAt(one, ['spec', 'flinkConfiguration']);
  const account = new Account();
  const inherited = sessionObject === null ? null : new Settings(configurationOf(sessionObject), currentKey);
  const settings = new Settings(configurationOf(object), currentKey, inherited);
  const session = sessionObject === null ? null : { object: sessionObject, origin: ['FlinkDeployment', 'session'] };
  const { manifest } = translate({ object, settings, account, session });
  for (const { path, to } of account.entries)
    for (const field of to)
      if (valueAt(manifest, field) === undefined)
        throw new Error(`${pathText(path)} is said to be in ${pathText(field)}, which is not there`);
}

test('each value of a session, and of its job, is in the FlowJob of the job, or told of there', () => {
  const isOf = (kind: SourceKind) => (made: Json) => made['kind'] === kind;
  const session = object.filter(isOf('FlinkDeployment')).map((made) => {
    const { job: _none, ...spec } = made['spec'] as Json;
    return { ...made, metadata: { name: 'session' }, spec };
  });
  fc.assert(
    fc.property(session, object.filter(isOf('FlinkSessionJob')), (cluster, job) => {
      const [ofCluster, ofJob] = importObjects([cluster, job].map((one) => ({ source: 'test', object: one })));
      check(ofCluster!, cluster);
      checkPlaces(job, cluster);
      check(ofJob!, { ...job, FlinkDeployment: { session: { spec: cluster['spec'] } } });
    }),
    { numRuns: 200 },
  );
});

test('each value of an object goes somewhere, or is told of', () => {
  fc.assert(
    fc.property(object, (input) => {
      const before = structuredClone(input);
      const madeOfItself = input['kind'] === 'FlinkDeployment' && isMap(valueAt(input, ['spec', 'job']));
      if (madeOfItself || input['kind'] === 'FlinkStateSnapshot') checkPlaces(input, null);
      check(importObjects([{ source: 'test', object: input }])[0]!, input);
      expect(input).toEqual(before);
    }),
    { numRuns: 500 },
  );
});

/** Values that are found again in a text. */
const numbered = (template: unknown): Json => {
  let count = 0;
  const mark = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(mark);
    if (!isMap(value)) return `value-${++count};`;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, name === 'name' ? item : mark(item)]));
  };
  return mark(template) as Json;
};

test('each value of a pod template is in the pods of both roles, or told of', () => {
  const container = fc.record(
    {
      name: fc.constantFrom('flink-main-container', 'side'),
      ...{
        image: word,
        command: fc.array(word, { maxLength: 2 }),
        env: fc.array(fc.record({ name: word, value: word }), { maxLength: 2 }),
      },
      resources: fc.dictionary(
        fc.constantFrom('limits', 'requests'),
        fc.dictionary(fc.constantFrom('cpu', 'memory', 'gpu'), word),
      ),
    },
    { requiredKeys: ['name'] },
  );
  const template = fc.record({
    metadata: fc.record({
      labels: fc.dictionary(word, word),
      annotations: fc.dictionary(word, word),
      finalizers: fc.array(word),
    }),
    spec: fc.record({ containers: fc.array(container, { maxLength: 3 }), nodeSelector: fc.dictionary(word, word) }),
  });
  fc.assert(
    fc.property(template, (given) => {
      const podTemplate = numbered(given);
      const input: Json = {
        apiVersion: 'flink.apache.org/v1beta1',
        kind: 'FlinkDeployment',
        metadata: { name: 'orders' },
        spec: { flinkVersion: 'v2_3', podTemplate, job: { jarURI: 'local:///a.jar' } },
      };
      const [one] = importObjects([{ source: 'test', object: input }]);
      const told = one!.account.entries.filter(({ remarks }) => remarks.length > 0).map(({ path }) => pathText(path));
      for (const { path, value } of leavesOf(podTemplate, ['spec', 'podTemplate'])) {
        if (typeof value !== 'string' || !value.startsWith('value-')) continue;
        if (told.some((field) => pathText(path).startsWith(field))) continue;
        for (const role of ['jobManager', 'taskManager'])
          expect(JSON.stringify(valueAt(one!.manifest!.spec, [role, 'podTemplate']))).toContain(value);
      }
    }),
  );
});
