// Reads manifests: files, folders and standard input; several documents in one file; errors say file, line and column.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { InvalidObjectError } from '../api/admission.ts';
import { CommandError, type CliContext } from './context.ts';
import type { AnyManifest, Place } from './place.ts';

export interface LoadedManifest {
  /** `jobs.yaml`, or `jobs.yaml (document 2)` where it has several. */
  source: string;
  manifest: AnyManifest;
}

const MANIFEST_FILE = /\.(ya?ml|json)$/;

/** All manifests of all paths, or all that is wrong with them: then nothing is to be done. `-` is standard input. `recognize` refuses what has no place. */
export async function loadManifests(
  context: CliContext,
  paths: readonly string[],
  recognize: Place['recognize'],
): Promise<{ manifests: LoadedManifest[]; errors: string[] }> {
  const manifests: LoadedManifest[] = [];
  const errors: string[] = [];
  for (const path of paths) {
    const files = path === '-' ? ['-'] : filesAt(context, path);
    for (const file of files) {
      const text = file === '-' ? await context.readInput() : readFileSync(absolute(context, file), 'utf8');
      parseInto(file === '-' ? 'standard input' : file, text, recognize, manifests, errors);
    }
  }
  if (manifests.length === 0 && errors.length === 0) errors.push(`${paths.join(', ')}: no manifest in it`);
  return { manifests, errors };
}

function filesAt(context: CliContext, path: string): string[] {
  let directory: boolean;
  try {
    directory = statSync(absolute(context, path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new CommandError(`${path}: there is no such file or folder`);
    throw error;
  }
  if (!directory) return [path];
  return readdirSync(absolute(context, path))
    .filter((name) => MANIFEST_FILE.test(name))
    .sort()
    .map((name) => join(path, name));
}

export function absolute(context: CliContext, path: string): string {
  return isAbsolute(path) ? path : join(context.cwd, path);
}

function parseInto(
  file: string,
  text: string,
  recognize: Place['recognize'],
  manifests: LoadedManifest[],
  errors: string[],
): void {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  // An empty file parses to something without documents.
  if (!Array.isArray(documents)) return;
  documents.forEach((document, index) => {
    const source = documents.length > 1 ? `${file} (document ${index + 1})` : file;
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lineCounter.linePos(problem.pos[0]);
      errors.push(`${file}:${line}:${col}: not YAML: ${problem.message}`);
      return;
    }
    const value: unknown = document.toJS();
    if (value === null) return;
    for (const item of itemsOf(value))
      try {
        recognize(item);
        manifests.push({ source, manifest: item as AnyManifest });
      } catch (error) {
        if (!(error instanceof InvalidObjectError)) throw error;
        errors.push(`${source}: ${error.message}`);
      }
  });
}

/** A List, as `get -o yaml` writes it, stands for what is in it. */
function itemsOf(value: unknown): unknown[] {
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return kind === 'List' && Array.isArray(items) ? items : [value];
}
