// References to secrets in WITH options, `${secret:NAME:KEY}`: what they look like, and what stands for them while a job runs. The plan, the text, checkpoints
// and savepoints hold the reference; a value is put in its place just before a connector is asked, and cut out of whatever is told to anybody.
import { createHash } from 'node:crypto';

export interface SecretReference {
  /** Of the Secret. */
  name: string;
  /** Among its data. */
  key: string;
}

const REFERENCE = /\$\{secret:(?<name>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?):(?<key>[-_a-zA-Z0-9][-._a-zA-Z0-9]*)\}/g;
const BEGUN = /\$\{secret[:}]/g;

/** Those in the value of an option, in order. */
export function secretReferences(value: string): SecretReference[] {
  return [...value.matchAll(REFERENCE)].map(({ groups }) => ({ name: groups!['name']!, key: groups!['key']! }));
}

/** `text` with what `valueOf` says in the place of each reference. */
export function replaceReferences(text: string, valueOf: (reference: SecretReference) => string): string {
  return text.replace(REFERENCE, (_, name: string, key: string) => valueOf({ name, key }));
}

/** Something begins like a reference and is none. */
export function hasMalformedReference(value: string): boolean {
  return (value.match(BEGUN)?.length ?? 0) > secretReferences(value).length;
}

export const describeReference = ({ name, key }: SecretReference): string => `\${secret:${name}:${key}}`;

/** The environment variable of the engine's processes that holds the value: names of Secrets and keys may hold what variables may not. */
export function secretVariable({ name, key }: SecretReference): string {
  return `FLOWJOB_SECRET_${createHash('sha256').update(`${name}:${key}`).digest('hex').slice(0, 24).toUpperCase()}`;
}

const VARIABLE = /^FLOWJOB_SECRET_[0-9A-F]{24}$/;

/** Shorter values would be found everywhere. */
const SHORTEST = 4;

let values: string[] | undefined;

/** All secrets of this process, longest first, so that one within another leaves nothing behind; as they are, and as JSON writes them. */
function known(): string[] {
  values ??= [
    ...new Set(
      Object.entries(process.env)
        .filter(([variable, value]) => VARIABLE.test(variable) && (value ?? '').length >= SHORTEST)
        .flatMap(([, value]) => [value!, JSON.stringify(value).slice(1, -1)]),
    ),
  ].sort((a, b) => b.length - a.length);
  return values;
}

/** `text` with the secrets of this process masked. */
export function redact(text: string): string {
  return known().reduce((rest, secret) => rest.replaceAll(secret, '******'), text);
}

/** Reads the process's secrets anew: for tests that change its environment. */
export function forgetKnownSecrets(): void {
  values = undefined;
}
