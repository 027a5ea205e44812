// What of a change to SQL on Apache Flink may keep the new version from the state of the running one, said before that is stopped. Flink finds state by the
// operators of its plan, which only a JobManager can make: here the texts are compared, statement by statement. Pure.
import { sqlText, type ResolvedFlowJobSpec } from '../../api/resolved.ts';
import { statementsOf, tokensOf } from './script.ts';

/** So many statements are named; a list of all would hide the remedy. */
const NAMED = 6;

interface Described {
  /** As people call it: `INSERT INTO orders`. */
  name: string;
  /** From 1. */
  line: number;
  /** The text without comments and with one space where there are some. */
  text: string;
}

/** INSERTs are one job with a statement set around them as they are without. */
const SET_AROUND = /^(?:EXECUTE STATEMENT SET BEGIN\s*|BEGIN STATEMENT SET$|END$)/i;

const NAME =
  /^(INSERT\s+(?:INTO|OVERWRITE)|CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?(?:SYSTEM\s+)?(?:TABLE|VIEW|FUNCTION|CATALOG|DATABASE|MODEL)(?:\s+IF\s+NOT\s+EXISTS)?|SET)\s+((?:`[^`]*`|'[^']*'|[^\s(;=`'])+)/i;

function describe(text: string): Described[] {
  return statementsOf(text).flatMap(({ start, end }) => {
    const own = text.slice(start, end);
    const parts = [...tokensOf(own)].filter(({ 0: token }) => !/^(?:--|\/\*(?!\+))/.test(token));
    // Where tokens had a space or a comment between them, one space stays.
    const plain = parts
      .map(({ 0: token, index }, i) => {
        const before = parts[i - 1];
        return (before !== undefined && before.index + before[0].length < index ? ' ' : '') + token;
      })
      .join('')
      .replace(SET_AROUND, '');
    if (plain === '') return [];
    const [, verb, name] = NAME.exec(plain) ?? [];
    return [
      {
        name: verb === undefined ? plain.slice(0, 40) : `${verb.replace(/\s+/g, ' ').toUpperCase()} ${name}`,
        line: text.slice(0, start).split('\n').length,
        text: plain,
      },
    ];
  });
}

/** Of `own` those that `others` has not got. */
const without = (own: readonly Described[], others: readonly Described[]): Described[] => {
  const texts = new Set(others.map(({ text }) => text));
  return own.filter(({ text }) => !texts.has(text));
};

const listed = (names: readonly string[]): string =>
  names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;

/** What differs, in words; null where only comments and spaces do, and where the order of statements does. */
function differences(before: string, after: string): string | null {
  const [old, now] = [describe(before), describe(after)];
  const changed = without(now, old);
  const names = new Set(now.map(({ name }) => name));
  const removed = without(old, now).filter(({ name }) => !names.has(name));
  const parts = [
    ...(changed.length === 0
      ? []
      : [`new or changed: ${listed(changed.map(({ name, line }) => `${name} (line ${line})`))}`]),
    ...(removed.length === 0 ? [] : [`removed: ${listed(removed.map(({ name }) => name))}`]),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

/** For people, with what to do; null where the plan is the same, or no state is to be restored. */
export function stateAtRisk(accepted: ResolvedFlowJobSpec, desired: ResolvedFlowJobSpec): string | null {
  const both = [accepted, desired];
  if (both.some(({ engine, mode, job }) => engine.type !== 'Flink' || mode === 'Batch' || job.sql === undefined))
    return null;
  if (desired.upgrade.strategy === 'Stateless') return null;
  const text = differences(sqlText(accepted), sqlText(desired));
  const [from, to] = both.map(({ engine }) => engine.version);
  const what = [
    ...(text === null ? [] : [`The SQL has ${text}.`]),
    ...(from === to || (text === null && desired.job.sql?.plan === 'Compiled')
      ? []
      : [`Apache Flink ${to} may plan a text otherwise than ${from} did.`]),
  ];
  if (what.length === 0) return null;
  const otherwise =
    desired.upgrade.rollback?.enabled === true
      ? 'the version before goes on from its savepoint'
      : 'the job is Failed, and its savepoint stays';
  return `${what.join(' ')} Apache Flink restores state by the operators of its plan: if one that has state is missing from the new plan, or keeps it in another form, the new version does not start, and ${otherwise}. To start without the old state, set spec.upgrade.strategy to Stateless.`;
}
