// What an import says: the manifests as YAML, each under a comment of what did not go along, and the same list for people.
import { stringify } from 'yaml';
import { describeFieldError } from '../api/admission.ts';
import type { Entry, Weight } from './account.ts';
import type { Imported } from './import.ts';
import { pathText } from './leaves.ts';

const HEADINGS: Readonly<Record<Weight, string>> = { ToDo: 'to do:', NothingToDo: 'nothing to do:' };

/** Lines about one object: what it becomes, why it is refused, then what is to be done, then what need not be. */
export function listOf({ kind, name, source, manifest, account, errors }: Imported): string[] {
  const becomes = manifest === null ? 'becomes nothing' : `becomes ${manifest.kind} "${manifest.metadata.name}"`;
  return [
    `${errors.length === 0 ? '' : 'error: '}${kind} "${name}" of ${source} ${becomes}`,
    ...(errors.length === 0 ? [] : ['  to be corrected first:']),
    ...errors.flatMap((error) =>
      describeFieldError(error)
        .split('\n')
        .map((line) => `  ${line}`),
    ),
    // What else is to be done is told once these are corrected.
    ...(errors.length > 0 ? [] : (['ToDo', 'NothingToDo'] as const)).flatMap((weight) => {
      const lines = remarks(account.entries, weight);
      return lines.length === 0 ? [] : [`  ${HEADINGS[weight]}`, ...lines.map((line) => `    ${line}`)];
    }),
  ];
}

/** One line for all that the same is said of, in the order of the account. */
function remarks(entries: readonly Entry[], weight: Weight): string[] {
  const fields = new Map<string, string[]>();
  for (const { path, remarks: said } of entries)
    for (const { text } of said.filter((remark) => remark.weight === weight)) {
      const line = text.replace(/\.$/, '');
      fields.set(line, [...(fields.get(line) ?? []), pathText(path)]);
    }
  return [...fields].map(([text, names]) => `${names.join(', ')}: ${text}`);
}

/** Manifests one after another, in the order of the input. */
export function yamlOf(imported: readonly Imported[]): string {
  return imported
    .filter(({ manifest }) => manifest !== null)
    .map(
      (one) => `${commentOf(listOf(one))}\n${stringify(one.manifest, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    )
    .join('---\n');
}

// A name of the input may hold a line break, behind which its text would be a manifest.
const commentOf = (lines: readonly string[]): string =>
  lines.map((line) => `# ${line.replace(/[\r\n\u0085\u2028\u2029]+/g, ' ')}`).join('\n');

/** How many there are of what, and how much is to do. */
export function summaryOf(imported: readonly Imported[]): string {
  const kinds = imported.flatMap(({ manifest }) => (manifest === null ? [] : [manifest.kind]));
  const counts = [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`);
  const toDo = imported
    .filter(({ errors }) => errors.length === 0)
    .flatMap(({ account }) => remarks(account.entries, 'ToDo')).length;
  const refused = imported.filter(({ errors }) => errors.length > 0).length;
  const made = counts.length === 0 ? 'nothing' : counts.join(', ');
  return `${made}; ${refused === 0 ? '' : `${refused} not imported; `}${toDo} to do`;
}
