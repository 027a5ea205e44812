// Every CEL rule of the generated CRDs, judged by the local evaluator on an object that it accepts and one that it refuses.
import { checkRules } from './cel.ts';
import { examples, rulesIn, schemaInCrd } from './rules.fixture.ts';
import { withDefaults, type StructuralSchema } from './structural.ts';

for (const kind of ['FlowJob', 'FlowSavepoint'] as const) {
  const schema = schemaInCrd(kind);
  const rules = rulesIn(schema, '');

  describe(`rules of the ${kind} CRD`, () => {
    test('every rule has an example, and every example its rule', () => {
      for (const { path, rule } of rules) {
        const found = Object.keys(examples[kind]).filter((key) => `${path}: ${rule.message}`.startsWith(key));
        expect({ path, message: rule.message, examples: found.length }).toMatchObject({ examples: 1 });
      }
      expect(Object.keys(examples[kind])).toHaveLength(rules.length);
    });

    for (const [key, example] of Object.entries(examples[kind])) {
      // Only the rule in question: others may have their own view of a made-up object.
      const judge = (object: object): string[] =>
        checkRules(schema, withDefaults(schema, object), example.old && withDefaults(schema, example.old), '')
          .map(({ problem, remedy }) => `${problem.replace(/^Invalid value: .*?: /, '')}: ${remedy}`)
          .filter((message) => message.startsWith(key.slice(key.indexOf(': ') + 2)));

      test(`${key}: accepts and refuses`, () => {
        expect(judge(example.accepted)).toEqual([]);
        expect(judge(example.refused)).toHaveLength(1);
      });
    }

    test('rules about changes rest when an object is created', () => {
      for (const example of Object.values(examples[kind]).filter(({ old }) => old !== undefined))
        expect(checkRules(schema, withDefaults(schema, example.refused), undefined, '')).toEqual([]);
    });
  });
}

test('times of scaleToZero are refused below ten seconds, however they are written', () => {
  const schema = schemaInCrd('FlowJob').properties!['spec']!.properties!['autoscaling']!.properties!['scaleToZero']!;
  const isTaken = (lookEvery: string): boolean => checkRules(schema, { lookEvery }, undefined, '').length === 0;
  const [short, long] = ['0d 00m 0s 1ms 9999ms 009999ms 9s 0009s', '10000ms 010000ms 10s 00010s 1m 01h 90s 7d'];
  expect(short.split(' ').filter(isTaken)).toEqual([]);
  expect(long.split(' ').filter(isTaken)).toEqual(long.split(' '));
});

test('a rule about items names the item', () => {
  const items: StructuralSchema = {
    type: 'string',
    'x-kubernetes-validations': [{ rule: "self != 'b'", message: 'm: r' }],
  };
  const schema: StructuralSchema = { type: 'object', properties: { list: { type: 'array', items } } };
  expect(checkRules(schema, { list: ['a', 'b'] }, undefined, 'spec').map(({ field }) => field)).toEqual([
    'spec.list[1]',
  ]);
});

test('a rule that cannot be evaluated does not hold, and says why', () => {
  const schema: StructuralSchema = {
    type: 'object',
    'x-kubernetes-validations': [{ rule: 'self.absent == 1', message: 'm: r' }],
  };
  const [error] = checkRules(schema, {}, undefined, 'spec');
  expect(error).toMatchObject({ field: 'spec', remedy: 'r' });
  expect(error?.problem).toMatch(/^Invalid value: object: m \(.*absent.*\)$/);
});
