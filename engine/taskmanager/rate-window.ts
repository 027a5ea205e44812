// Rates of counters over the last seconds, from samples of their totals.

/** Rates are over so long (Flink: a minute), so that a change of load shows soon. */
const WINDOW_MS = 5_000;
/** What is over less than this tells nothing: until then there are no rates. */
const SHORTEST_MS = 1_000;

type Totals = Readonly<Record<string, number>>;

export class RateWindow {
  /** Oldest first; all but the first are younger than the window. */
  private readonly samples: { at: number; totals: Totals }[] = [];

  /**
   * Adds the totals as of `at`, in monotonic milliseconds. Returns what each has grown per second over the window, or over what there is of it; null while
   * that is too short. A counter that an older sample lacks began at 0.
   */
  add(at: number, totals: Totals): Record<string, number> | null {
    const { samples } = this;
    samples.push({ at, totals });
    while (samples.length > 2 && samples[1]!.at <= at - WINDOW_MS) samples.shift();
    const oldest = samples[0]!;
    const elapsed = at - oldest.at;
    if (elapsed < SHORTEST_MS) return null;
    return Object.fromEntries(
      Object.entries(totals).map(([name, total]) => [name, ((total - (oldest.totals[name] ?? 0)) * 1000) / elapsed]),
    );
  }
}
