// The examples as they run in pods: tables on the volume, state beside them, all pods on the node where that is.
import { loadExample, withSql, type DemoManifest } from '../manifests.ts';
import { CLAIM, FLIGHTS, OUT } from './volume.ts';

const FLIGHTS_HERE = 'node_modules/vega-datasets/data/flights-3m.parquet';

export function exampleInPods(file: string, node: string): DemoManifest {
  return inPods(
    withSql(loadExample(file, OUT), (sql) => sql.replaceAll(FLIGHTS_HERE, FLIGHTS)),
    node,
  );
}

/** Keeps what the spec says of TaskManagers and state. */
export function inPods(manifest: DemoManifest, node: string): DemoManifest {
  const { state, taskManager, jobManager } = manifest.spec as Record<string, object | undefined>;
  const podTemplate = { spec: { nodeSelector: { 'kubernetes.io/hostname': node } } };
  return {
    ...manifest,
    spec: {
      ...manifest.spec,
      state: { ...state, storage: { persistentVolumeClaim: { claimName: CLAIM } } },
      jobManager: { ...jobManager, podTemplate },
      taskManager: { ...taskManager, podTemplate },
    },
  };
}
