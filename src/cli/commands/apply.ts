// `flowjob apply`: all manifests are checked first, the SQL too; only then is anything written.
import { InvalidObjectError } from '../../api/admission.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { KINDS } from '../../api/group.ts';
import type { AnyObject } from '../../store/port.ts';
import type { LocalStore } from '../../store/local/local-store.ts';
import { appliedNote } from '../applied-note.ts';
import { CommandError, warnWithoutOperator, withStore, type CliContext } from '../context.ts';
import { loadManifests, type LoadedManifest } from '../manifests.ts';

export async function apply(
  context: CliContext,
  directory: string,
  options: { paths: readonly string[]; dryRun: boolean },
): Promise<void> {
  const { manifests, errors } = await loadManifests(context, options.paths);
  const applyAll = async (store: LocalStore): Promise<void> => {
    errors.push(...duplicates(manifests));
    for (const loaded of manifests) errors.push(...(await problems(context, store, loaded)));
    if (errors.length > 0) {
      const refused = errors.map((error) => `error: ${error}`).join('\n');
      context.err(`${refused}\nNothing was changed.`);
      throw new CommandError('');
    }
    for (const { manifest } of manifests) {
      const { object, outcome } = options.dryRun ? await store.dryRunApply(manifest) : await store.apply(manifest);
      context.out(
        `${KINDS[object.kind].singular}/${object.metadata.name} ${outcome}${options.dryRun ? ' (dry run)' : ''}${appliedNote(object, outcome)}`,
      );
    }
  };
  await withStore(context, directory, applyAll, true);
  if (!options.dryRun) warnWithoutOperator(context, directory);
}

/** Everything that stands against one manifest, each with its source in front. */
async function problems(context: CliContext, store: LocalStore, loaded: LoadedManifest): Promise<string[]> {
  let object: AnyObject;
  try {
    object = (await store.dryRunApply(loaded.manifest)).object;
  } catch (error) {
    if (!(error instanceof InvalidObjectError)) throw error;
    return [`${loaded.source}: ${error.message}`];
  }
  const { name, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined)
    return [
      `${loaded.source}: ${KINDS[object.kind].singular} "${name}" is being deleted; wait until it is gone: flowjob wait ${name} --for delete`,
    ];
  return object.kind === 'FlowJob' ? sqlProblems(context, loaded.source, object) : [];
}

function sqlProblems(context: CliContext, source: string, job: AnyObject & { kind: 'FlowJob' }): string[] {
  const problem = context.validateSql(job.metadata.name, resolveSpec(job.spec));
  if (problem === null) return [];
  const place = problem.line === undefined ? '' : ` (line ${problem.line}, column ${problem.column})`;
  const message = problem.message.replaceAll('\n', '\n    ');
  return [
    `${source}: FlowJob "${job.metadata.name}" is invalid:\n  spec.job.sql.inline${place}: ${problem.code}\n    ${message}`,
  ];
}

function duplicates(manifests: readonly LoadedManifest[]): string[] {
  const seen = new Map<string, string>();
  const errors: string[] = [];
  for (const { source, manifest } of manifests) {
    const id = `${manifest.kind} "${manifest.metadata?.name}"`;
    const earlier = seen.get(id);
    if (earlier !== undefined) errors.push(`${source}: ${id} stands in ${earlier} already; remove one of the two`);
    seen.set(id, source);
  }
  return errors;
}
