// Asks a job's JobManager over REST, found by its command line: address and token are where its configuration says.
import { existsSync, readFileSync } from 'node:fs';
import { EngineConfig, type Endpoints } from '../../engine/config.ts';
import { engineProcesses } from './cli.ts';

export interface JobMetrics {
  jobId: string;
  state: string;
  /** Rows that the sources read so far. */
  rowsRead: number;
  /** When the last checkpoint completed, milliseconds since the epoch; null before the first. */
  lastCheckpoint: number | null;
  restarts: number;
  jobManagerPid: number;
}

interface JobDetail {
  state: string;
  vertices: { metrics: { 'read-records': number; 'write-records': number } }[];
  plan: { nodes: { inputs?: unknown[] }[] };
}

interface Checkpoints {
  latest: { completed: { latest_ack_timestamp: number } | null };
}

/** Null when no JobManager of the job answers. `name` is the FlowJob's, `home` the operator's folder. */
export async function jobMetrics(home: string, name: string): Promise<JobMetrics | null> {
  const process = engineProcesses(home).find(
    (candidate) => candidate.role === 'jobmanager' && candidate.args.some((arg) => arg.split('/').includes(name)),
  );
  if (process === undefined) return null;
  const folder = process.args[process.args.indexOf('--config-dir') + 1]!;
  try {
    const config = EngineConfig.load(folder);
    const endpointsFile = config.get('flowjob.endpoints-file');
    if (!existsSync(endpointsFile)) return null;
    const { restUrl, jobId } = JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints;
    const tokenFile = config.get('flowjob.token-file');
    const headers = tokenFile === '' ? {} : { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
    const get = async (path: string): Promise<unknown> =>
      (await fetch(`${restUrl}/jobs/${jobId}${path}`, { headers, signal: AbortSignal.timeout(2000) })).json();
    const detail = (await get('')) as JobDetail;
    const checkpoints = (await get('/checkpoints')) as Checkpoints;
    const metrics = (await get('/metrics?get=numRestarts')) as { value: string }[];
    const sources = detail.vertices.filter((_vertex, index) => (detail.plan.nodes[index]?.inputs ?? []).length === 0);
    return {
      jobId,
      state: detail.state,
      rowsRead: sources.reduce((sum, vertex) => sum + vertex.metrics['read-records'], 0),
      lastCheckpoint: checkpoints.latest.completed?.latest_ack_timestamp ?? null,
      restarts: Number(metrics[0]?.value ?? 0),
      jobManagerPid: process.pid,
    };
  } catch {
    return null; // It is starting or ending: the next look will tell.
  }
}
