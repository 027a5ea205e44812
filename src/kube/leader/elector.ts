// One leader among the replicas of a program, by a Lease, as client-go elects: whoever holds it renews it every 2 s; whoever does not watches it and takes it
// when it did not change for 15 s of its own monotonic clock (never by the times that stand in it). The leader writes for 10 s after it sent the last
// renewal that succeeded and not a moment longer. The 5 s between the two are for requests on their way and for clocks that run at different speeds.
import { isAlreadyExists, isConflict, isNotFound } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { Client } from '../rest/client.ts';
import { sleep, type Clock, type Random } from '../time.ts';
import { LeaseFence } from './fence.ts';
import { LEASES, heldBy, newLease, released, type Lease } from './lease.ts';

export interface ElectorOptions {
  /** Not a fenced one: the lease is what the fence stands on. */
  client: Pick<Client, 'find' | 'create' | 'replace'>;
  lease: { namespace: string; name: string };
  /** Of this process and no other one, not even of its predecessor in the same pod. */
  identity: string;
  clock: Clock;
  random: Random;
  leaseDurationMs?: number;
  renewDeadlineMs?: number;
  retryPeriodMs?: number;
  /** Each failure; the elector goes on by itself. */
  onTrouble: (error: unknown) => void;
  metrics?: Metrics | undefined;
}

export interface Leadership {
  /** For `client.fenced` and for whatever else writes. */
  fence: LeaseFence;
  /** Grows from leader to leader: for storage that can refuse the older one. */
  term: number;
}

export class LeaderElector {
  private readonly options: ElectorOptions;
  private readonly leaseDurationMs: number;
  private readonly renewDeadlineMs: number;
  private readonly retryPeriodMs: number;
  /** The lease as it was seen last, and when it was first seen like that. Monotonic. */
  private observed: { lease: Lease; at: number } | null = null;

  constructor(options: ElectorOptions) {
    this.options = options;
    this.leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (!(this.retryPeriodMs < this.renewDeadlineMs && this.renewDeadlineMs < this.leaseDurationMs))
      throw new Error('leader election: retryPeriodMs < renewDeadlineMs < leaseDurationMs must hold');
  }

  /**
   * Waits for the lease, calls `lead`, and keeps the lease until that has ended: it is to end soon after `stop` aborts, or the fence's signal. Then gives
   * the lease back, so that the next leader need not wait. Answers `lost` when somebody else may lead now: end the process.
   */
  async run(stop: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<'stopped' | 'lost'> {
    const { metrics, lease } = this.options;
    const fence = await this.acquire(stop);
    if (fence === null) return 'stopped';
    metrics?.leader?.(lease.name, true);
    const over = new AbortController();
    const renewing = this.renew(fence, over.signal);
    try {
      await lead({ fence, term: this.observed?.lease.spec?.leaseTransitions ?? 0 });
    } finally {
      over.abort();
      await renewing;
      metrics?.leader?.(lease.name, false);
      fence.end();
      if (!fence.signal.aborted) await this.release();
    }
    return fence.signal.aborted ? 'lost' : 'stopped';
  }

  private async acquire(stop: AbortSignal): Promise<LeaseFence | null> {
    const { clock, random, onTrouble } = this.options;
    while (!stop.aborted) {
      try {
        const until = await this.tryToTake(stop);
        if (until !== null) return new LeaseFence(clock, until);
      } catch (error) {
        if (!stop.aborted && !isConflict(error) && !isAlreadyExists(error)) onTrouble(error);
      }
      await sleep(clock, this.retryPeriodMs * (0.8 + 0.4 * random()), stop).catch(() => undefined);
    }
    return null;
  }

  /** Until when we may write; null when somebody else holds the lease. */
  private async tryToTake(signal: AbortSignal): Promise<number | null> {
    const { client, lease } = this.options;
    const call = { deadlineMs: this.renewDeadlineMs / 2, signal };
    const current = await client.find(LEASES, lease, call);
    if (current !== null) this.observe(current);
    // Also when the lease was deleted: its holder does not know yet and writes on.
    if (this.isHeldByOther()) return null;
    return this.write(current, call);
  }

  /** Renews until `over`, or until the fence says that it was too late. */
  private async renew(fence: LeaseFence, over: AbortSignal): Promise<void> {
    const { clock, onTrouble } = this.options;
    const signal = AbortSignal.any([over, fence.signal]);
    let soon = false;
    while (!signal.aborted) {
      if (!soon) await sleep(clock, this.retryPeriodMs, signal).catch(() => undefined);
      soon = false;
      if (signal.aborted) return;
      const call = { deadlineMs: Math.min(fence.remaining(), this.renewDeadlineMs / 2), signal };
      try {
        fence.extend(await this.write(this.observed?.lease ?? null, call));
      } catch (error) {
        if (signal.aborted) return;
        if (isConflict(error) || isNotFound(error) || isAlreadyExists(error)) soon = await this.lookAgain(fence, call);
        else onTrouble(error);
      }
    }
  }

  /** The lease is not as we left it: our own write whose answer was lost, an edit by hand, or a new holder. Answers whether to write again at once. */
  private async lookAgain(fence: LeaseFence, call: { deadlineMs: number; signal: AbortSignal }): Promise<boolean> {
    const { client, lease, identity, onTrouble } = this.options;
    try {
      const current = await client.find(LEASES, lease, call);
      const holder = current?.spec?.holderIdentity ?? '';
      if (current === null) this.observed = null;
      else if (holder !== identity) fence.lose(holder === '' ? 'its lease was taken from it' : `${holder} does`);
      else this.observe(current);
      return !fence.signal.aborted;
    } catch (error) {
      if (!call.signal.aborted) onTrouble(error);
      return false;
    }
  }

  /** Writes us into the lease. Answers until when that allows us to write: counted from before it was sent, as it may have been carried out right then. */
  private async write(current: Lease | null, call: { deadlineMs: number; signal: AbortSignal }): Promise<number> {
    const { client, lease, identity, clock } = this.options;
    const sentAt = clock.monotonic();
    const spec = heldBy(identity, current?.spec, clock.now(), this.leaseDurationMs);
    const written =
      current === null
        ? await client.create(LEASES, newLease(lease, spec), call)
        : await client.replace(LEASES, { ...current, spec }, call);
    this.observed = { lease: written, at: sentAt };
    return sentAt + this.renewDeadlineMs;
  }

  private async release(): Promise<void> {
    const { client, clock, onTrouble } = this.options;
    const held = this.observed?.lease;
    if (held?.spec === undefined) return;
    const spec = released(held.spec, clock.now());
    try {
      await client.replace(LEASES, { ...held, spec }, { deadlineMs: this.retryPeriodMs });
    } catch (error) {
      // Then the next leader waits until it expires.
      onTrouble(error);
    }
  }

  private observe(lease: Lease): void {
    if (this.observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.observed = { lease, at: this.options.clock.monotonic() };
  }

  private isHeldByOther(): boolean {
    const spec = this.observed?.lease.spec;
    const holder = spec?.holderIdentity ?? '';
    if (spec === undefined || holder === '' || holder === this.options.identity) return false;
    // The holder counts by its own setting, which stands in the lease.
    const duration = (spec.leaseDurationSeconds ?? 0) * 1000 || this.leaseDurationMs;
    return this.observed!.at + duration > this.options.clock.monotonic();
  }
}
