// Connectors by name: what the WITH option 'connector' chooses from.
import { EngineError } from '../errors.ts';
import type { TableSpec } from '../plan/exec-plan.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { LocalFileSystem } from '../storage/local-file-system.ts';
import { blackholeSink } from './blackhole.ts';
import type { Committer, SinkConnector, SourceConnector } from './connector.ts';
import { datagenSource } from './datagen.ts';
import { filesystemSink } from './filesystem/sink.ts';
import { filesystemSource } from './filesystem/source.ts';
import { didYouMean } from './options.ts';
import { printSink } from './print.ts';

const sources: Record<string, SourceConnector> = { filesystem: filesystemSource, datagen: datagenSource };

/** What connectors there are, by name. The functions throw CONNECTOR_UNKNOWN with what there is. */
export interface Connectors {
  /** The connector that reads `table`. */
  source: (table: TableSpec) => SourceConnector;
  /** The connector that writes `table`. */
  sink: (table: TableSpec) => SinkConnector;
  /** Of the connector whose writers made committables of this name. */
  committer: (connector: string) => Committer;
}

/** The connectors, whose sinks write on `fileSystem`. */
export function connectorsOn(fileSystem: FileSystem): Connectors {
  const sinks: Record<string, SinkConnector> = {
    filesystem: filesystemSink(fileSystem),
    print: printSink,
    blackhole: blackholeSink,
  };
  return {
    source: (table) => find(sources, sinks, table, 'read'),
    sink: (table) => find(sinks, sources, table, 'written'),
    committer: (connector) => {
      const found = Object.hasOwn(sinks, connector) ? sinks[connector]?.committer : undefined;
      if (found !== undefined) return found;
      throw new EngineError('CONNECTOR_UNKNOWN', `there is no sink connector '${connector}' to commit with`, {
        hint: 'the checkpoint was written by a version with more connectors: run that version',
      });
    },
  };
}

/** On this machine's file system. */
export const connectors = connectorsOn(new LocalFileSystem());
export const { source: sourceConnector, sink: sinkConnector, committer: committerFor } = connectors;

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
