#!/usr/bin/env node
// Entry of `flowjob` and `kubectl-flowjob`: joins the command line to this process.
import { basename, dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { queryIntoFiles } from '../engine-client/query-into-files.ts';
import { validateSql } from '../engine-client/validate-sql.ts';
import { findNode } from './find-node.ts';
import { runCli } from './program.ts';

// The other programs stand beside this one, bundled or as source.
const here = fileURLToPath(import.meta.url);
const programs = here.endsWith('.ts')
  ? { operatorFile: resolve(dirname(here), '../main.ts'), engineFile: resolve(dirname(here), '../../engine/main.ts') }
  : { operatorFile: join(dirname(here), 'operator.js'), engineFile: join(dirname(here), 'engine.js') };

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // Twice: the user does not want to wait for a clean end.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  });
// `flowjob get -w | head` closes the pipe, a terminal may go: nobody reads on, which is no error. `run` has processes to stop before it ends.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    interrupt.abort();
  });

process.exitCode = await runCli(
  {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    env: process.env,
    cwd: process.cwd(),
    // kubectl runs the program of that name; the link keeps it.
    asPlugin: /^kubectl[-_]flowjob/.test(basename(process.argv[1] ?? '')),
    now: () => new Date(),
    interrupted: interrupt.signal,
    readInput: () => text(process.stdin),
    validateSql,
    queryIntoFiles,
    programs: { node: () => findNode(here), ...programs },
  },
  process.argv.slice(2),
);
