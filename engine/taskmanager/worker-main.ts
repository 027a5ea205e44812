// The thread of one slot: composition root.
import { parentPort, workerData } from 'node:worker_threads';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { ChannelHub } from '../shuffle/channel-hub.ts';
import type { FromSlot, SlotSetup, ToSlot } from './slot-messages.ts';
import { Slot } from './slot.ts';

const setup = workerData as SlotSetup;
const port = parentPort!;
const send = (message: FromSlot): void => port.postMessage(message);

const hub = new ChannelHub({
  taskManagerId: setup.taskManagerId,
  slot: setup.slot,
  host: setup.bindHost,
  port: setup.dataPort,
  token: setup.token,
  ports: new Map(setup.ports),
});
const slot = new Slot({
  hub,
  storage: new LocalCheckpointStorage(setup.stateDirectory),
  taskManagerId: setup.taskManagerId,
  temporaryDirectory: setup.temporaryDirectory,
  now: () => Date.now(),
  monotonic: () => performance.now(),
  send,
});
port.on('message', (message: ToSlot) => slot.receive(message));
send({ type: 'ready', port: await hub.listen() });
