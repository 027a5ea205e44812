import { EngineError } from './errors.ts';
import {
  forgetKnownSecrets,
  hasMalformedReference,
  redact,
  secretReferences,
  secretVariable,
} from './secret-references.ts';

const variable = secretVariable({ name: 'db', key: 'password' });
const other = secretVariable({ name: 'db', key: 'longer' });

afterEach(() => {
  delete process.env[variable];
  delete process.env[other];
  forgetKnownSecrets();
});

test('references are found wherever they stand in a value', () => {
  expect(secretReferences('user=a;password=${secret:db:password};x=${secret:my.db:KEY_1.pem}')).toEqual([
    { name: 'db', key: 'password' },
    { name: 'my.db', key: 'KEY_1.pem' },
  ]);
  expect(secretReferences('no ${env:x}, no $secret')).toEqual([]);
});

test.each([
  '${secret:db}',
  '${secret:db:}',
  '${secret:DB:x}',
  '${secret:db:../../x}',
  '${secret:db:pass word}',
  '${secret}',
  '${secret:db:x',
])('%s begins like a reference and is none', (value) => {
  expect(hasMalformedReference(value)).toBe(true);
  expect(hasMalformedReference(`\${secret:db:password} ${value}`)).toBe(true);
});

test('a well-formed reference is not malformed, and its variable is its own', () => {
  expect(hasMalformedReference('${secret:db:password}')).toBe(false);
  expect(secretVariable({ name: 'a', key: 'b.c' })).not.toBe(secretVariable({ name: 'a.b', key: 'c' }));
  expect(variable).toMatch(/^[A-Z][A-Z0-9_]*$/);
});

test('secrets of the process are masked in texts, in JSON, and in errors from their birth', () => {
  process.env[variable] = 'pa"ss';
  process.env[other] = 'pa"ss and more';
  forgetKnownSecrets();
  expect(redact('pa"ss and more, pa"ss')).toBe('******, ******');
  expect(redact(JSON.stringify({ value: 'pa"ss' }))).toBe('{"value":"******"}');
  const error = new EngineError('CSV_BAD_ROW', 'not a number: pa"ss', { hint: 'correct pa"ss' });
  expect([error.message, error.hint, error.stack?.includes('pa"ss')]).toEqual([
    'not a number: ******',
    'correct ******',
    false,
  ]);
});

test('a value that is too short to tell from other text is left alone', () => {
  process.env[variable] = 'abc';
  forgetKnownSecrets();
  expect(redact('abcdef')).toBe('abcdef');
});
