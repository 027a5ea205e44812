// The blackhole sink: takes every row and change, and forgets it. For measurements.
import type { SinkConnector } from './connector.ts';
import { TableOptions } from './options.ts';

export const blackholeSink: SinkConnector = {
  describe: (table) => void new TableOptions(table, { connector: { kind: 'string', public: true } }),
  createWriter: () => ({ write: () => undefined, prepareCommit: async () => [], abort: async () => undefined }),
  cleanUp: async () => undefined,
};
