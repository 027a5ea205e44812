// The groups of GROUP BY: a table, runs on disk once it has outgrown its share of memory, and as a stream perhaps a time to live.
import type { ColumnBatch } from '../columnar/batch.ts';
import { HASH_AT } from '../state/records.ts';
import type { GroupTable } from '../state/group-table.ts';
import { sectionSchema, type StateSchema } from '../state/schema.ts';
import { localSpillFiles } from '../state/spill/spill-files.ts';
import { SpilledGroups, type TableOfPart } from '../state/spill/spilled-groups.ts';
import type { Aggregation, Evaluated } from './aggregation.ts';
import type { Changelog } from './changelog.ts';
import type { OperatorContext } from './operator.ts';
