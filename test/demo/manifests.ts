// The demo's FlowJobs are the examples, with their output put into the demo's own folder; the changes to them are made here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

export interface DemoManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { mode: string; job: { sql: { inline: string } } } & Record<string, unknown>;
}

/** Reads an example; tables that it writes to `.flowjob/out` go to `out` instead. */
export function loadExample(file: string, out: string): DemoManifest {
  const manifest = parse(readFileSync(join('examples', file), 'utf8')) as DemoManifest;
  return withSql(manifest, (sql) => sql.replaceAll('.flowjob/out', out));
}

export function withSql(manifest: DemoManifest, change: (sql: string) => string): DemoManifest {
  const inline = change(manifest.spec.job.sql.inline);
  return { ...manifest, spec: { ...manifest.spec, job: { ...manifest.spec.job, sql: { inline } } } };
}

/** The upgrade: the mean beside count and total. State that sums hold (their count) answers it. */
export function withMeanDelay(manifest: DemoManifest): DemoManifest {
  return withSql(manifest, (sql) =>
    replaceOnce(
      replaceOnce(sql, 'total_delay BIGINT', 'total_delay BIGINT, mean_delay DOUBLE'),
      'COUNT(*), SUM(delay)',
      'COUNT(*), SUM(delay), CAST(SUM(delay) AS DOUBLE) / COUNT(delay)',
    ),
  );
}

/** The stream at another pace: at the example's own, people have the time to do something to it. */
export function atRate(manifest: DemoManifest, rowsPerSecond: number): DemoManifest {
  return withSql(manifest, (sql) => replaceOnce(sql, /'replay\.rate' = '\d+'/, `'replay.rate' = '${rowsPerSecond}'`));
}

/** The same windows as a batch over the whole file: what the stream must have written in the end. */
export function asBatch(manifest: DemoManifest, name: string, out: { from: string; to: string }): DemoManifest {
  const batch = withSql(manifest, (sql) =>
    replaceOnce(sql.replaceAll(out.from, out.to), /,\s*'replay\.rate' = '\d+'/, ''),
  );
  const { taskManager, job } = batch.spec;
  return { ...batch, metadata: { name }, spec: { mode: 'Batch', job, taskManager } };
}

export function toYaml(manifest: DemoManifest): string {
  return stringify(manifest, { lineWidth: 0 });
}

/** An example that no longer has the text is an error: a demo must not quietly show something else. */
function replaceOnce(text: string, what: string | RegExp, by: string): string {
  const changed = text.replace(what, by);
  if (changed === text) throw new Error(`the example no longer contains ${String(what)}`);
  return changed;
}
