// What the cluster refused or could not be asked, told to people: what, why, what to do.
import { admit, InvalidObjectError } from '../../api/admission.ts';
import { GROUP } from '../../api/group.ts';
import type { FieldError } from '../../api/schema-check.ts';
import { ApiError, KubeError } from '../../kube/errors.ts';
import { CommandError } from '../context.ts';
import type { AnyManifest } from '../place.ts';

/** Where it was asked. */
export interface Where {
  context: string;
  server: string;
  namespace: string;
}

const INSTALL =
  'helm install flowjob helm/flowjob-operator --namespace flowjob-system --create-namespace (docs/how-to/install.md)';

/** An error of the kernel as one of the command line; every other as it is. */
export function explained(error: unknown, where: Where): unknown {
  if (!(error instanceof KubeError)) return error;
  return new CommandError(explanation(error, where));
}

function explanation(error: KubeError, { context, server, namespace }: Where): string {
  if (error instanceof ApiError) return refusal(error, { context, server, namespace });
  switch (error.code) {
    case 'CONFIG':
      return `${error.message}. Another kubeconfig is named with --kubeconfig FILE; jobs on this machine are reached with --local`;
    case 'CONNECTION':
    case 'DEADLINE':
      return (
        `the API server ${server} of context "${context}" cannot be reached: ${error.message}. ` +
        `Is the cluster up, and is this machine connected to it? Another one is named with --context; jobs on this machine are reached with --local`
      );
    default:
      return `${error.code}: ${error.message}`;
  }
}

/** `User "u" cannot list resource "flowjobs" in API group "flowjob.dev" in the namespace "default"`, as RBAC says it. */
const FORBIDDEN =
  /User "([^"]*)" cannot (\S+) resource "([^"]+)"(?: in API group "([^"]*)")?(?:.* in the namespace "([^"]+)")?/;

function refusal(error: ApiError, { context, server, namespace }: Where): string {
  if (error.status === 401)
    return `the API server ${server} does not know who you are: the credentials of context "${context}" have expired or are wrong; log in again`;
  if (error.status === 403) return forbidden(error.said, context) ?? error.said;
  if (isUnknownKind(error))
    return `the cluster of context "${context}" knows no FlowJobs: its CustomResourceDefinitions are not installed. Install the operator: ${INSTALL}`;
  if (error.status === 404 && error.details?.kind === 'namespaces')
    return `there is no namespace "${error.details.name ?? namespace}" in the cluster of context "${context}"; name another with --namespace, or: kubectl create namespace ${error.details.name ?? namespace}`;
  return `the API server refused: ${error.said}`;
}

/** Null when it was not RBAC that refused: admission and quotas say in words of their own why. */
export function forbidden(said: string, context: string): string | null {
  const [, user, verb, resource, group, namespace] = FORBIDDEN.exec(said) ?? [];
  if (verb === undefined || resource === undefined) return null;
  const full = group === undefined || group === '' ? resource : `${resource}.${group}`;
  const within = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`;
  const flag = namespace === undefined ? '--all-namespaces' : `-n ${namespace}`;
  return (
    `you may not ${verb} ${full} ${within}: user "${user}" of context "${context}" lacks the right. ` +
    `Have a ${namespace === undefined ? 'ClusterRole' : 'Role'} grant verb ${verb} on ${full}; to check: kubectl auth can-i ${verb} ${full} ${flag}`
  );
}

/** A path that the API server does not serve, not an object that is missing. */
function isUnknownKind(error: ApiError): boolean {
  return error.status === 404 && error.message.includes(`/apis/${GROUP}/`) && error.details?.name === undefined;
}

/** Why the server does not take a manifest, in the form in which the local operator says it; null when that is not what the error says. */
export function complaintsOf(error: unknown, manifest: AnyManifest, context: string): string | null {
  if (!(error instanceof ApiError)) return null;
  const title = `${manifest.kind} "${manifest.metadata.name}"`;
  if (error.reason === 'Conflict') return conflict(error, title);
  if (error.status === 403) return `${title}: ${forbidden(error.said, context) ?? error.said}`;
  if (error.status === 422 || error.status === 400 || error.status === 500) {
    const ours = ourComplaints(manifest);
    const causes = (error.details?.causes ?? []).filter(
      // The server’s note that rules were left out has the field "<nil>".
      ({ field }) => field !== undefined && field !== '<nil>',
    );
    if (causes.length === 0) return `${title} is invalid:\n  ${fieldIn(error.said, ours) ?? error.said}`;
    const lines = causes.map(({ field = '', message = '' }) => {
      const remedy = ours.find((one) => one.field === field)?.remedy ?? '';
      return `  ${field}: ${message}${remedy === '' ? '' : `\n    ${remedy}`}`;
    });
    return `${title} is invalid:\n${[...new Set(lines)].join('\n')}`;
  }
  return null;
}

function conflict({ details, said }: ApiError, title: string): string {
  const fields = (details?.causes ?? []).filter(({ reason }) => reason === 'FieldManagerConflict');
  if (fields.length === 0) return `${title}: ${said}`;
  const lines = fields.map(({ field = '', message = '' }) => {
    const manager = /conflict with "([^"]+)"/.exec(message)?.[1] ?? 'another';
    return `  ${field.replace(/^\./, '')}: is set by "${manager}"`;
  });
  return `${title} has fields that others manage:\n${lines.join('\n')}\n    remove them from the manifest, or take them over with --force-conflicts`;
}

/** What the rules that this program knows say about it: they have a remedy for each complaint. */
function ourComplaints(manifest: AnyManifest): readonly FieldError[] {
  try {
    admit(manifest);
    return [];
  } catch (error) {
    // Of another group: nothing is known of it here.
    return error instanceof InvalidObjectError ? error.errors : [];
  }
}

/** `.spec.mod: field not declared in schema` with what was probably meant. */
function fieldIn(said: string, ours: readonly FieldError[]): string | null {
  const field = /\.?([\w.[\]]+): field not declared in schema/.exec(said)?.[1];
  if (field === undefined) return null;
  const known = ours.find((one) => one.field === field);
  return `${field}: there is no such field${known === undefined || known.remedy === '' ? '' : `\n    ${known.remedy}`}`;
}
