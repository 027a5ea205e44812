// One RPC connection: typed messages as msgpack frames. Sending never blocks; order is kept.
import { Packr } from 'msgpackr';
import { MAX_FRAME } from './framing.ts';
import type { FrameLink } from './network.ts';

export interface ConnectionHandlers<In> {
  message: (message: In) => void;
  /** Once, whatever the reason. */
  closed: (error: Error | null) => void;
}

export class Connection<Out, In> {
  private readonly link: FrameLink;
  private readonly packr = new Packr({ useRecords: false, moreTypes: false });

  constructor(link: FrameLink) {
    this.link = link;
  }

  start(handlers: ConnectionHandlers<In>): void {
    this.link.start({
      frame: (bytes) => handlers.message(this.packr.unpack(bytes) as In),
      closed: (error) => handlers.closed(error),
    });
  }

  /** Until then an accepted connection takes small frames only. */
  trust(): void {
    this.link.limit = MAX_FRAME;
  }

  send(message: Out): void {
    if (!this.link.closed) this.link.send([this.packr.pack(message)]);
  }

  close(error?: Error): void {
    this.link.close(error);
  }
}
