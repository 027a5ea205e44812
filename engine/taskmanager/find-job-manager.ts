// Where the JobManager is: from the configuration, or from the file that it writes once it listens.
import { readFileSync } from 'node:fs';
import type { EngineConfig, Endpoints } from '../config.ts';

/** Null: the file is not there yet. It is read anew each time: a new attempt listens elsewhere. */
export function jobManagerAddress(config: EngineConfig): { host: string; port: number } | null {
  const file = config.get('flowjob.endpoints-file');
  if (file === '') return { host: config.get('jobmanager.rpc.address'), port: config.integer('jobmanager.rpc.port') };
  try {
    const { rpcAddress, rpcPort } = JSON.parse(readFileSync(file, 'utf8')) as Endpoints;
    return { host: rpcAddress, port: rpcPort };
  } catch {
    return null;
  }
}
