// Arithmetic on metrics as Flink's REST API shows it: aggregates over subtasks, and summaries with percentiles.

export type MetricAggregation = 'min' | 'max' | 'avg' | 'sum' | 'skew';

export interface AggregatedMetric {
  id: string;
  min?: number | 'NaN';
  max?: number | 'NaN';
  avg?: number | 'NaN';
  sum?: number | 'NaN';
  skew?: number | 'NaN';
}

/** JSON has no NaN: Flink writes it in quotes. */
export function jsonNumber(value: number): number | 'NaN' {
  return Number.isNaN(value) ? 'NaN' : value;
}

const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 63n - 1n;

/**
 * A metric's value as text: whole numbers with all their digits. The first and the last of all times, which watermarks have before and after all data, are
 * Java's: tools know them by their value.
 */
export function metricText(value: number | string): string {
  if (typeof value !== 'number' || !Number.isInteger(value)) return String(value);
  if (value <= Number.MIN_SAFE_INTEGER) return LOWEST.toString();
  return (value >= Number.MAX_SAFE_INTEGER ? HIGHEST : BigInt(value)).toString();
}

/** Flink's AggregatedMetric; skew is the mean absolute deviation in percent of the mean (MetricStore, FLINK-33771). */
export function aggregateMetric(id: string, values: number[], wanted: MetricAggregation[]): AggregatedMetric {
  const sum = values.reduce((total, value) => total + value, 0);
  const avg = sum / values.length;
  const deviation = values.reduce((total, value) => total + Math.abs(value - avg), 0) / values.length;
  const all = {
    min: Math.min(...values),
    max: Math.max(...values),
    avg,
    sum,
    skew: avg === 0 ? 0 : (deviation / Math.abs(avg)) * 100,
  };
  return { id, ...Object.fromEntries(wanted.map((name) => [name, jsonNumber(all[name])])) };
}

/** The percentile by linear interpolation between the closest ranks (n + 1 basis, as commons-math and so Flink). */
function percentile(sorted: number[], p: number): number {
  if (sorted.length === 0) return 0;
  const position = p * (sorted.length + 1);
  if (position < 1) return sorted[0]!;
  if (position >= sorted.length) return sorted[sorted.length - 1]!;
  const lower = sorted[Math.floor(position) - 1]!;
  return lower + (position - Math.floor(position)) * (sorted[Math.floor(position)]! - lower);
}

/** Of checkpoints: `{min, max, avg, p50, ...}`. All 0 when there is nothing. */
export function statistics(values: number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const sum = sorted.reduce((total, value) => total + value, 0);
  return {
    min: sorted[0] ?? 0,
    max: sorted[sorted.length - 1] ?? 0,
    avg: sorted.length === 0 ? 0 : Math.floor(sum / sorted.length),
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
  };
}

/** Of subtasks in a vertex: whole numbers (Flink's StatsSummary there). */
export function subtaskStatistics(values: number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const sum = sorted.reduce((total, value) => total + value, 0);
  const at = (p: number): number => Math.floor(percentile(sorted, p));
  return {
    min: sorted[0] ?? 0,
    max: sorted[sorted.length - 1] ?? 0,
    avg: sorted.length === 0 ? 0 : Math.floor(sum / sorted.length),
    sum,
    median: at(0.5),
    p25: at(0.25),
    p75: at(0.75),
    p95: at(0.95),
  };
}
