// Messages between a TaskManager's main thread and the threads that are its slots.
import type { MessagePort } from 'node:worker_threads';
import type { Metrics, TaskCommand, TaskDeployment, TaskMessage } from '../rpc/protocol.ts';

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
  | { type: 'metrics'; tasks: { execution: string; metrics: Metrics }[]; heapUsed: number; heapTotal: number }
  | { type: 'print'; lines: string };
