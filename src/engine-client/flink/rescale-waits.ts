// What a running job on Flink waits for when it was asked for another size: it goes on behind a checkpoint, outside its cool-down (FLIP-461).
import type { EngineScale } from '../../lifecycle/observation.ts';
import { EngineClientError, type EngineClient } from '../engine-client.ts';

/** GET /jobs/:jobid/rescales/config (FLIP-495): versions before 2.3 have none. */
interface RescaleConfig {
  executingCooldownTimeoutInMillis: number;
  executingResourceStabilizationTimeoutInMillis: number;
}

/** Throws EngineClientError like any question. */
export async function flinkWaits(
  client: Pick<EngineClient, 'get' | 'checkpoints'>,
  jobId: string,
): Promise<NonNullable<EngineScale['waits']>> {
  const [{ counts }, config] = await Promise.all([
    client.checkpoints(jobId),
    client.get<RescaleConfig>(`/jobs/${jobId}/rescales/config`).catch(ifThereIsNone),
  ]);
  return { checkpointing: counts.in_progress > 0, upTo: config === null ? 0 : sum(config) };
}

/** What it may wait for a checkpoint at most is not counted: the operator asks for those. */
const sum = (config: RescaleConfig): number =>
  config.executingCooldownTimeoutInMillis + config.executingResourceStabilizationTimeoutInMillis;

function ifThereIsNone(error: unknown): null {
  if (error instanceof EngineClientError && error.httpStatus === 404) return null;
  throw error;
}
