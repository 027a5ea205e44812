import type { TableSpec } from '../plan/exec-plan.ts';
import { secretVariable } from '../secret-references.ts';
import type { ReaderContext, SourceConnector, WriterContext } from './connector.ts';
import { filesystemTable } from './filesystem/table.ts';
import { printSink } from './print.ts';
import { connectors } from './registry.ts';
import { withSecrets } from './with-secrets.ts';

const table = (options: Record<string, string>): TableSpec => ({
  name: 'orders',
  connector: 'filesystem',
  options: { connector: 'filesystem', path: '/data', format: 'csv', ...options },
  schema: [],
});
const environment = { [secretVariable({ name: 'db', key: 'password' })]: 'p4$&ss' };

/** The table that a connector was given with each call. */
function given(spec: TableSpec, from: Record<string, string> = environment): TableSpec[] {
  const seen: TableSpec[] = [];
  const note = (one: TableSpec) => void seen.push(one);
  const source = {
    describe: note,
    discoverSplits: note,
    checkSplits: note,
    createReader: (context: ReaderContext) => note(context.table),
  } as unknown as SourceConnector;
  const wrapped = withSecrets({ ...connectors, source: () => source }, from).source(spec);
  wrapped.describe(spec);
  void wrapped.discoverSplits(spec);
  void wrapped.checkSplits(spec, []);
  wrapped.createReader({ table: spec } as ReaderContext);
  return seen;
}

test('connectors are given values when they read, and references when they are planned', () => {
  const spec = table({ 'csv.null-literal': 'a${secret:db:password}b${secret:db:password}' });
  expect(given(spec).map(({ options }) => options['csv.null-literal'])).toEqual([
    spec.options['csv.null-literal'],
    ...Array(3).fill('ap4$&ssbp4$&ss'),
  ]);
});

test('a table without references is handed on as it is', () => {
  const spec = table({});
  expect(given(spec).every((one) => one === spec)).toBe(true);
});

test('a secret without a value is told with the remedy', () => {
  const spec = table({ 'csv.null-literal': '${secret:db:other}' });
  expect(() => given(spec)).toThrow(/table orders: there is no value for \$\{secret:db:other\}/);
  expect(() =>
    withSecrets(connectors, {})
      .sink(spec)
      .createWriter({ table: spec } as WriterContext),
  ).toThrow(/there is no value/);
});

test.each([
  ['path', '/data/${secret:db:password}', /option 'path' = .* holds a secret, which this option cannot/],
  ['replay.rate', '${secret:db:password}', /holds a secret, which this option cannot/],
  ['csv.null-literal', '${secret:db}', /has a reference to a secret that is not well-formed/],
])('%s = %s is refused when the job is planned', (name, value, message) => {
  expect(() => filesystemTable(table({ [name]: value }))).toThrow(message);
});

test('what is printed for everybody holds no secret', () => {
  const spec = {
    ...table({}),
    connector: 'print',
    options: { connector: 'print', 'print-identifier': '${secret:a:b}' },
  };
  expect(() => printSink.describe(spec, false)).toThrow(/holds a secret/);
});
