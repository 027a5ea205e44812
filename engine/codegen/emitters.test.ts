// The emitters and the catalogue of functions name the same functions.
import { FUNCTIONS, OPERATORS } from '../plan/functions.ts';
import { emitters } from './emitters.ts';

test('every function of the catalogue has an emitter, and no other name has one', () => {
  expect(Object.keys(emitters).sort()).toEqual([...OPERATORS, ...FUNCTIONS].sort());
});
