// What Apache Flink answers to jobs: a cluster of one TaskManager runs them one after another, as its SQL gateway is asked to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFlink } from '../flink/distribution.ts';
import { FlinkCluster, SMALL } from '../flink/session-cluster.ts';
import type { Mode } from './embedded-job.ts';
import { SqlGateway } from './flink-gateway.ts';
import { reasonOf } from './flink-reason.ts';
import { writeJobInputs } from './job-inputs.ts';
import { resultsOf, type Results } from './job-results.ts';
import { placed, statementsOf, type Job } from './jobs.ts';

/** Either what is in its sinks, or why there is nothing. */
export type Answer = { results: Results } | { failure: string };

export interface Question {
  job: Job;
  mode: Mode;
}

export const idOf = ({ job, mode }: Question): string => `${job.name}/${mode}`;

/** Some jobs have a source or a sink more than one operator chain: each of their vertices takes a slot of the one that is shared. */
const SLOTS = 4;

/** Answers by `idOf`. `work` is an empty folder. */
export async function askFlink(
  work: string,
  questions: readonly Question[],
  tell: (line: string) => void,
): Promise<Map<string, Answer>> {
  const inputs = join(work, 'inputs');
  writeJobInputs(inputs);
  const outputOf = (question: Question): string => join(work, 'output', idOf(question));
  const failures = new Map<string, string>();
  const home = await ensureFlink(tell);
  const cluster = await FlinkCluster.start(home, join(work, 'cluster'), SLOTS, SMALL);
  try {
    const { hostname, port } = new URL(cluster.rest);
    const remote = {
      'execution.target': 'remote',
      'rest.address': hostname,
      'rest.port': port,
      // BEGIN STATEMENT SET and its END are two statements, of which the second uses classes of the first.
      'classloader.check-leaked-classloader': 'false',
    };
    const gateway = await SqlGateway.start(home, join(work, 'gateway'), remote);
    try {
      for (const question of questions) {
        const id = idOf(question);
        const begun = performance.now();
        try {
          await gateway.open(question.mode);
          for (const statement of statementsOf(placed(question.job.script, inputs, outputOf(question), id)))
            await gateway.run(statement.replace(/;$/, ''));
        } catch (error) {
          failures.set(id, reasonOf(error));
        }
        tell(`${id}: ${failures.get(id) ?? 'finished'} (${Math.round(performance.now() - begun)} ms)`);
      }
    } finally {
      await gateway.stop();
    }
  } finally {
    await cluster.stop();
  }
  // Print sinks write to the output of their TaskManager.
  const printed = readFileSync(join(work, 'cluster/log/taskmanager-1/out'), 'utf8').split('\n');
  return new Map(
    questions.map((question): [string, Answer] => {
      const id = idOf(question);
      const failure = failures.get(id);
      const { script } = question.job;
      return [
        id,
        failure === undefined ? { results: resultsOf(script, outputOf(question), id, printed) } : { failure },
      ];
    }),
  );
}
