// Secrets that an SQL text for Apache Flink refers to. Flink knows no references: a copy of the text that only the JobManager reads has the values in their place.
import {
  describeReference,
  hasMalformedReference,
  replaceReferences,
  secretReferences,
  type SecretReference,
} from '../../../engine/secret-references.ts';
import { statementsOf, tokensOf } from './script.ts';

/** Statements whose options go to connectors and catalogs, and neither into rows nor into Flink's own configuration, which it shows. */
const WITH_OPTIONS =
  /^(?:CREATE|ALTER)\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?(?:SYSTEM\s+)?(?:TABLE|CATALOG|CONNECTION|MODEL)\b/i;

const isComment = (token: string): boolean => token.startsWith('--') || /^\/\*(?!\+)/.test(token);

/** Each once, in the order of the text. Throws RangeError where one stands elsewhere than in the value of an option, or is none by its form. */
export function secretsOfScript(text: string): SecretReference[] {
  if (!text.includes('${secret')) return [];
  const statements = statementsOf(text);
  const found: SecretReference[] = [];
  /** The two tokens before. */
  let [key, equals] = ['', ''];
  for (const { 0: token, index } of tokensOf(text)) {
    if (isComment(token)) continue;
    if (token.includes('${secret')) {
      const statement = statements.find(({ start, end }) => start <= index && index < end);
      const isOption = token.startsWith("'") && key.startsWith("'") && equals === '=';
      if (!isOption || statement === undefined || !WITH_OPTIONS.test(text.slice(statement.start, statement.end)))
        throw new RangeError(
          `spec.job.sql refers to a Secret in line ${lineOf(text, index)}, where it would be part of rows, names or Flink’s configuration: write \${secret:NAME:KEY} into the value of an option, WITH ('password' = '\${secret:NAME:KEY}'), of CREATE TABLE, CATALOG, CONNECTION or MODEL`,
        );
      if (hasMalformedReference(token))
        throw new RangeError(
          `spec.job.sql, line ${lineOf(text, index)}: the option ${key} begins a reference to a Secret that has not the form \${secret:NAME:KEY}: write the name of the Secret and a key of its data`,
        );
      found.push(...secretReferences(token));
    }
    [key, equals] = [equals, token];
  }
  return [...new Map(found.map((reference) => [describeReference(reference), reference])).values()];
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** The text as Flink is to read it: values stand in string literals, quotes in them doubled. Comments keep what they say. */
export function withSecrets(text: string, valueOf: (reference: SecretReference) => string): string {
  const parts: string[] = [];
  let end = 0;
  for (const { 0: token, index } of tokensOf(text)) {
    const own = token.startsWith("'")
      ? replaceReferences(token, (reference) => valueOf(reference).replaceAll("'", "''"))
      : token;
    parts.push(text.slice(end, index), own);
    end = index + token.length;
  }
  return parts.join('') + text.slice(end);
}
