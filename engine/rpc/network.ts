// The port to the network: connections that carry frames in order until they break. tcp.ts is the real one; a simulation can take its place.

/** One end of a connection. */
export interface FrameLink {
  /** Frames above this length are refused: the connection closes with an error. Accepted links begin with MAX_HANDSHAKE, opened ones with MAX_FRAME. */
  limit: number;
  readonly closed: boolean;
  /** Once, before anything can arrive. An error that `frame` throws closes the connection. */
  start(handlers: FrameHandlers): void;
  /** Sends `parts` as one frame. Never blocks; frames arrive in order; nothing happens when the link is closed. */
  send(parts: Uint8Array[]): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** At once; `error` is what the handlers are told. */
  close(error?: Error): void;
}

export interface FrameHandlers {
  /** The frame is the receiver's own and starts at offset 0 of its buffer, so that typed arrays can be laid over it. */
  frame(bytes: Uint8Array): void;
  /** Once, whatever the reason; null: closed from one of the ends. */
  closed(error: Error | null): void;
}

export interface Listener {
  port: number;
  /** Takes no more connections. Those that are open stay. */
  close(): void;
}

export interface Network {
  /** Port 0: any. */
  listen(host: string, port: number, accept: (link: FrameLink) => void): Promise<Listener>;
  /** Frames may be sent at once; that nobody answers is told by `closed`. */
  connect(host: string, port: number): FrameLink;
}
