// The jobs that both engines are given, from jobs/*.sql: `-- name: what it is about`, what is special, then the script. A script stands behind the tables of
// tables.sql that it names. `{from FILE}` is the connector of an input (`{from FILE as FORMAT}` where its ending does not tell), `{to NAME.FORMAT}` that of a sink,
// FORMAT `print` included. Special are, each on a line:
//   -- only STREAMING                        (or BATCH) the job means nothing in the other mode
//   -- refused: CODE                         by the embedded engine alone, which has no such thing
//   -- fails: CODE                           with both engines; the code is the embedded engine's
//   -- differs: what both engines do and why
// The last three may be said of one mode: `-- refused in BATCH: CODE`. Of what nothing is said both engines have the same results.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Mode } from './embedded-job.ts';
import { digestWithInputs } from './job-inputs.ts';

export interface Job {
  /** Of the file it stands in. */
  topic: string;
  name: string;
  title: string;
  modes: Mode[];
  /** Absent: both engines have the same results. */
  expected: Partial<Record<Mode, Deviation>>;
  /** With placeholders. */
  script: string;
  /** Changes when its script or one of its inputs does. */
  digest: string;
}

export type Deviation = { kind: 'refused' | 'fails' | 'differs'; text: string };

const FOLDER = 'test/conformance/jobs';
const TABLES = 'tables.sql';
const MODES: Mode[] = ['STREAMING', 'BATCH'];

/** In the order of the files and of the text. */
export function readJobs(root: string): Job[] {
  const read = (file: string): string => readFileSync(join(root, FOLDER, file), 'utf8');
  const tables = statementsOf(read(TABLES).replaceAll(/^--.*\n/gm, ''));
  const files = readdirSync(join(root, FOLDER)).sort();
  return files.filter((file) => file !== TABLES).flatMap((file) => jobsOf(basename(file, '.sql'), read(file), tables));
}

function jobsOf(topic: string, text: string, tables: string[]): Job[] {
  const parts = text.split(/^-- (?!(?:refused|fails|differs):)([a-z0-9-]+): (.+)\n/m).slice(1);
  return Array.from({ length: parts.length / 3 }, (_, i): Job => {
    const [name, title, body] = parts.slice(3 * i) as [string, string, string];
    const only = /^-- only (STREAMING|BATCH)$/m.exec(body)?.[1];
    const own = body.replaceAll(/^--.*\n/gm, '').trim();
    const named = tables.filter((table) => new RegExp(`\\b${/^CREATE \w+ (\w+)/.exec(table)![1]}\\b`).test(own));
    const script = [...named, own, ''].join('\n');
    const modes = MODES.filter((mode) => only === undefined || mode === only);
    return { topic, name, title, modes, expected: expectedOf(body, modes), script, digest: digestWithInputs(script) };
  });
}

function expectedOf(body: string, modes: Mode[]): Job['expected'] {
  const expected: Job['expected'] = {};
  for (const [, kind, only, text] of body.matchAll(/^-- (refused|fails|differs)(?: in (STREAMING|BATCH))?: (.+)$/gm))
    for (const mode of modes)
      if (only === undefined || only === mode) expected[mode] = { kind: kind as Deviation['kind'], text: text! };
  return expected;
}

/** As Flink takes them one by one. A statement ends with a semicolon at the end of a line; EXECUTE STATEMENT SET, with its END. */
export function statementsOf(script: string): string[] {
  return script
    .split(/(?<=;)\n+(?!\s|END)/)
    .flatMap((statement) => (statement.startsWith('BEGIN') ? statement.split(/(?<=;)\n/) : [statement]))
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

export interface Sink {
  name: string;
  format: string;
}

/** In the order of the text. */
export function sinksOf(script: string): Sink[] {
  return [...script.matchAll(/\{to (\w+)\.(\w+)\}/g)].map(([, name, format]) => ({ name: name!, format: format! }));
}

/** The script with its places: the folders of inputs and of its own output. `id` begins the lines of its print sinks. */
export function placed(script: string, inputs: string, output: string, id: string): string {
  const files = (path: string, format: string): string =>
    `'connector' = 'filesystem', 'path' = '${path}', 'format' = '${format}'`;
  return script
    .replaceAll(/\{from (\w+\.(\w+))(?: as ([\w-]+))?\}/g, (_, file: string, ending: string, format?: string) =>
      files(join(inputs, file), format ?? ending),
    )
    .replaceAll(/\{to (\w+)\.(\w+)\}/g, (_, name: string, format: string) =>
      format === 'print'
        ? `'connector' = 'print', 'print-identifier' = '${printIdentifier(id, name)}'`
        : files(join(output, name), format),
    );
}

export const printIdentifier = (id: string, sink: string): string => `${id}/${sink}`;
