// What differs between the versions of Apache Flink, in one table.
import type { FlinkVersion } from '../../api/engine.ts';

export interface VersionTraits {
  /** What a FlowJob runs that names no image: SQL needs flink-sql-gateway in its opt folder, where Flink's own images have it. */
  image: string;
  /** GET /applications/...: why a program failed that never became a job (FLIP-549). Without it that program leaves a job that has failed. */
  applications: boolean;
  /** How long the adaptive scheduler leaves a job alone that it has rescaled, how long it waits for more TaskManagers, and how much it tells of it, by whatever name. */
  rescaling: Readonly<Record<string, string>>;
}

const RESCALING = {
  // TaskManagers that come a moment after each other are one rescaling.
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '1 s',
  // After each start of its tasks Flink refuses to stop them again for so long; 30 s by default.
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '5 s',
} as const;

// What a rescaling took is what the autoscaler's patience follows; by default none is kept (FLIP-495).
const RESCALE_HISTORY = { 'web.adaptive-scheduler.rescale-history.size': '16' } as const;

export const VERSIONS: Readonly<Record<FlinkVersion, VersionTraits>> = {
  // Runs jars alone: there is no SqlDriver. Its names of 2.0 for checkpoints, state and restarts it knows as well.
  '1.20': {
    image: 'docker.io/library/flink:1.20-java17',
    applications: false,
    rescaling: { 'jobmanager.adaptive-scheduler.scaling-interval.min': '5 s' },
  },
  '2.0': { image: 'docker.io/library/flink:2.0-java17', applications: false, rescaling: RESCALING },
  '2.1': { image: 'docker.io/library/flink:2.1-java17', applications: false, rescaling: RESCALING },
  '2.2': { image: 'docker.io/library/flink:2.2-java17', applications: false, rescaling: RESCALING },
  '2.3': {
    image: 'docker.io/library/flink:2.3-java17',
    applications: true,
    rescaling: { ...RESCALING, ...RESCALE_HISTORY },
  },
};
