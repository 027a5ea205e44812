// One process of an attempt: put on record before it is started, known again by an operator that comes later, never taken for another one.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { isAlive, startTimeOf, type ProcessIdentity } from '../../store/local/process-identity.ts';
import { readUndamaged, removeIfThere, writeAtomically } from '../../store/local/files.ts';
import { findByArguments } from './process-table.ts';

export interface ProcessRecord {
  role: 'JobManager' | 'TaskManager';
  index: number;
  /** Arguments that no other process has: how it is found when the operator died between starting it and noting its pid. */
  marks: string[];
  /** Absent: about to be started. */
  identity?: ProcessIdentity;
  restarts: number;
  /** Its end was asked for, by the operator or by `flowjob local down`. */
  stopAsked: boolean;
  exit: { at: number; asked: boolean; reason: string } | null;
}

export interface CommandLine {
  command: string;
  args: string[];
  logFile: string;
  env: NodeJS.ProcessEnv;
}

/** Milliseconds between asking a process to end and ending it. */
const GRACE = 3_000;

export class ManagedProcess {
  private readonly file: string;
  private readonly changed: () => void;
  private readonly now: () => number;
  private child: ChildProcess | undefined;
  private killTimer: NodeJS.Timeout | undefined;
  record: ProcessRecord;

  private constructor(file: string, record: ProcessRecord, hooks: { changed: () => void; now: () => number }) {
    this.file = file;
    this.record = record;
    this.changed = hooks.changed;
    this.now = hooks.now;
  }

  /**
   * Takes up what an earlier operator left. Null when the record says "about to start" and no such process exists: then it never ran. `known` takes the
   * place of a record that a crash of the machine damaged; its process is looked for all the same.
   */
  static adopt(
    file: string,
    known: Pick<ProcessRecord, 'role' | 'index' | 'marks'>,
    hooks: { changed: () => void; now: () => number },
  ): ManagedProcess | null {
    const record = readUndamaged(file) as ProcessRecord | null;
    const adopted = new ManagedProcess(file, record ?? { ...known, restarts: 0, stopAsked: false, exit: null }, hooks);
    if (record?.identity !== undefined) return adopted;
    const found = findByArguments(adopted.record.marks)[0];
    if (found === undefined) {
      removeIfThere(file);
      return null;
    }
    adopted.write({ ...adopted.record, identity: found });
    return adopted;
  }

  /** Intent on record, then the process, then its identity. Throws when the command cannot be started at all. */
  static start(
    file: string,
    record: Pick<ProcessRecord, 'role' | 'index' | 'marks' | 'restarts'>,
    line: CommandLine,
    hooks: { changed: () => void; now: () => number },
  ): ManagedProcess {
    const started = new ManagedProcess(file, { ...record, stopAsked: false, exit: null }, hooks);
    started.write(started.record);
    const log = openSync(line.logFile, 'a');
    try {
      const child = spawn(line.command, line.args, { detached: true, stdio: ['ignore', log, log], env: line.env });
      child.unref();
      child.once('error', (error) => started.ended(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) =>
        started.ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
      if (child.pid === undefined) return started;
      started.child = child;
      started.write({
        ...started.record,
        identity: { pid: child.pid, startTime: startTimeOf(child.pid) ?? 'gone' },
      });
    } finally {
      closeSync(log);
    }
    return started;
  }

  /** Looks whether it still runs. Cheap: one file of /proc. */
  runs(): boolean {
    const { identity, exit } = this.record;
    if (exit !== null || identity === undefined) return false;
    // Our own children tell us of their end, with the reason.
    if (this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null) return true;
    if (this.child === undefined && isAlive(identity)) return true;
    if (this.child === undefined) this.ended('ended; how is not known, as an earlier operator had started it');
    return false;
  }

  /** Takes the record away of one that has ended. */
  forget(): void {
    removeIfThere(this.file);
  }

  /** Asks it to end; after a grace, or at once, ends it. */
  stop(graceful: boolean): void {
    if (!this.runs()) return;
    if (!this.record.stopAsked) this.write({ ...this.record, stopAsked: true });
    if (!graceful) return this.kill('SIGKILL');
    if (this.killTimer !== undefined) return;
    this.kill('SIGTERM');
    this.killTimer = setTimeout(() => this.kill('SIGKILL'), GRACE);
    this.killTimer.unref();
  }

  /** No longer ours to watch: the next operator finds it by its record. */
  letGo(): void {
    clearTimeout(this.killTimer);
    this.child?.removeAllListeners();
    this.child = undefined;
  }

  private kill(signal: NodeJS.Signals): void {
    const { identity } = this.record;
    if (identity === undefined || !isAlive(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  private ended(how: string): void {
    clearTimeout(this.killTimer);
    if (this.record.exit !== null) return;
    const who = this.record.role === 'JobManager' ? 'The JobManager' : `TaskManager ${this.record.index}`;
    this.write({
      ...this.record,
      exit: { at: this.now(), asked: this.record.stopAsked, reason: `${who} ${how}.` },
    });
    this.changed();
  }

  private write(record: ProcessRecord): void {
    this.record = record;
    writeAtomically(this.file, JSON.stringify(record), false);
  }
}
