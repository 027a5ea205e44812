// Looks at the jobs that are autoscaled, every few seconds, and has it decided what size they shall have. Beside the passes: none waits for it. What was
// decided is told to the next pass, which writes it to status before it is acted on; what was learned outlives the process (learned.ts).
import { closedForGood } from '../../autoscaler/bounds.ts';
import { decide } from '../../autoscaler/decide.ts';
import { emptyHistory } from '../../autoscaler/defaults.ts';
import type { Decision, DecideResult, History, Kept, KeptCost, Notice, Sample } from '../../autoscaler/model.ts';
import { billed, costBy, taskManagerPerHour } from '../../autoscaler/money.ts';
import { whoseTurn } from '../../autoscaler/turns.ts';
import type { EventInput } from '../../api/event.ts';
import type { EventReason } from '../../api/events.ts';
import type { FlowJob } from '../../api/flowjob.ts';
import { idOf, type ObjectKey } from '../../api/object.ts';
import type { Attempt } from '../../api/status.ts';
import { windowTrouble } from '../../api/windows.ts';
import { EngineClient } from '../../engine-client/engine-client.ts';
import { sleep, type Clock } from '../../kube/time.ts';
import { isAutoscaled } from '../../lifecycle/autoscaled.ts';
import type { AutoscalerView } from '../../lifecycle/observation.ts';
import type { Runtime } from '../../runtime/port.ts';
import { configOf } from './config.ts';
import { appliesIn, viewOf } from './decision-view.ts';
import { Lanes } from './lanes.ts';
import { Learned, type LearnedStore } from './learned.ts';
import { readSample } from './read-sample.ts';
import { isRescale, isToBeLookedAt, isUnderWay, rescalesUnderWay } from './under-way.ts';

/** One look, for people who ask why. */
export interface Looked {
  sample: Sample | null;
  decision: Decision;
  /** Why it was not handed on although it was to be acted on; null: it was, or was not to be. */
  withheld: string | null;
  /** What the job has cost and costs; null: there were never prices. */
  cost: KeptCost | null;
}

export interface AutoscalerOptions {
  jobs: () => readonly FlowJob[] | Promise<readonly FlowJob[]>;
  runtime: Pick<Runtime, 'connection' | 'ended'>;
  clock: Clock;
  /** A pass over the job is due. */
  wake: (key: ObjectKey) => void;
  /** Is told of each look. */
  record: (job: FlowJob, looked: Looked) => void | Promise<void>;
  /** Where it is kept what was learned. */
  learned: LearnedStore;
  /** Is told of what people should know, once when it begins. */
  tell: (event: EventInput & { reason: EventReason }) => void | Promise<void>;
  /** `job`: null where all of them are concerned. */
  onTrouble: (error: unknown, job: ObjectKey | null) => void;
}

export interface AutoscalingFigures {
  decisions: readonly { action: Decision['action']; reason: Decision['reason']; count: number }[];
  /** `total`: since it has been reckoned, by whichever operators; `perHour`: of the TaskManagers that run. Null: there have never been prices. */
  cost: { total: number; perHour: number; currency: string } | null;
}

interface Known {
  /** Null: it is not known yet what was learned of the job. */
  history: History | null;
  /** It was looked at: `view` says something. */
  looked: boolean;
  /** Of the spec that was looked at last. */
  generation: number;
  view: AutoscalerView;
  lookAt: number;
  /** When it was looked at last. */
  lookedAt: number;
  /** Since when nothing is known of it; a moment of that is no news. */
  unknownSince: number | null;
  /** The configuration that runs, and since when all of its tasks do. */
  running: { configuration: string; since: number } | null;
  /** TaskManagers of the run that were killed for their memory; pods do not stay on record for good. */
  killed: { run: string; which: Set<string>; before: number };
  decisions: Map<string, AutoscalingFigures['decisions'][number]>;
  /** Since when it has been waiting for its turn to be rescaled. */
  askingSince: number | null;
  /** When a rescaling was handed on that has not been seen in its status nor in a reading. */
  handedOnAt: number | null;
}

