// A stream that counts and writes each number beside its version: what tests of upgrades in local mode apply, version after version.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowJob } from '../../src/api/flowjob.ts';
import { eventually } from './cli.ts';
import type { LocalOperator } from './local-operator.ts';

export interface Version {
  v: number;
  /** `spec.upgrade`, in YAML's flow style. */
  upgrade: string;
  suspend?: boolean;
  /** The name of the source's table: state of another one does not fit. */
  source?: string;
  /** Statements beside. */
  more?: string;
}

/** Writes the manifest of FlowJob `numbers`; its file. */
export function countingJob(
  { work, out }: Pick<LocalOperator, 'work' | 'out'>,
  { v, upgrade, suspend = false, source = 'numbers', more = '' }: Version,
): string {
  const file = join(work, 'numbers.yaml');
  writeFileSync(
    file,
    `apiVersion: flowjob.dev/v1alpha1
kind: FlowJob
metadata: {name: numbers}
spec:
  mode: Streaming
  suspend: ${suspend}
  upgrade: ${upgrade}
  state: {checkpoint: {interval: 200ms}}
  taskManager: {replicas: 1, slots: 1}
  job:
    sql:
      inline: |
        CREATE TABLE ${source} (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
          'fields.n.start' = '1', 'fields.n.end' = '1000000', 'rows-per-second' = '500');
        CREATE TABLE kept (n BIGINT, v BIGINT) WITH ('connector' = 'filesystem', 'path' = '${out}', 'format' = 'json');
        INSERT INTO kept SELECT n, ${v} FROM ${source};
        ${more}
`,
  );
  return file;
}

/** Waits, seconds, until `holds` of what was applied last. */
export const untilNumbers = (
  { cli }: Pick<LocalOperator, 'cli'>,
  what: string,
  seconds: number,
  holds: (job: FlowJob) => boolean,
): Promise<FlowJob> =>
  eventually(`numbers ${what}`, seconds, async () => {
    const job = await cli.get('numbers');
    return holds(job) && job.status?.observedGeneration === job.metadata.generation ? job : undefined;
  });
