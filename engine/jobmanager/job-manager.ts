// The JobManager's process: a JobMaster on real storage, sockets and clock, its REST API, and the file that says where it listens.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Attempt } from '../checkpoint/attempt.ts';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { systemClock } from '../clock.ts';
import type { EngineConfig } from '../config.ts';
import { connectors } from '../connectors/registry.ts';
import { withSecrets } from '../connectors/with-secrets.ts';
import { EngineError } from '../errors.ts';
import { createRestServer } from '../rest/server.ts';
import { tcp } from '../rpc/tcp.ts';
import { readToken } from '../rpc/token.ts';
import { redact } from '../secret-references.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import { removeSpillFolders, temporaryDirectory } from '../taskmanager/spill-folder.ts';
import { writeEndpoints } from './endpoints-file.ts';
import { Gateway } from './job-gateway.ts';
import { JobMaster } from './job-master.ts';
import type { JobArguments } from './prepare-job.ts';

/** Starts it; resolves when the job runs, or has ended. `exit` ends the process. */
export async function startJobManager(
  config: EngineConfig,
  job: Omit<JobArguments, 'sql'> & { sqlFile: string },
  exit: (code: number) => void,
): Promise<void> {
  const stateDirectory = config.get('flowjob.state.dir');
  if (stateDirectory === '')
    throw new EngineError('CONFIG_INVALID', 'flowjob.state.dir is not set', {
      hint: "set it to the folder of the job's state",
    });
  const token = readToken(config);
  const master = new JobMaster({
    config,
    job: { ...job, sql: () => readScript(job.sqlFile) },
    storage: new LocalCheckpointStorage(stateDirectory),
    connectors: withSecrets(connectors, process.env),
    temporaryFiles: localTemporaryFiles,
    network: tcp,
    clock: systemClock,
    token,
    owner: `pid ${process.pid}`,
    serve: async () => {
      await rest.listen({ host: config.get('rest.bind-address'), port: config.integer('rest.port') });
    },
    announce: (attempt, rpcPort) =>
      announceEndpoints(config, job.jobId, attempt, rpcPort, (rest.server.address() as AddressInfo).port),
    removeSpilled: (epoch) => removeSpillFolders(localTemporaryFiles, temporaryDirectory(config), job.jobId, epoch),
    log: (message) => console.error(`${new Date().toISOString()} ${redact(message)}`),
    exit,
  });
  const rest = createRestServer(new Gateway(master), { token });
  await master.start();
}

function readScript(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new EngineError('ARGUMENT_INVALID', `--sql-file: ${path} cannot be read: ${String(error)}`, { cause: error });
  }
}

function announceEndpoints(
  config: EngineConfig,
  jobId: string,
  { epoch, restart }: Attempt,
  rpcPort: number,
  restPort: number,
): void {
  const file = config.get('flowjob.endpoints-file');
  if (file === '') return;
  writeEndpoints(file, {
    pid: process.pid,
    jobId,
    epoch,
    restart,
    restUrl: `http://${reachable(config.get('rest.bind-address'), config.get('rest.address'))}:${restPort}`,
    rpcAddress: reachable(config.get('jobmanager.bind-host'), config.get('jobmanager.rpc.address')),
    rpcPort,
  });
}

/** An address that others can use: a wildcard is none. */
function reachable(bound: string, configured: string): string {
  return bound === '0.0.0.0' || bound === '::' ? configured : bound;
}