/** A look whose decision has not been handed on. */
interface Decided {
  job: FlowJob;
  known: Known;
  sample: Sample | null;
  result: DecideResult;
  now: number;
}

/** Milliseconds between rounds over the jobs; each says itself when it is due. */
const ROUND = 2_000;
/** Rescalings that go on in one namespace at a time: each takes nodes and the time of the API server. */
export const RESCALES_AT_ONCE = 3;
const TOLD_AFTER = 60_000;
const LOOK_TIMEOUT = 5_000;
/** A rescaling that was handed on and has not begun by then is not coming. */
const COMING = 60_000;

export class Autoscaler {
  private readonly options: AutoscalerOptions;
  /** By uid of the FlowJob. In memory alone but for what is kept of it: whoever comes next measures anew, and keeps to what stands in status until then. */
  private readonly known = new Map<string, Known>();
  private readonly learned: Learned;
  private readonly looks: Lanes;
  /** Not handed on yet: of this round, or of looks that took longer than theirs. By uid. */
  private readonly decided = new Map<string, Decided>();

  constructor(options: AutoscalerOptions) {
    this.options = options;
    const { learned: store, clock, onTrouble } = options;
    this.learned = new Learned({ store, clock, onTrouble });
    this.looks = new Lanes(clock);
  }

  of(uid: string): AutoscalerView | undefined {
    const known = this.known.get(uid);
    return known?.looked === true ? known.view : undefined;
  }

  /** For metrics: how many decisions there were, by action and reason, and what the job costs. */
  figures(uid: string): AutoscalingFigures {
    const known = this.known.get(uid);
    const cost = known?.history?.kept.cost ?? null;
    return {
      decisions: [...(known?.decisions.values() ?? [])],
      cost: cost && {
        total: costBy(cost, this.options.clock.now()),
        perHour: cost.perHour,
        currency: cost.currency,
      },
    };
  }

