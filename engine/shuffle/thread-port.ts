// The way to a slot on another thread of the process.
import type { MessagePort } from 'node:worker_threads';
import type { PortMessage, SlotPort } from './channel-hub.ts';

export function threadPort(port: MessagePort): SlotPort {
  return {
    post: (message) => port.postMessage(message, message.kind === 'data' ? [message.bytes.buffer as ArrayBuffer] : []),
    receive: (handler) => void port.on('message', (message: PortMessage) => handler(message)),
    close: () => port.close(),
  };
}
