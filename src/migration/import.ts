// Objects of apache/flink-kubernetes-operator into manifests of FlowJob, with an account of each value. Pure: what is read and written is the caller's.
import { admit, InvalidObjectError } from '../api/admission.ts';
import type { FieldError } from '../api/schema-check.ts';
import { Account } from './account.ts';
import { currentKey } from './keys.ts';
import { pathText, valueAt, type Json } from './leaves.ts';
import { isCanary, kindOf, nameOf, type Given } from './objects.ts';
import type { LeftAlone, Manifest, SourceKind } from './rules.ts';
import { leftToItsJobs, sessionOf } from './session.ts';
import { Settings } from './settings.ts';
import { leftAlone } from './snapshot-fields.ts';
import { translate } from './translate.ts';

export interface Imported {
  source: string;
  kind: SourceKind;
  name: string;
  /** One that the API server takes. Null: nothing is made of the object, for `errors`, or for what the account says. */
  manifest: Manifest | null;
  account: Account;
  errors: FieldError[];
}

/** All of the objects, which see each other: a job of a session has the settings of its session. */
export function importObjects(given: readonly Given[]): Imported[] {
  const taken = new Map<string, Imported>();
  return given.map((one) => {
    const imported = importObject(one, given);
    const { manifest } = imported;
    if (manifest === null) return imported;
    const { kind, metadata } = manifest;
    const key = JSON.stringify([kind, metadata.namespace ?? '', metadata.name]);
    const before = taken.get(key);
    taken.set(key, before ?? imported);
    return before === undefined ? imported : refused(imported, [duplicate(metadata.name, kind, before)]);
  });
}

function importObject({ source, object }: Given, given: readonly Given[]): Imported {
  const account = new Account();
  const kind = kindOf(object);
  const nothing = { source, kind, name: nameOf(object), manifest: null, account, errors: [] };
  const left = becomesNothing(object, given);
  if (left !== null) {
    tellOfWhole(object, account, left);
    return nothing;
  }
  const session = kind === 'FlinkSessionJob' ? sessionOf(object, given) : null;
  if (session !== null && 'problem' in session) {
    tellOfWhole(object, account, { reason: 'is not imported without its session', done: true });
    return refused(nothing, [session]);
  }
  const configuration = ['spec', 'flinkConfiguration'];
  const inherited = session === null ? null : new Settings(valueAt(session.object, configuration), currentKey);
  const settings = new Settings(valueAt(object, configuration), currentKey, inherited);
  const { manifest, errors } = translate({ object, settings, account, session });
  const all = errors.length > 0 ? errors : refusals(manifest, account);
  return all.length > 0 ? refused(nothing, all) : { ...nothing, manifest };
}

function becomesNothing(object: Json, given: readonly Given[]): LeftAlone | null {
  if (isCanary(object)) return { reason: 'is a canary of the other operator, which runs nothing', done: true };
  return kindOf(object) === 'FlinkStateSnapshot' ? leftAlone(object) : leftToItsJobs(object, given);
}

function tellOfWhole(object: Json, account: Account, { reason, done }: LeftAlone): void {
  for (const field of Object.keys(object))
    if (done || field === 'spec') account.remark([field], done ? 'NothingToDo' : 'ToDo', reason);
    else account.remark([field], 'NothingToDo', 'stays with the object, of which nothing is made');
}

const refused = (one: Imported, errors: FieldError[]): Imported => ({ ...one, manifest: null, errors });

/** What the API server would not take of `manifest`, and where that comes from. */
function refusals(manifest: Manifest, account: Account): FieldError[] {
  try {
    admit(manifest);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidObjectError)) throw error;
    return error.errors.map((one) => {
      const from = account.sourcesOf(one.field).map(pathText);
      return from.length === 0 ? one : { ...one, problem: `${one.problem} (from ${from.join(', ')})` };
    });
  }
}

/** A deployment and a job of a session may have one name there; as FlowJobs they cannot. */
function duplicate(name: string, kind: string, before: Imported): FieldError {
  return {
    field: 'metadata.name',
    value: name,
    problem: `Duplicate value: "${name}": ${before.kind} "${before.name}" of ${before.source} becomes the ${kind} of this name`,
    remedy: 'rename one of the two, or import them one by one',
  };
}
