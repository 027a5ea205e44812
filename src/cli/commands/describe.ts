// `flowjob describe`: one object for people: spec and status as an indented tree, conditions and events as tables.
import type { FlowEvent } from '../../api/event.ts';
import type { Condition } from '../../api/object.ts';
import type { AnyObject } from '../../store/port.ts';
import { CommandError, type CliContext } from '../context.ts';
import { keyIn, type Place } from '../place.ts';
import { checkpointLines } from '../checkpoint-lines.ts';
import { age, renderTable } from '../table.ts';
import { existing, parseTarget } from '../targets.ts';
import { withoutBookkeeping } from './get.ts';

export async function describe(context: CliContext, place: Place, words: readonly string[]): Promise<void> {
  const { kind, name } = parseTarget(words);
  if (name === null) throw new CommandError('say which one: flowjob describe NAME');
  const found = await existing(place.store, kind, keyIn(place, name));
  const events = await place.store.listEvents({ kind, ...keyIn(place, name) });
  const ours = events.filter((event) => event.regarding.uid === found.metadata.uid);
  const checkpoints = found.kind === 'FlowJob' ? await place.checkpoints(found) : null;
  const stale = place.staleness();
  if (stale !== null) context.err(stale);
  context.out(render(withoutBookkeeping(found), { events: ours, checkpoints, now: context.now() }));
}

interface Beside {
  events: readonly FlowEvent[];
  checkpoints: Awaited<ReturnType<Place['checkpoints']>>;
  now: Date;
}

function render(object: AnyObject, { events, checkpoints, now }: Beside): string {
  const { metadata, spec } = object;
  const { conditions = [], ...status } = withoutRepetition(object);
  return [
    ...tree({
      name: metadata.name,
      namespace: metadata.namespace,
      labels: metadata.labels ?? '<none>',
      annotations: metadata.annotations ?? '<none>',
      kind: object.kind,
      created: `${metadata.creationTimestamp} (${age(new Date(metadata.creationTimestamp), now)} ago)`,
      ...(metadata.deletionTimestamp === undefined ? {} : { deleted: metadata.deletionTimestamp }),
      generation: metadata.generation,
      spec,
      status,
    }),
    'Conditions:',
    indent(conditionTable(conditions)),
    ...(checkpoints === null ? [] : checkpointLines(checkpoints, now)),
    events.length === 0 ? 'Events: <none>' : `Events:\n${indent(eventTable(events, now))}`,
  ].join('\n');
}

/**
 * The status without what stands in the spec already: the accepted version, or as long as another one runs its SQL where that is the same. Of the version before
 * only which one it is.
 */
function withoutRepetition(object: AnyObject): Record<string, unknown> & { conditions?: Condition[] } {
  if (object.kind !== 'FlowJob' || object.status?.accepted === undefined) return { ...object.status };
  const { metadata, spec } = object;
  const { previous, ...rest } = object.status;
  const status = previous === undefined ? rest : { ...rest, previous: { generation: previous.generation } };
  const { spec: accepted, ...version } = object.status.accepted;
  if (version.generation === metadata.generation) return { ...status, accepted: version };
  if (accepted.job.sql === undefined || accepted.job.sql.inline !== spec.job.sql?.inline) return { ...status };
  const sql = { inline: '<as in spec>' };
  return { ...status, accepted: { ...version, spec: { ...accepted, job: { ...accepted.job, sql } } } };
}

function conditionTable(conditions: readonly Condition[]): string {
  return renderTable(
    ['TYPE', 'STATUS', 'REASON', 'MESSAGE'],
    conditions.map(({ type, status, reason, message }) => [type, status, reason, oneLine(message)]),
  );
}

function eventTable(events: readonly FlowEvent[], now: Date): string {
  return renderTable(
    ['TYPE', 'REASON', 'AGE', 'MESSAGE'],
    events.map((event) => {
      const last = age(new Date(event.lastTimestamp), now);
      const since = event.count > 1 ? ` (x${event.count} over ${age(new Date(event.firstTimestamp), now)})` : '';
      return [event.type, event.reason, `${last}${since}`, oneLine(event.message)];
    }),
  );
}

/** A line that ends without a mark gets a full stop: what comes next is another sentence. */
const oneLine = (text: string): string =>
  text.replaceAll(/([^.,:;!?\s])?\s*\n\s*/g, (_, last?: string) => (last === undefined ? ' ' : `${last}. `));
const indent = (text: string): string => text.replaceAll(/^/gm, '  ');

/** `Task Manager:` and its fields below, two spaces deeper. A text of several lines stands below its name too. */
function tree(fields: Record<string, unknown>, depth = 0, titled = true): string[] {
  const space = '  '.repeat(depth);
  return Object.entries(fields).flatMap(([name, value]) => {
    const label = `${space}${titled ? title(name) : name}:`;
    if (value === undefined || value === null) return [];
    if (typeof value === 'object') {
      const inner = tree(value as Record<string, unknown>, depth + 1, titled && !NAMED_BY_USERS.has(name));
      return inner.length === 0 ? [`${label} <none>`] : [label, ...inner];
    }
    const text = scalarText(value);
    if (!text.includes('\n')) return [`${label} ${text}`];
    return [
      label,
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => `${space}  ${line}`.trimEnd()),
    ];
  });
}

const scalarText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Fields whose keys are not fields: they are shown as they are. */
const NAMED_BY_USERS: ReadonlySet<string> = new Set(['labels', 'annotations', 'nodeSelector', 'matchLabels']);

/** `taskManager` -> `Task Manager`. */
function title(name: string): string {
  if (name === 'sql') return 'SQL';
  return name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replace(/^./, (first) => first.toUpperCase());
}
