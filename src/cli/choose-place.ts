// Where a command works when nothing, or something, is said: the one place that decides it. docs/how-to/use-the-command-line.md tells it to people.
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { CommandError, type CliContext } from './context.ts';
import { LocalPlace } from './local/local-place.ts';
import type { Place } from './place.ts';

/** Options that every command takes. */
export interface PlaceOptions {
  context?: string;
  kubeconfig?: string;
  namespace?: string;
  local?: true;
  dir?: string;
}

export type Choice =
  | { kind: 'local'; directory: string }
  | { kind: 'cluster'; context: string | undefined; kubeconfig: string | undefined; namespace: string | undefined };

/**
 * An option that was given decides. Without one `kubectl flowjob` speaks to the cluster of the current context, as kubectl does; `flowjob` to the one that
 * FLOWJOB_CONTEXT names, else to the operator on this machine.
 */
export function choosePlace(context: Pick<CliContext, 'env' | 'cwd' | 'asPlugin'>, options: PlaceOptions): Choice {
  const ofCluster = optionsOfCluster(options);
  const ofLocal = [...(options.local === true ? ['--local'] : []), ...(options.dir === undefined ? [] : ['--dir'])];
  if (ofCluster.length > 0 && ofLocal.length > 0)
    throw new CommandError(`${ofLocal[0]} means this machine and ${ofCluster[0]} a cluster: leave out one of them`);
  const named = context.env['FLOWJOB_CONTEXT'] === '' ? undefined : context.env['FLOWJOB_CONTEXT'];
  const cluster = ofCluster.length > 0 || (ofLocal.length === 0 && (context.asPlugin || named !== undefined));
  if (!cluster) return { kind: 'local', directory: homeDirectory(context, options.dir) };
  return {
    kind: 'cluster',
    // A file that is named has a current context of its own.
    context: options.context ?? (options.kubeconfig === undefined && !context.asPlugin ? named : undefined),
    kubeconfig: options.kubeconfig === undefined ? undefined : resolve(context.cwd, options.kubeconfig),
    namespace: options.namespace,
  };
}

/** For commands that work on this machine alone, and could be taken to do so in the cluster. */
export function onThisMachine(context: CliContext, options: PlaceOptions, command: string, instead: string): void {
  if (choosePlace(context, options).kind === 'local') return;
  throw new CommandError(
    `${command} works on this machine alone: name no cluster, or say --local. In the cluster: ${instead}`,
  );
}

/** For `flowjob local`, whose name says where. */
export function localDirectory(context: CliContext, options: PlaceOptions): string {
  choosePlace(context, { ...options, local: true });
  return homeDirectory(context, options.dir);
}

/** The operator's folder: --dir, else FLOWJOB_HOME, else .flowjob. */
export function homeDirectory(context: Pick<CliContext, 'env' | 'cwd'>, dir: string | undefined): string {
  const given = dir ?? context.env['FLOWJOB_HOME'] ?? '.flowjob';
  return isAbsolute(given) ? given : resolve(context.cwd, given);
}

/** Runs `use` with the place, and closes it. Only who `makes` something makes the folder. */
export async function withPlace<T>(
  context: CliContext,
  choice: Choice,
  use: (place: Place) => Promise<T>,
  { makes = false } = {},
): Promise<T> {
  const place = await openPlace(context, choice, makes);
  try {
    return await use(place);
  } catch (error) {
    throw place.explain(error);
  } finally {
    await place.close();
  }
}

async function openPlace(context: CliContext, choice: Choice, makes: boolean): Promise<Place> {
  if (choice.kind === 'cluster') {
    // What it is made of is loaded by those who need it: local commands start without.
    const { ClusterPlace } = await import('./cluster/cluster-place.ts');
    return ClusterPlace.open(choice);
  }
  const { directory } = choice;
  if (!makes && !existsSync(directory))
    throw new CommandError(
      `there is no folder ${directory}; name the right one with --dir or FLOWJOB_HOME, or begin with: flowjob local up. A cluster is named with --context`,
    );
  return new LocalPlace(context, directory);
}

function optionsOfCluster({ context, kubeconfig, namespace }: PlaceOptions): string[] {
  const given = { '--context': context, '--kubeconfig': kubeconfig, '--namespace': namespace };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}
