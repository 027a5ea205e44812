// What the kernel tells of itself while it works. Every method is optional; names and labels of the metrics are the business of who implements it.

export interface KubeMetrics {
  /** One HTTP exchange; `status` is `<error>` when no answer came. Seconds until its head was there. */
  request(call: { method: string; resource: string; status: string; seconds: number }): void;
  /** A whole list, all of its pages. */
  listed(resource: string, items: number, seconds: number): void;
  /** A watch ended: `timeout` in order, else the code of the error. */
  watchEnded(resource: string, cause: string): void;
  queueDepth(queue: string, depth: number): void;
  queueAdded(queue: string): void;
  /** Seconds between add and start of work. */
  queueWaited(queue: string, seconds: number): void;
  queueWorked(queue: string, seconds: number): void;
  queueRetried(queue: string): void;
  /** `terminal` errors count as errors too. */
  reconciled(controller: string, result: 'success' | 'requeue_after' | 'error' | 'terminal', seconds: number): void;
  activeWorkers(controller: string, workers: number): void;
  leader(lease: string, leads: boolean): void;
  eventDropped(cause: string): void;
}

export type Metrics = Partial<KubeMetrics>;
