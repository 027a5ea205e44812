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
      [
        crdPath(kind),
        `# Generated from src/api by scripts/generate.ts.\n${stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false })}`,
      ],
      [`docs/reference/${KINDS[kind].singular}.md`, referencePage(kind)],
    ]),
  );
}
