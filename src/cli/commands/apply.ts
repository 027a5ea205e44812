// `flowjob apply`: all manifests are checked first, the SQL too; only then is anything written.
import { resolveSpec } from '../../api/resolved.ts';
import { KINDS } from '../../api/group.ts';
import type { AnyObject } from '../../store/port.ts';
import { CommandError, type CliContext } from '../context.ts';
import { loadManifests, type LoadedManifest } from '../manifests.ts';
import type { CheckOptions, Place } from '../place.ts';

export async function apply(
  context: CliContext,
  place: Place,
  options: { paths: readonly string[]; dryRun: boolean; force: boolean },
): Promise<void> {
  const { dryRun, force } = options;
  const { manifests, errors } = await loadManifests(context, options.paths, (manifest) => place.recognize(manifest));
  errors.push(...duplicates(place, manifests));
  const siblings = manifests.map(({ manifest }) => manifest);
  for (const loaded of manifests) errors.push(...(await problems(context, place, loaded, { siblings, force })));
  if (errors.length > 0) {
    const refused = errors.map((error) => `error: ${error}`).join('\n');
    context.err(`${refused}\nNothing was changed.`);
    throw new CommandError('');
  }
  for (const { manifest } of manifests) {
    const { id, outcome, note } = await place.apply(manifest, { dryRun, force });
    context.out(`${id} ${outcome}${dryRun ? ' (dry run)' : ''}${note}`);
  }
  const idle = dryRun ? null : place.idleness();
  if (idle !== null) context.err(`Nothing acts on it yet: ${idle}`);
}

/** Everything that stands against one manifest, each with its source in front. */
async function problems(
  context: CliContext,
  place: Place,
  { source, manifest }: LoadedManifest,
  options: CheckOptions,
): Promise<string[]> {
  const { complaints, object } = await place.check(manifest, options);
  if (complaints.length > 0) return complaints.map((complaint) => `${source}: ${complaint}`);
  if (object === null) return [];
  const { name, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined)
    return [
      `${source}: ${KINDS[object.kind].singular} "${name}" is being deleted; wait until it is gone: ${place.command} wait ${KINDS[object.kind].singular}/${name} --for delete`,
    ];
  return object.kind === 'FlowJob' ? sqlProblems(context, source, object) : [];
}

function sqlProblems(context: CliContext, source: string, job: AnyObject & { kind: 'FlowJob' }): string[] {
  // A text in a ConfigMap is judged by the operator, a jar by Flink.
  if (job.spec.job.sql?.inline === undefined) return [];
  const problem = context.validateSql(job.metadata.name, resolveSpec(job.spec));
  if (problem === null) return [];
  const place = problem.line === undefined ? '' : ` (line ${problem.line}, column ${problem.column})`;
  const message = problem.message.replaceAll('\n', '\n    ');
  return [
    `${source}: FlowJob "${job.metadata.name}" is invalid:\n  spec.job.sql.inline${place}: ${problem.code}\n    ${message}`,
  ];
}

function duplicates(place: Place, manifests: readonly LoadedManifest[]): string[] {
  const seen = new Map<string, string>();
  const errors: string[] = [];
  for (const { source, manifest } of manifests) {
    const id = `${manifest.kind} "${manifest.metadata?.name}"`;
    const key = `${manifest.apiVersion} ${manifest.metadata?.namespace ?? place.namespace} ${id}`;
    const earlier = seen.get(key);
    if (earlier !== undefined) errors.push(`${source}: ${id} stands in ${earlier} already; remove one of the two`);
    seen.set(key, source);
  }
  return errors;
}
