// Connectors that are given the values of secrets in place of the references in a table's options. Everybody else sees the references.
import { EngineError } from '../errors.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import { describeReference, secretReferences, secretVariable, type SecretReference } from '../secret-references.ts';
import type { SinkConnector, SourceConnector } from './connector.ts';
import type { Connectors } from './registry.ts';

/** `environment`: of this process, in which secrets are variables. */
export function withSecrets(
  connectors: Connectors,
  environment: Readonly<Record<string, string | undefined>>,
): Connectors {
  const filled = (table: TableSpec): TableSpec => {
    const entries = Object.entries(table.options);
    if (entries.every(([, value]) => !value.includes('${secret:'))) return table;
    return { ...table, options: Object.fromEntries(entries.map(([name, value]) => [name, fill(table, value)])) };
  };
  const fill = (table: TableSpec, value: string): string =>
    secretReferences(value).reduce(
      (text, reference) => text.replaceAll(describeReference(reference), () => valueOf(table, reference)),
      value,
    );
  const valueOf = (table: TableSpec, reference: SecretReference): string => {
    const value = environment[secretVariable(reference)];
    if (value !== undefined) return value;
    throw new EngineError(
      'SECRET_MISSING',
      `table ${table.name}: there is no value for ${describeReference(reference)}`,
      {
        hint: `make the Secret "${reference.name}" with the key "${reference.key}", then start the job again`,
      },
    );
  };
  return {
    source: (table) => sourceOf(connectors.source(table), filled),
    sink: (table) => sinkOf(connectors.sink(table), filled),
    committer: (connector) => connectors.committer(connector),
  };
}

type Fill = (table: TableSpec) => TableSpec;

/** What a plan is made of is judged with the references in it: a plan is the same wherever it is made. */
const sourceOf = (inner: SourceConnector, filled: Fill): SourceConnector => ({
  describe: (table) => inner.describe(table),
  discoverSplits: (table) => inner.discoverSplits(filled(table)),
  checkSplits: (table, splits) => inner.checkSplits(filled(table), splits),
  createReader: (context) => inner.createReader({ ...context, table: filled(context.table) }),
  sizeOf: (split) => inner.sizeOf(split),
});

const sinkOf = (inner: SinkConnector, filled: Fill): SinkConnector => ({
  ...inner,
  describe: (table, changelog) => inner.describe(table, changelog),
  createWriter: (context) => inner.createWriter({ ...context, table: filled(context.table) }),
  cleanUp: (table, jobKey, attempt, execution) => inner.cleanUp(filled(table), jobKey, attempt, execution),
});
