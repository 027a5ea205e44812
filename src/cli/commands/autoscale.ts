// `flowjob autoscale explain`: what the autoscaler saw, how it reckoned, and what it came to; the last decisions; a picture of the last hour.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { PastDecision } from '../../autoscaler/journal.ts';
import type { Decision, KeptCost, Sample } from '../../autoscaler/model.ts';
import { costBy } from '../../autoscaler/money.ts';
import { counted } from '../../autoscaler/words.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { PAUSE_ANNOTATION } from '../../api/group.ts';
import { isAutoscaled } from '../../lifecycle/autoscaled.ts';
import { CommandError, type CliContext } from '../context.ts';
import { autoscalePicture } from '../autoscale-picture.ts';
import { keyIn, type Place } from '../place.ts';
import { age, renderTable } from '../table.ts';
import { existing, parseTarget } from '../targets.ts';

export interface ExplainOptions {
  job: string;
  /** The last decisions, too. */
  history: boolean;
  /** File that a picture is written to. */
  svg: string | undefined;
}

export async function explainAutoscaling(context: CliContext, place: Place, options: ExplainOptions): Promise<void> {
  const name = parseTarget([options.job]).name ?? options.job;
  const job = await existing(place.store, 'FlowJob', keyIn(place, name));
  if (!isAutoscaled(job.spec)) throw new CommandError(`flowjob/${name} is not autoscaled: ${whyNot(job)}.`);
  const journal = await place.autoscaling(job);
  if (journal?.last === null || journal?.last === undefined)
    throw new CommandError(`nothing is known of flowjob/${name} yet: ${place.idleness() ?? whyUnknown(job)}.`);
  const { sample, decision, withheld, cost } = journal.last;
  const recommends = job.spec.autoscaling?.mode === 'Recommend';
  const currency = job.spec.autoscaling?.prices?.currency ?? cost?.currency;
  const lines = [...decisionLines(decision, withheld, { recommends, currency, now: context.now() })];
  const { held } = job.status?.autoscaling ?? {};
  if (held !== undefined && held.reason !== decision.reason) lines.push(`  ${held.reason}: ${held.message}`);
  if (cost !== null) lines.push(costLine(cost, decision.at));
  if (sample !== null) lines.push('', ...sampleLines(sample));
  lines.push('', ...arithmeticLines(decision));
  if (options.history) lines.push('', ...historyLines(journal.decisions, context.now()));
  context.out(lines.join('\n'));
  if (options.svg === undefined) return;
  try {
    writeFileSync(resolve(context.cwd, options.svg), autoscalePicture(name, journal.points));
  } catch (error) {
    throw new CommandError(
      `--svg ${options.svg}: the file cannot be written (${(error as Error).message}); name another one.`,
    );
  }
  context.out(
    `\n${options.svg} shows load, capacity, backlog, lag and parallelism of the last ${journal.points.length} looks.`,
  );
}

const whyNot = ({ spec }: FlowJob): string =>
  spec.mode === 'Batch'
    ? 'it is a batch job, and the size of streams alone follows their load'
    : 'set spec.autoscaling.enabled to true';

function whyUnknown({ metadata, status }: FlowJob): string {
  if (metadata.annotations?.[PAUSE_ANNOTATION] === 'true')
    return `it is left alone while its annotation ${PAUSE_ANNOTATION} is "true"`;
  const { state } = status ?? {};
  return state === 'Running'
    ? 'the autoscaler looks at jobs that run every 10 s; try again in a moment'
    : `the autoscaler looks at jobs that run, and this one is ${state ?? 'new'}`;
}

function decisionLines(
  decision: Decision,
  withheld: string | null,
  { recommends, currency, now }: { recommends: boolean; currency: string | undefined; now: Date },
): string[] {
  const { action, reason, message, taskManagers, costPerHour, notices, unknown } = decision;
  const what =
    action === 'Hold' || taskManagers === null ? action : `${action} to ${counted(taskManagers, 'TaskManager')}`;
  return [
    `${what} (${reason}), ${age(new Date(decision.at), now)} ago${recommends ? ', as a recommendation' : ''}`,
    `  ${message}`,
    ...(withheld === null ? [] : [`  ${withheld}`]),
    ...(costPerHour === null
      ? []
      : [`  In that size it costs ${[costPerHour.toFixed(3), currency ?? []].flat().join(' ')} an hour.`]),
    ...notices.map((notice) => `  ${notice.kind} of ${notice.subject}: ${notice.message}`),
    ...unknown.map(({ subject, metric, why }) => `  unknown: ${metric} of ${subject}: ${why}`),
  ];
}

/** What runs costs, not what was decided: that is yet to come, or a recommendation. */
function costLine(cost: KeptCost, at: number): string {
  const { since, currency, perHour } = cost;
  const day = new Date(since).toISOString().slice(0, 16).replace('T', ' ');
  return `  The job has cost ${costBy(cost, at).toFixed(3)} ${currency} since ${day} UTC, and what runs costs ${perHour.toFixed(3)} ${currency} an hour.`;
}

const figure = (value: number | null): string =>
  value === null ? '?' : Number.isInteger(value) ? String(value) : value.toPrecision(4);

function sampleLines({ vertices, run, rescales }: Sample): string[] {
  const mean = (values: (number | null)[]): number | null =>
    values.length === 0 || values.includes(null)
      ? null
      : Math.round(values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length);
  const rows = vertices.map((vertex) => [
    vertex.name,
    String(vertex.parallelism),
    figure(mean(vertex.subtasks.map(({ busy }) => busy))),
    figure(mean(vertex.subtasks.map(({ backPressured }) => backPressured))),
    figure(mean(vertex.subtasks.map(({ idle }) => idle))),
    figure(vertex.recordsIn),
    figure(vertex.recordsOut),
    vertex.inputs.length > 0 ? '' : figure(vertex.pendingRecords),
  ]);
  const headers = ['VERTEX', 'SUBTASKS', 'BUSY MS/S', 'HELD BACK MS/S', 'IDLE MS/S', 'RECORDS IN', 'OUT', 'WAITING'];
  return [
    `Seen of run ${run ?? '?'}, after ${counted(rescales, 'rescale')} (? is not known):`,
    renderTable(headers, rows),
  ];
}

function arithmeticLines({ terms }: Decision): string[] {
  if (terms.length === 0) return ['Reckoned: nothing yet.'];
  const rows = terms.map(({ subject, quantity, formula, value, unit }) => [
    subject,
    quantity,
    formula,
    `${figure(value)}${unit === '' ? '' : ` ${value === 1 ? unit.replace(/^(subtask)s$/, '$1') : unit}`}`,
  ]);
  return ['Reckoned:', renderTable(['OF', 'WHAT', 'HOW', 'IS'], rows)];
}

function historyLines(decisions: readonly PastDecision[], now: Date): string[] {
  if (decisions.length === 0) return ['Decisions: see the events of the job.'];
  const rows = decisions.map(({ at, action, reason, taskManagers, parallelism, withheld, message }) => [
    age(new Date(at), now),
    action,
    reason,
    figure(taskManagers),
    figure(parallelism),
    withheld ?? message,
  ]);
  return ['Decisions:', renderTable(['AGE', 'ACTION', 'REASON', 'TASKMANAGERS', 'PARALLELISM', 'WHY'], rows)];
}
