// Metrics that are of now. Flink's JobManager asks its TaskManagers for theirs when it is asked itself, answers with what it had, which may be minutes old, and
// does not say how old that is (MetricFetcherImpl): rates of counters that were read at other times than it seems are wrong.
import { setTimeout as pause } from 'node:timers/promises';
import type { EngineClient } from '../engine-client.ts';

/** In which TaskManagers answer, milliseconds; of one that takes longer the metrics are those of the look before. */
const FETCH = 250;

/** Resolves when what is read then was fetched just now. Throws EngineClientError like any question. */
export async function fetchMetrics(client: Pick<EngineClient, 'get'>, jobId: string): Promise<void> {
  await client.get(`/jobs/${jobId}/metrics`);
  await pause(FETCH);
}
