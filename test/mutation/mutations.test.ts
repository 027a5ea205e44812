// Every mutation still applies to the code as it is; whether each is caught is for `npm run mutate` to say.
import { existsSync, readFileSync } from 'node:fs';
import { mutated } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';
import { namesInPage } from './table.ts';

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  '%s applies, and its test is there',
  (_name, mutation) => {
    expect(mutated(mutation, readFileSync(mutation.file, 'utf8'))).toContain(mutation.to);
    if ('test' in mutation.caughtBy) expect(existsSync(mutation.caughtBy.test)).toBe(true);
  },
);

test('a mutation whose text has changed is refused, also one whose text stands twice', () => {
  const mutation = { ...MUTATIONS[0]!, from: 'a', to: 'b' };
  expect(() => mutated(mutation, 'x')).toThrow(/stands 0 times/);
  expect(() => mutated(mutation, 'aa')).toThrow(/stands 2 times/);
});

test('names are told apart, and docs/RELIABILITY.md lists them all', () => {
  const names = MUTATIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(namesInPage()).toEqual(names);
});
