// Connectors by name: what the WITH option 'connector' chooses from.
import { EngineError } from '../errors.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import { blackholeSink } from './blackhole.ts';
import type { SinkConnector, SourceConnector } from './connector.ts';
import { datagenSource } from './datagen.ts';
import { filesystemSink } from './filesystem/sink.ts';
import { filesystemSource } from './filesystem/source.ts';
import { didYouMean } from './options.ts';
import { printSink } from './print.ts';

const sources: Record<string, SourceConnector> = { filesystem: filesystemSource, datagen: datagenSource };
const sinks: Record<string, SinkConnector> = { filesystem: filesystemSink, print: printSink, blackhole: blackholeSink };

/** What connectors there are. */
export interface Connectors {
  source: (table: TableSpec) => SourceConnector;
  sink: (table: TableSpec) => SinkConnector;
  committer: (connector: string) => SinkConnector;
}

/** The connector that reads `table`. Throws CONNECTOR_UNKNOWN with what there is. */
export function sourceConnector(table: TableSpec): SourceConnector {
  return find(sources, sinks, table, 'read');
}

/** The connector that writes `table`. Throws CONNECTOR_UNKNOWN with what there is. */
export function sinkConnector(table: TableSpec): SinkConnector {
  return find(sinks, sources, table, 'written');
}

/** The connector whose writers made committables of this name. */
export function committerFor(connector: string): SinkConnector {
  const found = Object.hasOwn(sinks, connector) ? sinks[connector] : undefined;
  if (found === undefined)
    throw new EngineError('CONNECTOR_UNKNOWN', `there is no sink connector '${connector}' to commit with`, {
      hint: 'the checkpoint was written by a version with more connectors: run that version',
    });
  return found;
}

export const connectors: Connectors = { source: sourceConnector, sink: sinkConnector, committer: committerFor };

function find<T>(known: Record<string, T>, others: Record<string, unknown>, table: TableSpec, done: string): T {
  const name = table.connector;
  if (Object.hasOwn(known, name)) return known[name]!;
  const names = Object.keys(known);
  if (Object.hasOwn(others, name))
    throw new EngineError(
      'CONNECTOR_UNKNOWN',
      `table ${table.name}: a table of connector '${name}' cannot be ${done}`,
      {
        hint: `tables that can be ${done} have the connector '${names.join("' or '")}'`,
      },
    );
  const guess = didYouMean(name, [...names, ...Object.keys(others)]);
  throw new EngineError('CONNECTOR_UNKNOWN', `table ${table.name}: there is no connector '${name}'`, {
    hint: guess === undefined ? `there are: ${names.join(', ')}` : `did you mean '${guess}'?`,
  });
}
