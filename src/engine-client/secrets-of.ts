// Which secrets a job's text refers to, so that its processes are given them and no others.
import {
  describeReference,
  secretReferences,
  secretVariable,
  type SecretReference,
} from '../../engine/secret-references.ts';
import { parseScript } from '../../engine/sql/parse.ts';

export { secretVariable };

/** Each once, in the order of the text, which can be planned. */
export function secretsOf(sql: string): SecretReference[] {
  if (!sql.includes('${secret:')) return [];
  const found = parseScript(sql).statements.flatMap((statement) =>
    statement.kind === 'createTable' ? statement.options.flatMap(({ value }) => secretReferences(value)) : [],
  );
  return [...new Map(found.map((reference) => [describeReference(reference), reference])).values()];
}
