// Jobs of several shapes: what each vertex costs per record, and what stands in the way of doing it side by side.
import type { ShipStrategy } from '../../../src/autoscaler/model.ts';

export interface VertexShape {
  id: string;
  /** Records per second of one subtask that has a core to itself. */
  rate: number;
  /** Records out for each record in. */
  selectivity: number;
  inputs: { id: string; shipStrategy: ShipStrategy }[];
  /** Sources: the share of the job's load, and its partitions. */
  share?: number;
  partitions?: number;
  /** The share of records that carry the most frequent key. */
  hotShare?: number;
  /** Records per second that a system outside takes, whatever the parallelism. */
  externalLimit?: number;
}

export interface Shape {
  name: string;
  /** In topological order. */
  vertices: VertexShape[];
  slots: number;
}

export const KEY_GROUPS = 128;
const hash = (id: string) => ({ id, shipStrategy: 'HASH' as const });
const rebalance = (id: string) => ({ id, shipStrategy: 'REBALANCE' as const });
const forward = (id: string) => ({ id, shipStrategy: 'FORWARD' as const });

export const chain: Shape = {
  name: 'chain',
  slots: 1,
  vertices: [
    { id: 'source', rate: 4_000, selectivity: 1, inputs: [], share: 1, partitions: 48 },
    { id: 'map', rate: 1_500, selectivity: 0.8, inputs: [rebalance('source')] },
    { id: 'window', rate: 1_000, selectivity: 0.1, inputs: [hash('map')] },
    { id: 'sink', rate: 2_000, selectivity: 0, inputs: [rebalance('window')] },
  ],
};

export const fanOut: Shape = {
  name: 'fan-out',
  slots: 2,
  vertices: [
    { id: 'source', rate: 3_000, selectivity: 2, inputs: [], share: 1, partitions: 30 },
    { id: 'left', rate: 1_200, selectivity: 0, inputs: [hash('source')] },
    { id: 'right', rate: 2_500, selectivity: 1, inputs: [forward('source')] },
    { id: 'sink', rate: 2_500, selectivity: 0, inputs: [rebalance('right')] },
  ],
};

export const join: Shape = {
  name: 'join',
  slots: 2,
  vertices: [
    { id: 'orders', rate: 2_500, selectivity: 1, inputs: [], share: 0.75, partitions: 13 },
    { id: 'customers', rate: 2_500, selectivity: 1, inputs: [], share: 0.25, partitions: 7 },
    { id: 'join', rate: 900, selectivity: 0.7, inputs: [hash('orders'), hash('customers')] },
    { id: 'sink', rate: 1_800, selectivity: 0, inputs: [rebalance('join')] },
  ],
};

/** One key takes a fifth of all records: more than five subtasks bring nothing. */
export const skewed: Shape = {
  name: 'skewed keys',
  slots: 1,
  vertices: [
    { id: 'source', rate: 5_000, selectivity: 1, inputs: [], share: 1, partitions: 48 },
    { id: 'count', rate: 1_000, selectivity: 0.1, inputs: [hash('source')], hotShare: 0.2 },
    { id: 'sink', rate: 2_000, selectivity: 0, inputs: [rebalance('count')] },
  ],
};

export const oneSlow: Shape = {
  name: 'one slow vertex',
  slots: 4,
  vertices: [
    { id: 'source', rate: 8_000, selectivity: 1, inputs: [], share: 1, partitions: 16 },
    { id: 'lookup', rate: 250, selectivity: 1, inputs: [rebalance('source')] },
    { id: 'sink', rate: 6_000, selectivity: 0, inputs: [rebalance('lookup')] },
  ],
};

/** The sink writes into a database that takes 5000 records per second. */
export const external: Shape = {
  name: 'external limit',
  slots: 1,
  vertices: [
    { id: 'source', rate: 4_000, selectivity: 1, inputs: [], share: 1, partitions: 48 },
    { id: 'sink', rate: 1_000, selectivity: 0, inputs: [hash('source')], externalLimit: 5_000 },
  ],
};
