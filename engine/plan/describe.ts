// The plan as Flink's REST API gives it at /jobs/:id/plan (JsonPlanGenerator).
import type { ExecPlan, ExecVertex, OperatorSpec } from './exec-plan.ts';
import { describedName, numberOperators, readersOf, readsShuffled } from './operator-names.ts';

export interface RestPlanInput {
  num: number;
  /** Vertex that it comes from. */
  id: string;
  ship_strategy: string;
  exchange: string;
}

export interface RestPlanNode {
  id: string;
  parallelism: number;
  operator: string;
  operator_strategy: string;
  /** The operators as a tree, one a line, lines ending with `<br/>`. */
  description: string;
  inputs?: RestPlanInput[];
  optimizer_properties: Record<string, never>;
}

/** What stands in `plan`, but for `jid`, which the plan does not know. */
export interface RestPlan {
  name: string;
  type: 'STREAMING' | 'BATCH';
  nodes: RestPlanNode[];
}

const SHIP = { HASH: 'HASH', FORWARD: 'FORWARD', REBALANCE: 'REBALANCE', SINGLETON: 'GLOBAL' } as const;

export function planToRest(plan: ExecPlan): RestPlan {
  const { vertices, edges } = plan;
  const inputsOf = (vertex: ExecVertex): ExecPlan['edges'] => edges.filter((edge) => edge.targetVertex === vertex.id);
  const numbers = numberOperators(vertices, (i) => readsShuffled(plan, vertices[i]!.id));
  const nodes = vertices.map((vertex): RestPlanNode => {
    const inputs = inputsOf(vertex).map((edge, num): RestPlanInput => ({
      num,
      id: edge.sourceVertex,
      ship_strategy: SHIP[edge.exchange.kind],
      exchange: edge.shuffle === 'BLOCKING' ? 'blocking' : 'pipelined_bounded',
    }));
    return {
      id: vertex.id,
      parallelism: vertex.parallelism,
      operator: '',
      operator_strategy: '',
      description: describe(vertex, numbers),
      ...(inputs.length === 0 ? {} : { inputs }),
      optimizer_properties: {},
    };
  });
  return { name: plan.jobName, type: plan.mode, nodes };
}

function describe(vertex: ExecVertex, numbers: ReadonlyMap<string, number>): string {
  const lines: string[] = [];
  /** `lead`: before the operator's name; `under`: before those of its readers. */
  const add = (operator: OperatorSpec, lead: string, under: string): void => {
    lines.push(lead + describedName(operator, numbers.get(operator.id)!));
    const readers = readersOf(vertex, operator.id);
    readers.forEach((reader, i) => {
      const last = i === readers.length - 1;
      add(reader, under + (last ? '+- ' : ':- '), under + (last ? '   ' : ':  '));
    });
  };
  for (const head of readersOf(vertex, null)) add(head, '', '');
  return lines.map((line) => `${escape(line)}<br/>`).join('');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\\', '&#92;');
}
