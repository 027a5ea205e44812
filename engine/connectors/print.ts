// The print sink: one line per change, `+I[a, 1]`, as Flink's print connector writes them.
import { cell } from '../columnar/batch.ts';
import type { SinkConnector } from './connector.ts';
import { formatValue } from './format-value.ts';
import { TableOptions, type OptionSpecs } from './options.ts';

const kinds = ['+I', '-U', '+U', '-D'] as const;

const specs: OptionSpecs = {
  connector: { kind: 'string', public: true },
  'print-identifier': { kind: 'string', public: true },
};

export const printSink: SinkConnector = {
  describe: (table) => void new TableOptions(table, specs),
  createWriter(context) {
    const identifier = new TableOptions(context.table, specs).string('print-identifier') ?? '';
    // Flink's rule: with several writers the line says which one, joined to the identifier by a colon.
    const writer = context.parallelism > 1 ? `${identifier === '' ? '' : ':'}${context.subtask + 1}` : '';
    const prefix = identifier + writer === '' ? '' : `${identifier}${writer}> `;
    return {
      write(batch) {
        for (let row = 0; row < batch.rows; row++) {
          const values = batch.schema.map((field, index) => {
            const value = cell(batch, index, row);
            return value === null ? 'null' : formatValue(field.type, value);
          });
          context.print(`${prefix}${kinds[(batch.kinds?.[row] ?? 0) as 0 | 1 | 2 | 3]}[${values.join(', ')}]`);
        }
      },
      prepareCommit: async () => [],
      abort: async () => undefined,
    };
  },
  cleanUp: async () => undefined,
};
