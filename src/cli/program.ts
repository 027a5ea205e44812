// The command line as a whole: names, options and help texts. What the commands do stands in commands/, where they do it in choose-place.ts.
import { Command, InvalidArgumentError, Option } from 'commander';
import { InvalidObjectError } from '../api/admission.ts';
import { EngineError, describeError } from '../../engine/errors.ts';
import { StoreError } from '../store/port.ts';
import { apply } from './commands/apply.ts';
import { explainAutoscaling } from './commands/autoscale.ts';
import { deleteObjects } from './commands/delete.ts';
import { describe } from './commands/describe.ts';
import { get, OUTPUT_FORMATS } from './commands/get.ts';
import { importFlinkDeployments } from './commands/import.ts';
import { inspect, INSPECT_FORMATS, type InspectOptions } from './commands/inspect.ts';
import { localDown, localStatus, localUp } from './commands/local.ts';
import { logs } from './commands/logs.ts';
import { run } from './commands/run.ts';
import { savepoint } from './commands/savepoint.ts';
import { setSuspend } from './commands/suspend.ts';
import { wait } from './commands/wait.ts';
import { choosePlace, localDirectory, onThisMachine, withPlace, type PlaceOptions } from './choose-place.ts';
import { CommandError, type CliContext } from './context.ts';
import type { Place } from './place.ts';
import { durationMs } from '../api/schema-kit.ts';

/** Runs one command line (without program names). Answers the exit code. */
export async function runCli(context: CliContext, args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(context, (code) => (exitCode = code));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (isCommanderExit(error)) return error.exitCode;
    return report(context, error);
  }
}

function report(context: CliContext, error: unknown): number {
  if (error instanceof CommandError) {
    if (error.message !== '') context.err(`error: ${error.message}`);
    return error.exitCode;
  }
  if (error instanceof InvalidObjectError || error instanceof StoreError) {
    context.err(`error: ${error.message}`);
    return 1;
  }
  if (error instanceof EngineError) {
    context.err(`error: ${error.code}: ${describeError(error)}`);
    return 1;
  }
  throw error;
}

function isCommanderExit(error: unknown): error is { exitCode: number } {
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('commander.') && 'exitCode' in error
  );
}

