// `flowjob import flinkdeployment`: manifests of apache/flink-kubernetes-operator as ours, on standard output; what did not go along, on standard error.
import { admit, InvalidObjectError } from '../../api/admission.ts';
import { API_VERSION } from '../../api/group.ts';
import { resolveSpec } from '../../api/resolved.ts';
import { checkFlinkSpec } from '../../engine-client/flink/check-spec.ts';
import type { Manifest } from '../../migration/rules.ts';
import { importObjects } from '../../migration/import.ts';
import { isMap, valueAt, type Json } from '../../migration/leaves.ts';
import { judge, nameOf, SOURCE_GROUP } from '../../migration/objects.ts';
import { listOf, summaryOf, yamlOf } from '../../migration/report.ts';
import { CommandError, type CliContext } from '../context.ts';
import { loadManifests } from '../manifests.ts';

export async function importFlinkDeployments(context: CliContext, path: string): Promise<void> {
  const { manifests, errors } = await loadManifests(context, [path], recognize);
  if (errors.length > 0) refuse(context, errors);
  const all = manifests.map(({ source, manifest }) => ({ source, object: manifest }));
  const ours = all.filter(({ object }) => judge(object) === 'Ours');
  if (ours.length === 0)
    refuse(context, [
      `${path === '-' ? 'standard input' : path}: no object of ${SOURCE_GROUP} in it: name a file with a FlinkDeployment, or what kubectl get flinkdeployments -o yaml prints`,
    ]);
  const imported = importObjects(ours);
  for (const { manifest, account } of imported) {
    const found = manifest === null ? null : refusedByOperator(manifest);
    if (found !== null) account.remark(['spec'], 'ToDo', found);
  }
  const yaml = yamlOf(imported);
  if (yaml !== '') context.out(yaml.trimEnd());
  for (const one of imported) context.err(listOf(one).join('\n'));
  for (const { source, object } of all)
    if (judge(object) === 'Other')
      context.err(`${String(object['kind'])} "${nameOf(object)}" of ${source} is left as it is: ${whatOf(object)}`);
  context.err(summaryOf(imported));
  if (imported.some(({ errors: wrong }) => wrong.length > 0)) throw new CommandError('');
}

/** What the API server takes of a FlowJob, and the operator does not start. */
function refusedByOperator(manifest: Manifest): string | null {
  const stored = admit(manifest);
  return stored.kind === 'FlowJob' ? checkFlinkSpec(resolveSpec(stored.spec)) : null;
}

/** A HorizontalPodAutoscaler names what it scales, by the scale subresource that a FlowJob has too. */
function whatOf(object: Json): string {
  const scaled = valueAt(object, ['spec', 'scaleTargetRef', 'apiVersion']);
  return typeof scaled === 'string' && scaled.startsWith(`${SOURCE_GROUP}/`)
    ? `in spec.scaleTargetRef set apiVersion: ${API_VERSION} and kind: FlowJob`
    : 'apply it as before';
}

function recognize(item: unknown): void {
  const judged = judge(item);
  if (typeof judged === 'string') return;
  const { kind, metadata } = isMap(item) ? item : {};
  const name = isMap(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
  throw new InvalidObjectError(typeof kind === 'string' ? kind : 'object', name, judged);
}

function refuse(context: CliContext, errors: readonly string[]): never {
  context.err(`${errors.map((error) => `error: ${error}`).join('\n')}\nNothing was imported.`);
  throw new CommandError('');
}
