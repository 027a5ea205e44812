// The engine's program: `jobmanager` or `taskmanager`. Composition root.
import module from 'node:module';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { EngineConfig } from './config.ts';
import { describeError, EngineError } from './errors.ts';

// From Node 22 on: the second start of a program compiles nothing.
module.enableCompileCache?.();

const USAGE = `usage:
  engine jobmanager --config-dir DIR --job-id HEX32 --attempt-epoch N --sql-file FILE [--from-savepoint PATH] [--allow-non-restored-state] [-D KEY=VALUE ...]
  engine taskmanager --config-dir DIR --resource-id NAME [-D KEY=VALUE ...]
  engine storage --root DIR --command JSON --answer FILE`;

/** As in Flink: settings on the command line win over the file. */
const DYNAMIC = { dynamic: { type: 'string', short: 'D', multiple: true, default: [] as string[] } } as const;

function configOf(directory: string | undefined, dynamic: readonly string[]): EngineConfig {
  const pairs = dynamic.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new EngineError('ARGUMENT_INVALID', `-D ${text}: not a setting`, { hint: 'write -D key=value' });
  });
  return EngineConfig.load(required(directory, '--config-dir'), Object.fromEntries(pairs));
}

const exit = (code: number): void => process.exit(code);

async function jobManager(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'config-dir': { type: 'string' },
      'job-id': { type: 'string' },
      'attempt-epoch': { type: 'string' },
      'sql-file': { type: 'string' },
      'from-savepoint': { type: 'string' },
      'allow-non-restored-state': { type: 'boolean', default: false },
      ...DYNAMIC,
    },
  });
  const jobId = required(values['job-id'], '--job-id');
  if (!/^[0-9a-f]{32}$/.test(jobId))
    throw new EngineError('ARGUMENT_INVALID', `--job-id: "${jobId}" is not 32 lower-case hexadecimal digits`);
  const epoch = Number(required(values['attempt-epoch'], '--attempt-epoch'));
  const config = configOf(values['config-dir'], values.dynamic);
  // It handles small messages: a young generation that never grows keeps the process small, at no cost that could be measured.
  setFlagsFromString('--semi-space-growth-factor=1');
  const { startJobManager } = await import('./jobmanager/job-manager.ts');
  const job = {
    jobId,
    epoch,
    sqlFile: required(values['sql-file'], '--sql-file'),
    fromSavepoint: values['from-savepoint'] ?? null,
    allowNonRestoredState: values['allow-non-restored-state'],
  };
  process.on('SIGTERM', () => exit(143));
  await startJobManager(config, job, exit);
}

async function taskManager(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { 'config-dir': { type: 'string' }, 'resource-id': { type: 'string' }, ...DYNAMIC },
  });
  const config = configOf(values['config-dir'], values.dynamic);
  const { createTaskManager } = await import('./taskmanager/task-manager.ts');
  const manager = createTaskManager(config, required(values['resource-id'], '--resource-id'), exit);
  process.on('SIGTERM', () => {
    manager.removeSpilled();
    exit(143);
  });
  await manager.start();
}

async function storage(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { root: { type: 'string' }, command: { type: 'string' }, answer: { type: 'string' } },
  });
  const { runStorageCommand } = await import('./storage-command.ts');
  const command = JSON.parse(required(values.command, '--command')) as Parameters<typeof runStorageCommand>[1];
  await runStorageCommand(required(values.root, '--root'), command, required(values.answer, '--answer'));
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new EngineError('ARGUMENT_MISSING', `${name} is missing`, { hint: USAGE });
  return value;
}

const [command, ...rest] = process.argv.slice(2);
try {
  if (command === 'jobmanager') await jobManager(rest);
  else if (command === 'taskmanager') await taskManager(rest);
  else if (command === 'storage') await storage(rest);
  else throw new EngineError('ARGUMENT_INVALID', `unknown command "${command ?? ''}"`, { hint: USAGE });
} catch (error) {
  console.error(describeError(error));
  exit(1);
}
