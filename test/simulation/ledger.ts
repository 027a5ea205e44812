// A sink that takes changes: the engine's file sink with the kind of each row as its first column, so that a GROUP BY's changes are committed exactly
// once, too.
import type { ColumnBatch } from '../../engine/columnar/batch.ts';
import type { SinkConnector } from '../../engine/connectors/connector.ts';
import type { TableSpec } from '../../engine/plan/exec-plan.ts';
import { sqlType } from '../../engine/plan/types.ts';

const KIND = { name: 'kind', type: sqlType.int() };

export function ledgerSink(files: SinkConnector): SinkConnector {
  return {
    describe: (table) => files.describe(asFile(table), false),
    createWriter(context) {
      const writer = files.createWriter({ ...context, table: asFile(context.table) });
      return {
        write: (batch) => writer.write(withKinds(batch)),
        prepareCommit: async (checkpointId) => writer.prepareCommit(checkpointId),
        abort: async () => writer.abort(),
      };
    },
    committer: { ...files.committer!, place: (table) => files.committer!.place(asFile(table)) },
    cleanUp: async (table, ...rest) => files.cleanUp(asFile(table), ...rest),
  };
}

function asFile(table: TableSpec): TableSpec {
  return {
    ...table,
    connector: 'filesystem',
    options: { ...table.options, connector: 'filesystem' },
    schema: [KIND, ...table.schema],
  };
}

function withKinds(batch: ColumnBatch): ColumnBatch {
  const values = new Int32Array(batch.rows);
  if (batch.kinds !== null) for (let row = 0; row < batch.rows; row++) values[row] = batch.kinds[row]!;
  return {
    schema: [KIND, ...batch.schema],
    rows: batch.rows,
    columns: [{ physical: 'i32', values, validity: null }, ...batch.columns],
    kinds: null,
  };
}
