// The files that scripts/generate.ts keeps: their paths in the repository and their texts.
import { stringify } from 'yaml';
import { customResourceDefinition } from './crd.ts';
import { GROUP, KINDS, type Kind } from './group.ts';
import { referencePage } from './reference.ts';

const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** Path of the CRD of a kind, below the repository's root. */
export function crdPath(kind: Kind): string {
  return `crds/${GROUP}_${KINDS[kind].plural}.yaml`;
}

export function generatedFiles(): Record<string, string> {
  return Object.fromEntries(
    KIND_NAMES.flatMap((kind) => [
      [crdPath(kind), `# Generated from src/api by scripts/generate.ts.\n${yamlOf(customResourceDefinition(kind))}`],
      [`helm/flowjob-operator/templates/crds/${KINDS[kind].plural}.yaml`, chartTemplate(kind)],
      [`docs/reference/${KINDS[kind].singular}.md`, referencePage(kind)],
    ]),
  );
}

const yamlOf = (value: object): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** A template and not in Helm's folder crds/, which is never upgraded. Kept at uninstall: with a CRD all its objects would go. */
function chartTemplate(kind: Kind): string {
  const text = yamlOf(customResourceDefinition(kind));
  if (text.includes('{{')) throw new Error(`the CRD of ${kind} holds {{, which Helm would take for its own`);
  const keep = '  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n';
  return `{{- /* Generated from src/api by scripts/generate.ts. */ -}}\n{{- if .Values.crds.install }}\n${text.replace('metadata:\n', `metadata:\n${keep}`)}{{- end }}\n`;
}
