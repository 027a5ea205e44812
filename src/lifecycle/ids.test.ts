import { idOf } from './ids.ts';

test('an id is 32 hexadecimal digits and follows from its parts', () => {
  expect(idOf('uid', 'run', 1)).toMatch(/^[0-9a-f]{32}$/);
  expect(idOf('uid', 'run', 1)).toBe(idOf('uid', 'run', 1));
});

test('where one part ends and the next begins makes a difference', () => {
  expect(idOf('a', 'bc')).not.toBe(idOf('ab', 'c'));
});

test('ids of neighbours differ in their first digits already', () => {
  const first = Array.from({ length: 200 }, (_, epoch) => idOf('uid', 'run', epoch).slice(0, 6));
  expect(new Set(first).size).toBe(200);
});