/** The whole command line. `setExitCode` is told of codes that are no failures of the program. */
export function buildProgram(context: CliContext, setExitCode: (code: number) => void): Command {
  const program = new Command(context.asPlugin ? 'kubectl flowjob' : 'flowjob')
    .description('Stream and batch jobs in SQL: one FlowJob resource, one lifecycle.')
    .version('0.1.0')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    })
    .showSuggestionAfterError(true)
    .addHelpText('after', context.asPlugin ? FIRST_IN_CLUSTER : FIRST_HERE)
    .option(
      '--context <name>',
      'the cluster of this kubeconfig context (default: $FLOWJOB_CONTEXT; as kubectl flowjob the current one)',
    )
    .option('--kubeconfig <file>', 'the cluster of this kubeconfig file')
    .option('-n, --namespace <name>', 'this namespace of the cluster (default: that of the context)')
    .option('--local', 'the operator on this machine (the default of flowjob)')
    .option('--dir <folder>', 'folder of the operator on this machine (default: $FLOWJOB_HOME, else .flowjob)');
  const options = (): PlaceOptions => program.opts<PlaceOptions>();
  /** Does its work at the place that the options mean. */
  const at = <T>(use: (place: Place) => Promise<T>, how?: { makes: boolean }): Promise<T> =>
    withPlace(context, choosePlace(context, options()), use, how);

  const local = program.command('local').description('The operator on this machine: jobs run as processes.');
  const folder = (): string => localDirectory(context, options());
  local
    .command('up')
    .description('Start the operator in the background. Jobs that were stopped by "down" go on.')
    .action(async () => localUp(context, folder()));
  local
    .command('down')
    .description('Stop the operator and the processes of all jobs. Jobs keep their state and go on at the next "up".')
    .action(async () => localDown(context, folder()));
  local
    .command('status')
    .description('Say whether the operator runs, and what its jobs do. Exit code 3 when it does not run.')
    .action(async () => setExitCode(await localStatus(context, folder())));

  program
    .command('apply')
    .description('Create or change what the manifests describe. Nothing is changed unless all of them are valid.')
    .requiredOption(
      '-f, --filename <path>',
      'file or folder of manifests, or - for standard input; may be repeated',
      collect,
    )
    .option('--dry-run', 'check everything, change nothing')
    .option('--force-conflicts', 'take over fields that something else in the cluster set')
    .action(
      async ({ filename, dryRun, forceConflicts }: { filename: string[]; dryRun?: true; forceConflicts?: true }) =>
        at(
          (place) =>
            apply(context, place, { paths: filename, dryRun: dryRun === true, force: forceConflicts === true }),
          { makes: true },
        ),
    );

  program
    .command('get [target...]')
    .description('List objects: get, get flowsavepoints, get orders, get fj/orders.')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(OUTPUT_FORMATS))
    .option('-w, --watch', 'go on printing changes until Ctrl-C')
    .option('-A, --all-namespaces', 'of all namespaces')
    .action(
      async (
        target: string[],
        given: { output?: (typeof OUTPUT_FORMATS)[number]; watch?: true; allNamespaces?: true },
      ) =>
        at((place) =>
          get(context, place, {
            target,
            output: given.output,
            watch: given.watch === true,
            allNamespaces: given.allNamespaces === true,
          }),
        ),
    );

  program
    .command('describe <target...>')
    .description('Everything about one object: spec, status, conditions, checkpoints, events.')
    .action(async (target: string[]) => at((place) => describe(context, place, target)));

  program
    .command('delete [target...]')
    .description('Delete objects; a stream takes a last savepoint first, as its deletionPolicy says.')
    .option('-f, --filename <path>', 'delete what the manifests name', collect, [])
    .option('--wait [bool]', 'wait until they are gone', parseBoolean, true)
    .addOption(timeoutOption('wait no longer than this', '5m'))
    .action(async (target: string[], given: { filename: string[]; wait: boolean; timeout: number }) =>
      at((place) =>
        deleteObjects(context, place, { target, paths: given.filename, wait: given.wait, timeoutMs: given.timeout }),
      ),
    );

  for (const [name, suspended, text] of [
    ['suspend', true, 'Stop a job and keep its state: a stream takes a savepoint first.'],
    ['resume', false, 'Let a suspended job go on from where it was.'],
  ] as const)
    program
      .command(`${name} <job>`)
      .description(text)
      .action(async (job: string) => at((place) => setSuspend(context, place, job, suspended)));

  const taken = program
    .command('savepoint <job>')
    .description('Take a savepoint of a running stream and print its path.')
    .option('--name <name>', 'name of the FlowSavepoint (default: the job and the time)')
    .addOption(timeoutOption('wait no longer than this', '5m'))
    .action(async (job: string, given: { name?: string; timeout: number }) =>
      at((place) => savepoint(context, place, { job, name: given.name, timeoutMs: given.timeout })),
    );
  taken
    .command('inspect <path>')
    .description(
      'Check every byte of a savepoint or checkpoint and show what it holds. Exit code 1 when it is damaged.',
    )
    .option('--operator <name>', 'show the state of this operator as rows: its uid, its id or a part of its uid')
    .option('--limit <rows>', 'show so many rows', parseWhole, 20)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(INSPECT_FORMATS).default('table'))
    .action(async (path: string, given: Omit<InspectOptions, 'path'>) =>
      setExitCode(await inspect(context, choosePlace(context, options()), { ...given, path })),
    );

  program
    .command('logs <job>')
    .description('Print the log of one or more of a job’s processes.')
    .option('--role <process>', 'jobmanager, taskmanager-0, taskmanager (all of them), all', 'jobmanager')
    .option('--attempt <epoch>', 'of another attempt than the one that the job runs in', parseWhole)
    .option('-p, --previous', 'of the process before: a pod that was replaced, else the attempt before')
    .option('-f, --follow', 'go on printing until Ctrl-C')
    .action(async (job: string, given: { role: string; attempt?: number; previous?: true; follow?: true }) =>
      at((place) =>
        logs(context, place, {
          job,
          role: given.role,
          epoch: given.attempt,
          previous: given.previous === true,
          follow: given.follow === true,
        }),
      ),
    );

  program
    .command('autoscale')
    .description('What the autoscaler makes of a job.')
    .command('explain <job>')
    .description(
      'Print what the autoscaler saw of a job, how it reckoned, and what it came to. In a cluster the job is looked at from here, for half a minute.',
    )
    .option('--history', 'the last decisions, too')
    .option('--svg <file>', 'write a picture of load, capacity, backlog, lag and parallelism over time')
    .action(async (job: string, given: { history?: true; svg?: string }) =>
      at((place) => explainAutoscaling(context, place, { job, history: given.history === true, svg: given.svg })),
    );

  program
    .command('run <file>')
    .description(
      'Run one job on this machine without an operator and print its result: a .sql file, or a manifest with one FlowJob.',
    )
    .addOption(new Option('--mode <mode>', 'for a .sql file').choices(['Batch', 'Streaming']).default('Batch'))
    .option('--slots <count>', 'for a .sql file: subtasks at once', parseWhole, 2)
    .action(async (file: string, given: { mode: 'Batch' | 'Streaming'; slots: number }) => {
      onThisMachine(context, options(), 'run', 'put the SQL into a FlowJob, then: kubectl flowjob apply -f FILE');
      setExitCode(await run(context, { file, mode: given.mode, slots: given.slots }));
    });

  program
    .command('import')
    .description('Manifests of another operator as manifests of FlowJob.')
    .command('flinkdeployment <file>')
    .description(
      'Print FlowJobs and FlowSavepoints for the FlinkDeployments, FlinkSessionJobs and FlinkStateSnapshots of a file (- for standard input), and on standard error what did not go along and what to do about it. Nothing is applied.',
    )
    .action(async (file: string) => importFlinkDeployments(context, file));

  program
    .command('wait <target...>')
    .description('Wait until a condition holds, for the newest version of the spec.')
    .requiredOption(
      '--for <what>',
      'condition=Ready, condition=Complete, condition=Suspended=False, state=Running, delete',
    )
    .addOption(timeoutOption('give up after this', '30s'))
    .action(async (target: string[], given: { for: string; timeout: number }) =>
      at((place) => wait(context, place, { target, what: given.for, timeoutMs: given.timeout })),
    );

  return program;
}

const FIRST_HERE = `
A first job:
  flowjob local up                              start the operator for the folder .flowjob
  flowjob apply -f examples/flights-by-origin.yaml
  flowjob get -w                                watch it
  flowjob local down                            stop everything; state stays for the next up
In a cluster: the same with --context NAME or -n NAMESPACE, or as kubectl flowjob.`;

const FIRST_IN_CLUSTER = `
A first job, in the namespace of the current context:
  kubectl flowjob apply -f job.yaml
  kubectl flowjob get -w                        watch it
  kubectl flowjob logs NAME -f                  what its JobManager prints
On this machine: the same with --local.`;

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('write true or false.');
}

function parseWhole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('write a whole number from 1 on.');
  return Number(text);
}

/** In help its default stands as people write it. */
const timeoutOption = (text: string, usual: string): Option =>
  new Option('--timeout <duration>', text).argParser(parseDuration).default(parseDuration(usual), usual);

function parseDuration(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw new InvalidArgumentError('write a whole number and a unit: 500ms, 30s, 5m, 1h.');
  }
}