  /** Writes down what was learned and is not written yet. Resolves when that is done or has failed; call it when nothing runs any more. */
  async close(): Promise<void> {
    await this.looks.allDone();
    await this.learned.close();
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.round(signal).catch((error: unknown) => this.options.onTrouble(error, null));
      await sleep(this.options.clock, ROUND, signal).catch(() => undefined);
    }
  }

  /** Looks at each job that is due, and waits for none that takes long: what comes of that is handed on in a later round. */
  async round(signal: AbortSignal): Promise<void> {
    const jobs = await this.options.jobs();
    const scaled = jobs.filter(({ spec, metadata }) => isAutoscaled(spec) && metadata.deletionTimestamp === undefined);
    this.forgetAllBut(scaled, jobs);
    const now = this.options.clock.now();
    for (const job of scaled) this.startLook(job, now, signal);
    await this.quickOnesDone(signal);
    if (signal.aborted) return;
    const present = new Map(scaled.map((job) => [job.metadata.uid, job]));
    const decided = [...this.decided.values()].flatMap((one) => this.stillTrue(one, present) ?? []);
    this.decided.clear();
    const turns = this.turns(
      decided,
      rescalesUnderWay(jobs, this.options.clock.now(), (job) => this.isComing(job)),
    );
    for (const one of decided) await this.handOn(one, turns).catch((error: unknown) => this.failed(one.job, error));
  }

  /** Does what can be done about a job without asking anybody, and starts what cannot; unless that is under way. */
  private startLook(job: FlowJob, now: number, signal: AbortSignal): void {
    const { uid } = job.metadata;
    const known = this.known.get(uid) ?? begin(job);
    this.known.set(uid, known);
    this.bill(job);
    const isDue = known.history === null ? now >= known.lookAt : isToBeLookedAt(job, now) && this.isDue(job);
    if (!isDue || this.looks.has(uid) || this.decided.has(uid)) return;
    this.looks.start(uid, () =>
      this.recallAndLook(job, known, signal).catch((error: unknown) => this.failed(job, error)),
    );
  }

  private async recallAndLook(job: FlowJob, known: Known, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.recall(job, known);
    if (known.history === null || this.known.get(job.metadata.uid) !== known) return;
    this.bill(job);
    if (!isToBeLookedAt(job, this.options.clock.now()) || !this.isDue(job)) return;
    this.decided.set(job.metadata.uid, await this.look(job, known, signal));
  }

  /** For as long as a round may last at most. */
  private async quickOnesDone(signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const end = AbortSignal.any([signal, done.signal]);
    const patience = sleep(this.options.clock, ROUND, end).catch(() => undefined);
    await Promise.race([this.looks.quickOnesDone(), patience]);
    done.abort();
  }

  /** A look may have taken long: what it is of must be there as it was. Null: it has changed, and is looked at anew. */
  private stillTrue(one: Decided, jobs: ReadonlyMap<string, FlowJob>): Decided | null {
    const { uid, generation } = one.job.metadata;
    const job = jobs.get(uid);
    const isSame = job?.metadata.generation === generation && this.known.get(uid) === one.known;
    return isSame && isToBeLookedAt(job, this.options.clock.now()) ? { ...one, job } : null;
  }

  /** It was told to rescale, and nothing of that is to be seen yet. */
  private isComing({ metadata, status }: FlowJob): boolean {
    const at = this.known.get(metadata.uid)?.handedOnAt ?? null;
    if (at === null || Math.abs(this.options.clock.now() - at) >= COMING) return false;
    return status?.scaling === undefined || Date.parse(status.scaling.since) < at;
  }

  /** Of a job that is only switched off it is kept what was learned; it costs nothing that would be reckoned here. */
  private forgetAllBut(scaled: readonly FlowJob[], jobs: readonly FlowJob[]): void {
    const uids = new Set(scaled.map(({ metadata }) => metadata.uid));
    for (const [uid, { history }] of this.known) {
      if (uids.has(uid)) continue;
      const job = jobs.find(({ metadata }) => metadata.uid === uid);
      if (job !== undefined && job.metadata.deletionTimestamp === undefined && history !== null) {
        const cost = billed(history.kept.cost, null, '', this.options.clock.now());
        this.learned.note(job, { ...history.kept, cost }, { decided: true });
      }
      this.learned.forget(uid);
      this.looks.forget(uid);
      this.known.delete(uid);
    }
  }

  /** Before anything else is done about it. What cannot be read is read later, and not written over. */
  private async recall(job: FlowJob, known: Known): Promise<void> {
    if (known.history !== null) return;
    known.history = emptyHistory(await this.learned.recall(job));
    if (!this.known.has(job.metadata.uid)) this.learned.forget(job.metadata.uid);
  }

  /** What runs is paid for, whether the job is looked at or not. */
  private bill(job: FlowJob): void {
    const known = this.known.get(job.metadata.uid);
    const { prices } = job.spec.autoscaling ?? {};
    if (known === undefined || known.history === null) return;
    const { kept } = known.history;
    if (prices === undefined && kept.cost === null) return;
    const each = taskManagerPerHour(configOf(job.spec));
    const run = job.status?.taskManager?.replicas ?? 0;
    const cost = billed(kept.cost, each === null ? null : each * run, prices?.currency ?? '', this.options.clock.now());
    if (cost === kept.cost) return;
    known.history = { ...known.history, kept: { ...kept, cost } };
    this.learned.note(job, known.history.kept, { decided: false });
  }

  private isDue({ metadata }: FlowJob): boolean {
    const known = this.known.get(metadata.uid);
    if (known === undefined || known.history === null) return false;
    const now = this.options.clock.now();
    // An edit may be about what is waited for, and a clock that was set back makes the wait longer than it was meant to be.
    return known.generation !== metadata.generation || now >= known.lookAt || now < known.lookedAt;
  }

  private async look(job: FlowJob, known: Known, signal: AbortSignal): Promise<Decided> {
    const now = this.options.clock.now();
    const history = withStop(job, known, now);
    known.lookedAt = now;
    known.generation = job.metadata.generation;
    known.looked = true;
    const sample = await this.sample(job, known, history.kept, now, signal);
    const result = decide({ config: configOf(job.spec), history, sample, now });
    return { job, known, sample, result, now };
  }

  /** Ids of the jobs that may be rescaled now, of those that are to be. */
  private turns(decided: readonly Decided[], underWay: ReadonlyMap<string, number>): ReadonlySet<string> {
    const asking = decided.filter(({ result }) => isRescale(result.decision));
    for (const { known, now } of asking) known.askingSince ??= now;
    const namespaces = new Set(asking.map(({ job }) => job.metadata.namespace));
    const now = this.options.clock.now();
    return new Set(
      [...namespaces].flatMap((namespace) => {
        const requests = asking
          .filter(({ job }) => job.metadata.namespace === namespace)
          .map(({ job, known, result }) => ({
            key: idOf(job.metadata),
            decision: result.decision,
            since: known.askingSince ?? now,
          }));
        return whoseTurn(requests, underWay.get(namespace) ?? 0, RESCALES_AT_ONCE, now);
      }),
    );
  }

  private async handOn({ job, known, sample, result, now }: Decided, turns: ReadonlySet<string>): Promise<void> {
    const waits = isRescale(result.decision) && !turns.has(idOf(job.metadata));
    const withheld = waits
      ? `${RESCALES_AT_ONCE} jobs of namespace ${job.metadata.namespace} are rescaled at a time: it waits for its turn.`
      : isUnderWay(job, result.decision)
        ? 'That size was decided on before, and the job has not come to it yet.'
        : null;
    if (!waits) known.askingSince = null;
    if (withheld === null && isRescale(result.decision)) known.handedOnAt = now;
    else if (result.history.kept.asked === null) known.handedOnAt = null;
    const kept = this.accept(job, known, result, withheld, now);
    this.learned.note(job, kept, { decided: withheld === null && result.decision.act });
    // What was not handed on comes again, and what is said of it too.
    if (withheld === null) await this.tellOf(job, result.begun);
    await this.options.record(job, { sample, decision: result.decision, withheld, cost: kept.cost });
  }

  /** An event that cannot be recorded keeps nothing from being done. */
  private async tellOf({ kind, metadata }: FlowJob, notices: readonly Notice[]): Promise<void> {
    const { namespace, name, uid } = metadata;
    for (const { kind: reason, message } of notices)
      try {
        await this.options.tell({
          regarding: { kind, namespace, name, uid },
          type: reason === 'AheadOfLoad' ? 'Normal' : 'Warning',
          reason,
          message,
        });
      } catch (error) {
        this.options.onTrouble(error, metadata);
      }
  }

  /** What cannot be reckoned with, such as a time zone that nobody knows, is told like everything that holds the size. */
  private failed(job: FlowJob, error: unknown): void {
    this.options.onTrouble(error, job.metadata);
    const known = this.known.get(job.metadata.uid);
    if (known === undefined) return;
    known.lookAt = this.options.clock.now() + TOLD_AFTER;
    const held = { reason: 'AutoscalerError', message: error instanceof Error ? error.message : String(error) };
    const isNews = known.view.held?.message !== held.message;
    known.view = { ...known.view, held };
    if (isNews) this.options.wake(job.metadata);
  }

  private async sample(
    job: FlowJob,
    known: Known,
    kept: Kept,
    now: number,
    ending: AbortSignal,
  ): Promise<Sample | null> {
    const { attempt, state } = job.status ?? {};
    if (state !== 'Running' || attempt === undefined) return null;
    const connection = await this.options.runtime.connection(job.metadata, attempt);
    if (connection === null) return null;
    const signal = AbortSignal.any([ending, AbortSignal.timeout(LOOK_TIMEOUT)]);
    const client = new EngineClient({ ...connection, signal });
    const read = await readSample(
      client,
      attempt.jobId,
      now,
      (job.status?.accepted?.spec ?? job.spec).engine.type,
    ).catch(() => null);
    if (read === null) return null;
    const { sample, running, restarts } = read;
    const configuration = `${attempt.epoch}/${sample.rescales}/${restarts}`;
    if (!running) known.running = null;
    else if (known.running?.configuration !== configuration) known.running = { configuration, since: now };
    const outOfMemoryKills = this.kills(job, known, kept, attempt);
    return { ...sample, runningSince: known.running?.since ?? null, outOfMemoryKills };
  }

  /** A killed one has been replaced long before the next look; those of attempts before had what the spec said then. */
  private kills({ metadata }: FlowJob, known: Known, { memory }: Kept, attempt: Attempt): number {
    const { jobId: run, epoch } = attempt;
    const isNew = known.killed.run !== run;
    if (isNew) known.killed = { run, which: new Set(), before: 0 };
    const { which } = known.killed;
    for (const { role, index, restarts, exit, ...ended } of this.options.runtime.ended(metadata))
      if (ended.epoch === epoch && role === 'TaskManager' && exit?.outOfMemory === true)
        which.add(`${epoch}/${index}/${restarts}`);
    // An operator before this one saw more of them than are still on record.
    if (isNew && memory.run === run) known.killed.before = Math.max(0, memory.killsSeen - which.size);
    return known.killed.before + which.size;
  }

  private accept(
    job: FlowJob,
    known: Known,
    { decision, history }: DecideResult,
    withheld: string | null,
    now: number,
  ): Kept {
    const before = known.history!.kept;
    // What was not handed on was not done, so it is not remembered as if it had been. The bill may have been written while the look went on.
    const kept = withheld === null ? { ...history.kept, cost: before.cost } : before;
    known.history = { readings: history.readings, kept };
    known.lookAt = decision.lookAgainAt;
    const { action, reason } = decision;
    const counted = known.decisions.get(`${action} ${reason}`)?.count ?? 0;
    known.decisions.set(`${action} ${reason}`, { action, reason, count: counted + 1 });
    known.unknownSince = decision.reason === 'MetricsUnknown' ? (known.unknownSince ?? now) : null;
    const isNews = known.unknownSince === null || now - known.unknownSince >= TOLD_AFTER;
    const viewBefore = JSON.stringify(known.view);
    const applies = appliesIn(job);
    const last =
      known.view.applies === applies
        ? known.view
        : { decision: null, held: null, applies, measured: known.view.measured };
    const view = viewOf(job, decision, last, { handedOn: withheld === null, tellUnknown: isNews });
    known.view = { ...view, held: scheduleTrouble(job) ?? view.held };
    if (JSON.stringify(known.view) !== viewBefore) this.options.wake(job.metadata);
    return kept;
  }
}

