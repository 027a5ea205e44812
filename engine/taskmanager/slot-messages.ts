// Messages between a TaskManager's main thread and the threads that are its slots.
import type { MessagePort } from 'node:worker_threads';
import type { TaskCommand, TaskDeployment, TaskMessage, TaskReport } from '../rpc/protocol.ts';
import type { ThreadMemory } from './thread-memory.ts';

/** workerData of a slot's thread. */
export interface SlotSetup {
  taskManagerId: string;
  slot: number;
  /** To each other slot. */
  ports: [slot: number, port: MessagePort][];
  bindHost: string;
  dataPort: number;
  token: string | null;
  stateDirectory: string;
  /** Folder below which spill files go. */
  temporaryDirectory: string;
}

/** A slot as its TaskManager sees it. */
export interface SlotThread {
  post(message: ToSlot): void;
  /** Port of its data server. */
  dataPort: number;
}

export interface SlotHandlers {
  message: (slot: number, message: FromSlot) => void;
  /** A thread has died: out of memory, or a defect. */
  died: (slot: number, error: unknown) => void;
}

export type ToSlot = { type: 'deploy'; task: TaskDeployment } | TaskCommand | { type: 'collectMetrics' };

export type FromSlot =
  | { type: 'ready'; port: number }
  | { type: 'report'; message: TaskMessage }
  /** `stateBytes`: what the state of the slot's operators takes in memory. */
  | { type: 'metrics'; tasks: TaskReport[]; stateBytes: number; memory: ThreadMemory }
  | { type: 'print'; lines: string };
