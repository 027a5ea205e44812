// Starts the threads of a TaskManager's slots, each joined to every other by a port.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { FromSlot, SlotHandlers, SlotSetup, SlotThread } from './slot-messages.ts';

export interface SlotThreadOptions extends SlotHandlers {
  slots: number;
  /** What all slots have in common. */
  setup: Omit<SlotSetup, 'slot' | 'ports' | 'dataPort'>;
  /** Of slot 0; the others take the next ones. 0: any. */
  dataPort: number;
  /** V8 heap of one thread in MiB. */
  heapMiB: number;
}

/** The worker's file: `worker.js` beside the bundle, or the source beside this one. */
function workerFile(): URL {
  const bundled = new URL('./worker.js', import.meta.url);
  return existsSync(fileURLToPath(bundled)) ? bundled : new URL('./worker-main.ts', import.meta.url);
}

/** Resolves when all slots listen. */
export async function startSlots(options: SlotThreadOptions): Promise<SlotThread[]> {
  const ports: [number, MessagePort][][] = Array.from({ length: options.slots }, () => []);
  for (let a = 0; a < options.slots; a++)
    for (let b = a + 1; b < options.slots; b++) {
      const { port1, port2 } = new MessageChannel();
      ports[a]!.push([b, port1]);
      ports[b]!.push([a, port2]);
    }
  return Promise.all(ports.map(async (own, slot) => startSlot(slot, own, options)));
}

async function startSlot(
  slot: number,
  ports: [number, MessagePort][],
  options: SlotThreadOptions,
): Promise<SlotThread> {
  const dataPort = options.dataPort === 0 ? 0 : options.dataPort + slot;
  const workerData: SlotSetup = { ...options.setup, slot, ports, dataPort };
  const worker = new Worker(workerFile(), {
    workerData,
    transferList: ports.map(([, port]) => port),
    resourceLimits: { maxOldGenerationSizeMb: options.heapMiB },
    name: `slot-${slot}`,
  });
  return new Promise((resolve, reject) => {
    const thread: SlotThread = { post: (message) => worker.postMessage(message), dataPort: 0 };
    worker.on('error', (error: Error) => {
      reject(error);
      options.died(slot, error);
    });
    worker.on('exit', (code) => options.died(slot, new Error(`thread of slot ${slot} ended with code ${code}`)));
    worker.on('message', (message: FromSlot) => {
      if (message.type === 'ready') {
        thread.dataPort = message.port;
        resolve(thread);
      } else options.message(slot, message);
    });
  });
}
