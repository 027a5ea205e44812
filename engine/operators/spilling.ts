// What the aggregations have in common where their state goes to disk: its share of memory, its files, the form of its pages.
import { sectionSchema, type StateSchema } from '../state/schema.ts';
import { spillFilesIn } from '../state/spill/spill-files.ts';
import { SpilledGroups } from '../state/spill/spilled-groups.ts';
import type { Aggregation } from './aggregation.ts';
import type { OperatorContext } from './operator.ts';

/** Bytes that a page aims at: small, since a key that is looked up costs a page; not so small that the index of many pages fills the memory. */
const PAGE_BYTES = 1 << 14;

/** Bytes for tables in memory, of an operator's budget: all, and once there are runs three quarters; the rest is for what is read of runs. */
export function tableShare(budget: number, spilled: boolean): number {
  return spilled ? (budget / 4) * 3 : budget;
}

/** `deadline`: groups that were last updated then or before are gone; null when none ever is. */
export function createSpilledGroups(
  aggregation: Aggregation,
  context: OperatorContext,
  schema: StateSchema,
  deadline: (() => number) | null,
): SpilledGroups {
  return new SpilledGroups({
    form: { schema: sectionSchema(schema), pageBytes: PAGE_BYTES },
    windows: schema.kind === 'WINDOWS',
    merging: aggregation.merging(context.mode),
    createFile: spillFilesIn(context.temporaryFiles, context.spillDirectory, aggregation.operatorId),
    budget: context.stateBudget / 4,
    deadline,
    now: context.now,
  });
}
