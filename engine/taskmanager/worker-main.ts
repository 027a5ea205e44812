// The thread of one slot: composition root.
import { parentPort, workerData } from 'node:worker_threads';
import { LocalCheckpointStorage } from '../checkpoint/local-storage.ts';
import { systemClock } from '../clock.ts';
import { connectors } from '../connectors/registry.ts';
import { withSecrets } from '../connectors/with-secrets.ts';
import { tcp } from '../rpc/tcp.ts';
import { ChannelHub } from '../shuffle/channel-hub.ts';
import { threadPort } from '../shuffle/thread-port.ts';
import { localTemporaryFiles } from '../storage/local-temporary-files.ts';
import type { FromSlot, SlotSetup, ToSlot } from './slot-messages.ts';
import { Slot } from './slot.ts';
import { watchThread } from './thread-memory.ts';

const setup = workerData as SlotSetup;
const port = parentPort!;
const send = (message: FromSlot): void => port.postMessage(message);

const hub = new ChannelHub({
  taskManagerId: setup.taskManagerId,
  slot: setup.slot,
  host: setup.bindHost,
  port: setup.dataPort,
  token: setup.token,
  network: tcp,
  temporaryFiles: localTemporaryFiles,
  ports: new Map(setup.ports.map(([to, other]) => [to, threadPort(other)])),
});
const slot = new Slot({
  hub,
  storage: new LocalCheckpointStorage(setup.stateDirectory),
  taskManagerId: setup.taskManagerId,
  temporaryDirectory: setup.temporaryDirectory,
  connectors: withSecrets(connectors, process.env),
  clock: systemClock,
  temporaryFiles: localTemporaryFiles,
  memory: watchThread(),
  send,
});
port.on('message', (message: ToSlot) => slot.receive(message));
send({ type: 'ready', port: await hub.listen() });
