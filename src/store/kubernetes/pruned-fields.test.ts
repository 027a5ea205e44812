// A status that a definition of an older version has pruned.
import { OutdatedDefinitionError, prunedField } from './pruned-fields.ts';

test.each([
  ['all is there', { a: 1, b: { c: [] } }, { a: 1, b: { c: [] }, more: 1 }, null],
  ['values may be written in another form', { at: '2026-01-01T00:00:00Z' }, { at: '2026-01-01T00:00:00.000Z' }, null],
  ['what is not set is not sent', { a: undefined, b: null }, {}, null],
  ['a field', { state: 'Running', rescale: {} }, { state: 'Running' }, 'status.rescale'],
  ['a field of a field', { attempt: { epoch: 1, size: 2 } }, { attempt: { epoch: 1 } }, 'status.attempt.size'],
  ['a field of an item', { list: [{ a: 1 }, { a: 1, b: 2 }] }, { list: [{ a: 1 }, { a: 1 }] }, 'status.list[1].b'],
  ['all of it', { a: 1 }, undefined, 'status.a'],
])('%s', (_name, sent, kept, field) => {
  expect(prunedField(sent, kept, 'status')).toBe(field);
});

test('the error names the field, the definition and the remedy', () => {
  const { message } = new OutdatedDefinitionError('FlowJob', 'status.rescale');
  for (const part of ['status.rescale', 'flowjobs.flowjob.dev', 'apply crds/']) expect(message).toContain(part);
});