function begin(job: FlowJob): Known {
  const { metadata, status } = job;
  return {
    history: null,
    looked: false,
    view: { decision: null, held: status?.autoscaling?.held ?? null, applies: appliesIn(job), measured: false },
    lookAt: 0,
    lookedAt: 0,
    generation: metadata.generation,
    unknownSince: null,
    running: null,
    killed: { run: '', which: new Set(), before: 0 },
    decisions: new Map(),
    askingSince: null,
    handedOnAt: null,
  };
}

/** A window that cannot be followed is passed over by decisions, which nobody would notice. */
function scheduleTrouble({ spec, status }: FlowJob): AutoscalerView['held'] {
  const trouble = windowTrouble(spec.autoscaling);
  if (trouble === null) return null;
  const isStopped =
    status?.state === 'Suspended' &&
    status.autoscaling?.stopped === 'Schedule' &&
    closedForGood(configOf(spec)) !== undefined;
  const then = isStopped ? 'The job, which was stopped by it, stays so until then.' : 'It is passed over.';
  return { reason: 'InvalidSchedule', message: `${trouble} ${then}` };
}

/** Whether it is stopped stands in status: a job that a decision stopped is woken by nobody else, whatever is remembered of it. */
function withStop({ status }: FlowJob, { history, view }: Known, now: number): History {
  const cause = status?.state === 'Suspended' ? status.autoscaling?.stopped : undefined;
  const isWoken = view.decision !== null && view.decision.stopped === undefined;
  if (cause === undefined || isWoken || history!.kept.stopped !== null) return history!;
  return { ...history!, kept: { ...history!.kept, stopped: { at: now, cause } } };
}
