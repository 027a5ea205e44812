// The command line as a whole: names, options and help texts. What the commands do stands in commands/.
import { Command, InvalidArgumentError, Option } from 'commander';
import { InvalidObjectError } from '../api/admission.ts';
import { EngineError, describeError } from '../../engine/errors.ts';
import { StoreError } from '../store/port.ts';
import { apply } from './commands/apply.ts';
import { deleteObjects } from './commands/delete.ts';
import { describe } from './commands/describe.ts';
import { get, OUTPUT_FORMATS } from './commands/get.ts';
import { inspect, INSPECT_FORMATS, type InspectOptions } from './commands/inspect.ts';
import { localDown, localStatus, localUp } from './commands/local.ts';
import { logs } from './commands/logs.ts';
import { run } from './commands/run.ts';
import { savepoint } from './commands/savepoint.ts';
import { setSuspend } from './commands/suspend.ts';
import { wait } from './commands/wait.ts';
import { CommandError, homeDirectory, type CliContext } from './context.ts';
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

interface DirOption {
  dir?: string;
}

function buildProgram(context: CliContext, setExitCode: (code: number) => void): Command {
  const program = new Command('flowjob')
    .description('Stream and batch jobs in SQL: one FlowJob resource, one lifecycle.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `
A first job:
  flowjob local up                              start the operator for the folder .flowjob
  flowjob apply -f examples/flights-by-origin.yaml
  flowjob get -w                                watch it
  flowjob local down                            stop everything; state stays for the next up`,
    );

  /** A subcommand with --dir. */
  const command = (parent: Command, usage: string, text: string): Command =>
    parent
      .command(usage)
      .description(text)
      .addOption(new Option('--dir <folder>', 'folder of the operator (default: $FLOWJOB_HOME, else .flowjob)'));
  const home = (options: DirOption): string => homeDirectory(context, options.dir);

  const local = program.command('local').description('The operator on this machine: jobs run as processes.');
  command(local, 'up', 'Start the operator in the background. Jobs that were stopped by "down" go on.').action(
    async (options: DirOption) => localUp(context, home(options)),
  );
  command(
    local,
    'down',
    'Stop the operator and the processes of all jobs. Jobs keep their state and go on at the next "up".',
  ).action(async (options: DirOption) => localDown(context, home(options)));
  command(
    local,
    'status',
    'Say whether the operator runs, and what its jobs do. Exit code 3 when it does not run.',
  ).action(async (options: DirOption) => setExitCode(await localStatus(context, home(options))));

  command(
    program,
    'apply',
    'Create or change what the manifests describe. Nothing is changed unless all of them are valid.',
  )
    .requiredOption(
      '-f, --filename <path>',
      'file or folder of manifests, or - for standard input; may be repeated',
      collect,
    )
    .option('--dry-run', 'check everything, change nothing')
    .action(async (options: DirOption & { filename: string[]; dryRun?: true }) =>
      apply(context, home(options), { paths: options.filename, dryRun: options.dryRun === true }),
    );

  command(program, 'get [target...]', 'List objects: get, get flowsavepoints, get orders, get fj/orders.')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(OUTPUT_FORMATS))
    .option('-w, --watch', 'go on printing changes until Ctrl-C')
    .action(async (target: string[], options: DirOption & { output?: (typeof OUTPUT_FORMATS)[number]; watch?: true }) =>
      get(context, home(options), { target, output: options.output, watch: options.watch === true }),
    );

  command(program, 'describe <target...>', 'Everything about one object: spec, status, conditions, events.').action(
    async (target: string[], options: DirOption) => describe(context, home(options), target),
  );

  command(
    program,
    'delete [target...]',
    'Delete objects; a stream takes a last savepoint first, as its deletionPolicy says.',
  )
    .option('-f, --filename <path>', 'delete what the manifests name', collect, [])
    .option('--wait [bool]', 'wait until they are gone', parseBoolean, true)
    .addOption(timeoutOption('wait no longer than this', '5m'))
    .action(async (target: string[], options: DirOption & { filename: string[]; wait: boolean; timeout: number }) =>
      deleteObjects(context, home(options), {
        target,
        paths: options.filename,
        wait: options.wait,
        timeoutMs: options.timeout,
      }),
    );

  for (const [name, suspended, text] of [
    ['suspend', true, 'Stop a job and keep its state: a stream takes a savepoint first.'],
    ['resume', false, 'Let a suspended job go on from where it was.'],
  ] as const)
    command(program, `${name} <job>`, text).action(async (job: string, options: DirOption) =>
      setSuspend(context, home(options), job, suspended),
    );

  const taken = command(program, 'savepoint <job>', 'Take a savepoint of a running stream and print its path.')
    .option('--name <name>', 'name of the FlowSavepoint (default: the job and the time)')
    .addOption(timeoutOption('wait no longer than this', '5m'))
    .action(async (job: string, options: DirOption & { name?: string; timeout: number }) =>
      savepoint(context, home(options), { job, name: options.name, timeoutMs: options.timeout }),
    );
  command(
    taken,
    'inspect <path>',
    'Check every byte of a savepoint or checkpoint and show what it holds. Exit code 1 when it is damaged.',
  )
    .option('--operator <name>', 'show the state of this operator as rows: its uid, its id or a part of its uid')
    .option('--limit <rows>', 'show so many rows', parseWhole, 20)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(INSPECT_FORMATS).default('table'))
    .action(async (path: string, options: DirOption & Omit<InspectOptions, 'path'>) =>
      setExitCode(await inspect(context, home(options), { ...options, path })),
    );

  command(program, 'logs <job>', 'Print the log of one of a job’s processes.')
    .option('--role <process>', 'jobmanager, taskmanager-0, taskmanager-1, ...', 'jobmanager')
    .option('--attempt <epoch>', 'of an earlier attempt', parseWhole)
    .option('-f, --follow', 'go on printing until Ctrl-C')
    .action(async (job: string, options: DirOption & { role: string; attempt?: number; follow?: true }) =>
      logs(context, home(options), {
        job,
        role: options.role,
        epoch: options.attempt,
        follow: options.follow === true,
      }),
    );

  program
    .command('run <file>')
    .description('Run one job without an operator and print its result: a .sql file, or a manifest with one FlowJob.')
    .addOption(new Option('--mode <mode>', 'for a .sql file').choices(['Batch', 'Streaming']).default('Batch'))
    .option('--slots <count>', 'for a .sql file: subtasks at once', parseWhole, 2)
    .action(async (file: string, options: { mode: 'Batch' | 'Streaming'; slots: number }) =>
      setExitCode(await run(context, { file, mode: options.mode, slots: options.slots })),
    );

  command(program, 'wait <target...>', 'Wait until a condition holds, for the newest version of the spec.')
    .requiredOption(
      '--for <what>',
      'condition=Ready, condition=Complete, condition=Suspended=False, state=Running, delete',
    )
    .addOption(timeoutOption('give up after this', '30s'))
    .action(async (target: string[], options: DirOption & { for: string; timeout: number }) =>
      wait(context, home(options), { target, what: options.for, timeoutMs: options.timeout }),
    );

  return program;
}

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
