// Events for people: `kubectl describe` and `kubectl events` show them. Telling one never fails and never waits: what cannot be written, some time
// later either, is counted and dropped. Equal events become a series that counts; one object that has too much to say is cut short.
import { ApiError, isAlreadyExists, isNotFound } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { apiVersionOf, type KubeObject, type Resource } from './object.ts';
import type { Client } from './rest/client.ts';
import { microTime, type Clock, type Random } from './time.ts';

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

export interface EventToTell {
  regarding: ObjectReference;
  /** The other object that took part: the pod that was made for a job. */
  related?: ObjectReference;
  type: 'Normal' | 'Warning';
  /** What was done, CamelCase: CreatePod. */
  action: string;
  /** Why, CamelCase: Scheduled. */
  reason: string;
  /** For people. What is longer than 1,024 bytes is cut. */
  message: string;
}

interface EventObject extends KubeObject {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  regarding: ObjectReference;
  related?: ObjectReference;
  type: string;
  action: string;
  reason: string;
  note: string;
  series?: { count: number; lastObservedTime: string };
}

export const EVENTS: Resource<EventObject> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export interface EventRecorderOptions {
  client: Pick<Client, 'create' | 'patch'>;
  /** A qualified name: flowjob.dev/operator. */
  controller: string;
  /** The process: its pod's name. */
  instance: string;
  clock: Clock;
  random: Random;
  metrics?: Metrics | undefined;
}

interface Series {
  event: EventToTell;
  /** The Event's name, chosen before it is made: the repeated call is the same call. Null while none is chosen. */
  name: string | null;
  /** Tries in a row that failed. */
  failures: number;
  namespace: string;
  count: number;
  lastAt: number;
  /** What the server knows. */
  written: number;
  cancel: () => void;
}

/** A count is written so long after it changed: what comes in between goes with it. */
const GATHER = 10_000;
/** A series that saw nothing for so long is over. */
const SERIES_ENDS = 360_000;
/** New events that one object may have at once, and how long it takes until it may have one more. */
const BURST = 25;
const REFILL = 60_000;
const MOST_SERIES = 5_000;
/** So often an event is tried to be written that could not be for a reason that may pass. */
const TRIES = 4;
const NOTE_BYTES = 1_024;

export class EventRecorder {
  private readonly options: EventRecorderOptions;
  private readonly series = new Map<string, Series>();
  private readonly budgets = new Map<string, { left: number; at: number }>();
  /** One write at a time, in the order in which things happened. */
  private writing: Promise<void> = Promise.resolve();
  private sequence = 0;

  constructor(options: EventRecorderOptions) {
    this.options = options;
  }

  record(event: EventToTell): void {
    const { clock, metrics } = this.options;
    const note = cut(event.message);
    const { regarding, related } = event;
    const key = JSON.stringify([regarding, related, event.type, event.action, event.reason, note]);
    const known = this.series.get(key);
    if (known !== undefined) {
      known.count++;
      known.lastAt = clock.monotonic();
      return;
    }
    if (this.series.size >= MOST_SERIES) return metrics?.eventDropped?.('too many series');
    if (!this.mayHaveOneMore(regarding)) return metrics?.eventDropped?.('rate limited');
    const series: Series = {
      event: { ...event, message: note },
      name: null,
      failures: 0,
      namespace: regarding.namespace ?? 'default',
      count: 1,
      lastAt: clock.monotonic(),
      written: 0,
      cancel: () => undefined,
    };
    this.series.set(key, series);
    this.write(series);
    this.look(key, series);
  }

  /** Writes the counts that are not written yet. Resolves when that is done or has failed. */
  async close(): Promise<void> {
    for (const series of this.series.values()) {
      series.cancel();
      this.write(series);
    }
    this.series.clear();
    await this.writing;
  }

  /** Every ten seconds for as long as the series lives: is there anything new to write? */
  private look(key: string, series: Series): void {
    const { clock } = this.options;
    series.cancel = clock.after(GATHER, () => {
      this.write(series);
      if (clock.monotonic() - series.lastAt < SERIES_ENDS) this.look(key, series);
      else this.series.delete(key);
    });
  }

  private write(series: Series): void {
    if (series.count === series.written) return;
    this.writing = this.writing.then(async () => {
      if (series.count === series.written) return;
      const count = series.count;
      try {
        if (series.written === 0 || !(await this.raise(series, count))) await this.create(series);
        series.written = count;
        series.failures = 0;
      } catch (error) {
        if (mayPass(error) && ++series.failures < TRIES) return;
        // A new try comes with the next occurrence.
        series.written = count;
        series.failures = 0;
        this.options.metrics?.eventDropped?.((error as { reason?: string }).reason ?? 'error');
      }
    });
  }

  private async create(series: Series): Promise<void> {
    const { client, clock, random, controller, instance } = this.options;
    const { event, namespace } = series;
    const at = microTime(clock.now());
    // Unique among the processes that report on the same object.
    const suffix = `${Math.floor(clock.now()).toString(16)}${Math.floor(random() * 0x10000).toString(16)}`;
    series.name ??= `${event.regarding.name.slice(0, 200)}.${suffix}${(this.sequence++).toString(16)}`;
    const { name } = series;
    const made = client.create(EVENTS, {
      apiVersion: apiVersionOf(EVENTS),
      kind: EVENTS.kind,
      metadata: { namespace, name },
      eventTime: at,
      reportingController: controller,
      reportingInstance: instance,
      regarding: event.regarding,
      ...(event.related === undefined ? {} : { related: event.related }),
      type: event.type,
      action: event.action,
      reason: event.reason,
      note: event.message,
      // The server takes counts from 2 on.
      ...(series.count < 2 ? {} : { series: { count: series.count, lastObservedTime: at } }),
    });
    // The answer of an earlier try was lost.
    await made.catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  }

  /** False when the server has forgotten the event, as it does after an hour. */
  private async raise(series: Series, count: number): Promise<boolean> {
    const { client, clock } = this.options;
    const ref = { namespace: series.namespace, name: series.name! };
    const sinceMs = clock.monotonic() - series.lastAt;
    const merge = { series: { count, lastObservedTime: microTime(clock.now() - sinceMs) } };
    try {
      await client.patch(EVENTS, ref, { merge });
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      series.name = null;
      return false;
    }
  }

  private mayHaveOneMore({ uid, kind, namespace, name }: ObjectReference): boolean {
    const key = uid ?? `${kind}/${namespace}/${name}`;
    const now = this.options.clock.monotonic();
    const before = this.budgets.get(key) ?? { left: BURST, at: now };
    const left = Math.min(BURST, before.left + (now - before.at) / REFILL);
    this.budgets.delete(key);
    this.budgets.set(key, { left: left < 1 ? left : left - 1, at: now });
    if (this.budgets.size > MOST_SERIES) this.budgets.delete(this.budgets.keys().next().value!);
    return left >= 1;
  }
}

/** A connection that broke, or a server that has too much to do: it may be another time. */
const mayPass = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.status >= 500 || error.status === 429;

/** At most 1,024 bytes of UTF-8, no character cut in two. */
function cut(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= NOTE_BYTES) return text;
  let end = NOTE_BYTES - Buffer.byteLength('…');
  // 10xxxxxx: within a character.
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}
