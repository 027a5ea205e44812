// `flowjob run`: one job from start to end without an operator or a store. The engine's processes live in a folder that goes with them.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { admit, InvalidObjectError, kindOf } from '../../api/admission.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { API_VERSION } from '../../api/group.ts';
import { resolveSpec, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { EngineClient } from '../../engine-client/engine-client.ts';
import type { RunResult } from '../../lifecycle/observation.ts';
import { attemptFiles } from '../../runtime/local/layout.ts';
import { LocalRuntime } from '../../runtime/local/local-runtime.ts';
import type { AttemptPlan } from '../../runtime/port.ts';
import { homeDirectory } from '../choose-place.ts';
import { CommandError, type CliContext } from '../context.ts';
import { followFile } from '../follow-file.ts';
import { absolute, loadManifests } from '../manifests.ts';
import { csvRows, resultTable } from '../result-table.ts';
import { clearDeadRuns, createRunFolder, endRun } from '../run-folder.ts';
import { LOCAL_NAMESPACE } from '../../store/local/local-store.ts';

interface RunOptions {
  file: string;
  /** For a .sql file; a manifest has its own. */
  mode: 'Batch' | 'Streaming';
  slots: number;
}

/** Milliseconds between looks at the job. */
const LOOK_EVERY = 25;
/** What the print connector writes, with or without its identifier in front. */
const PRINTED = /^([^[\]]*> )?[+-][IUD]\[/;

/** Exit code 0: the job finished; 1: it failed; 130: it was cancelled by Ctrl-C. */
export async function run(context: CliContext, options: RunOptions): Promise<number> {
  const { name, spec } = await jobOf(context, options);
  const problem = context.validateSql(name, spec);
  if (problem !== null) {
    const place = problem.line === undefined ? '' : `:${problem.line}:${problem.column}`;
    throw new CommandError(
      `${options.file}${options.file.endsWith('.sql') ? place : ''}: ${problem.code}: ${problem.message}`,
    );
  }
  const { engineFile } = context.programs;
  const node = context.programs.node();
  await clearDeadRuns(context.env, { node, engineFile });
  const directory = createRunFolder(context.env);
  const resultFiles = join(directory, 'result');
  const query = context.queryIntoFiles(name, spec, resultFiles);
  // Those of the operator's folder: a text runs here as it runs there.
  const secretsDirectory = join(homeDirectory(context, undefined), 'secrets');
  const runtime = new LocalRuntime({ directory, node, engineFile, secretsDirectory, now: Date.now });
  const plan: AttemptPlan = {
    key: { namespace: LOCAL_NAMESPACE, name },
    uid: randomUUID(),
    attempt: {
      epoch: 1,
      jobId: randomUUID().replaceAll('-', ''),
      specHash: '',
      startedAt: context.now().toISOString(),
      runStartedAt: context.now().toISOString(),
      healthy: false,
    },
    spec: { ...ephemeral(spec), ...(query === null ? {} : { job: { ...spec.job, sql: { inline: query.sql } } }) },
  };
  try {
    const result = await attend(context, runtime, directory, plan);
    if (query !== null && result.state === 'FINISHED')
      for (const lines of resultTable(query.columns, csvRows(resultFiles))) context.out(lines);
    return tell(context, result);
  } finally {
    await endRun(runtime);
    await rm(directory, { recursive: true, force: true });
  }
}

/** The state of a run goes with its folder. In the storage of the spec it would fence off the job that the operator runs under this name, and the next run. */
function ephemeral(spec: ResolvedFlowJobSpec): ResolvedFlowJobSpec {
  const { storage: _storage, ...state } = spec.state;
  return { ...spec, state };
}

async function jobOf(context: CliContext, options: RunOptions): Promise<{ name: string; spec: ResolvedFlowJobSpec }> {
  const { file } = options;
  if (!existsSync(absolute(context, file))) throw new CommandError(`${file}: there is no such file`);
  if (file.endsWith('.sql')) {
    const job = admit({
      apiVersion: API_VERSION,
      kind: 'FlowJob',
      metadata: { name: 'run' },
      spec: {
        mode: options.mode,
        job: { sql: { inline: readFileSync(absolute(context, file), 'utf8') } },
        taskManager: { slots: options.slots },
      },
    }) as FlowJob;
    return { name: basename(file, '.sql'), spec: resolveSpec(job.spec) };
  }
  const { manifests, errors } = await loadManifests(context, [file], kindOf);
  if (errors.length > 0) throw new CommandError(errors.join('\n'));
  const jobs = manifests.filter(({ manifest }) => manifest.kind === 'FlowJob');
  if (jobs.length !== 1) throw new CommandError(`${file}: holds ${jobs.length} FlowJobs; run takes a file with one`);
  try {
    const job = admit(jobs[0]!.manifest) as FlowJob;
    return { name: job.metadata.name, spec: resolveSpec(job.spec) };
  } catch (error) {
    if (error instanceof InvalidObjectError) throw new CommandError(`${file}: ${error.message}`);
    throw error;
  }
}

/** Starts the processes, passes on what they print, and answers how the job ended. */
async function attend(
  context: CliContext,
  runtime: LocalRuntime,
  directory: string,
  plan: AttemptPlan,
): Promise<RunResult> {
  await runtime.ensureProcesses(plan, []);
  const trouble = runtime.processes(plan.key).find(({ pending }) => pending !== undefined)?.pending?.trouble;
  if (trouble !== undefined) {
    runtime.stopProcesses(plan.key, 1, false);
    throw new CommandError(trouble ?? 'the job cannot start');
  }
  const files = attemptFiles(directory, plan.key.name, 1);
  const ended = new AbortController();
  const printing = Array.from({ length: plan.spec.taskManager.replicas }, (_, index) =>
    followFile(files.logFile(`taskmanager-${index}`), {
      line: (text) => (PRINTED.test(text) ? context.out(text) : context.err(text)),
      signal: ended.signal,
    }),
  );
  let result: RunResult | null;
  try {
    result = await untilEnd(context, runtime, plan);
    // What tasks printed last is in the log when their processes are gone.
    runtime.stopProcesses(plan.key, 1, true);
    while (runtime.processes(plan.key).some((process) => process.state === 'Running')) await pause(10);
  } finally {
    ended.abort();
    await Promise.all(printing);
  }
  if (result === null) {
    const log = readFileSync(files.logFile('jobmanager'), 'utf8').trimEnd();
    throw new CommandError(`the JobManager ended without a result. It said:\n${log}`);
  }
  return result;
}

/** The result from storage, which the JobManager writes before it reports an end; null when it ended without one. */
async function untilEnd(context: CliContext, runtime: LocalRuntime, plan: AttemptPlan): Promise<RunResult | null> {
  let cancelled = false;
  for (;;) {
    const lives = runtime
      .processes(plan.key)
      .some((process) => process.role === 'JobManager' && process.state === 'Running');
    const { result } = await runtime.storage({
      key: plan.key,
      engine: plan.spec.engine.type,
      storage: plan.spec.state.storage,
      jobId: plan.attempt.jobId,
      lastSavepoint: undefined,
      stopTriggerId: undefined,
    });
    if (result !== null || !lives) return result;
    if (context.interrupted.aborted && !cancelled) {
      cancelled = true;
      const connection = await runtime.connection(plan.key, plan.attempt);
      // A JobManager that does not answer yet has nothing to cancel.
      if (connection === null) throw new CommandError('cancelled before the job started', 130);
      await new EngineClient(connection).cancel(plan.attempt.jobId);
    }
    await pause(LOOK_EVERY);
  }
}

function tell(context: CliContext, result: RunResult): number {
  const seconds = ((result.endTime - result.startTime) / 1000).toFixed(1);
  const rows = (count: number): string => `${count.toLocaleString('en-US')} row${count === 1 ? '' : 's'}`;
  switch (result.state) {
    case 'FINISHED':
      context.err(`Finished in ${seconds} s: ${rows(result.rowsIn ?? 0)} read, ${rows(result.rowsOut ?? 0)} written.`);
      return 0;
    case 'CANCELED':
      context.err(`Cancelled after ${seconds} s.`);
      return 130;
    case 'FAILED':
      throw new CommandError(`the job failed after ${seconds} s: ${result.failure ?? 'no reason was given'}`);
  }
}
