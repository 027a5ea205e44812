// What the API server dropped of a status that was written.
//
// It prunes fields that the CustomResourceDefinition does not know, and answers 200. The status is the operator's write-ahead log: acting on what was not
// kept would begin the same step again in each pass, for ever. Happens where the operator is newer than the definitions, which helm leaves alone with
// `crds.install: false`.
import { GROUP, KINDS, type Kind } from '../../api/group.ts';

/** The path of the first field that was sent and not kept, below `path`; null when all are there. Only names count: values may be written in another form. */
export function prunedField(sent: unknown, kept: unknown, path: string): string | null {
  if (typeof sent !== 'object' || sent === null) return null;
  for (const [name, value] of Object.entries(sent)) {
    if (value === undefined || value === null) continue;
    const inner = Array.isArray(sent) ? `${path}[${name}]` : `${path}.${name}`;
    const there = (kept as Record<string, unknown> | null | undefined)?.[name];
    if (there === undefined) return inner;
    const lower = prunedField(value, there, inner);
    if (lower !== null) return lower;
  }
  return null;
}

export class OutdatedDefinitionError extends Error {
  constructor(kind: Kind, field: string) {
    super(
      `${field} was dropped by the API server: the CustomResourceDefinition ${KINDS[kind].plural}.${GROUP} is older than this operator -> apply crds/ of the operator's version; helm upgrade does it unless crds.install is false`,
    );
    this.name = 'OutdatedDefinitionError';
  }
}
