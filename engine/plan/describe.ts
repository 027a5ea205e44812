// The plan as Flink's REST API shows it (JsonPlanGenerator): a node per vertex, with the tree of its operators as text.
import type { ExecPlan, ExecVertex } from './exec-plan.ts';

const SHIP_STRATEGY = { HASH: 'HASH', FORWARD: 'FORWARD', REBALANCE: 'REBALANCE', SINGLETON: 'REBALANCE' } as const;

export interface RestPlanNode {
  id: string;
  parallelism: number;
  operator: string;
  operator_strategy: string;
  description: string;
  inputs?: { num: number; id: string; ship_strategy: string; exchange: string }[];
  optimizer_properties: Record<string, never>;
}

export interface RestPlan {
  name: string;
  type: 'STREAMING' | 'BATCH';
  nodes: RestPlanNode[];
}

/** `/jobs/:jobid/plan` without the job's id. */
export function planToRest(plan: ExecPlan): RestPlan {
  return { name: plan.jobName, type: plan.mode, nodes: plan.vertices.map((vertex) => node(plan, vertex)) };
}

function node(plan: ExecPlan, vertex: ExecVertex): RestPlanNode {
  const inputs = plan.edges
    .filter((edge) => edge.targetVertex === vertex.id)
    .map((edge, num) => ({
      num,
      id: edge.sourceVertex,
      ship_strategy: SHIP_STRATEGY[edge.exchange.kind],
      exchange: edge.shuffle === 'PIPELINED' ? 'pipelined_bounded' : 'blocking',
    }));
  return {
    id: vertex.id,
    parallelism: vertex.parallelism,
    operator: '',
    operator_strategy: '',
    description: describeOperators(vertex),
    ...(inputs.length === 0 ? {} : { inputs }),
    optimizer_properties: {},
  };
}

/** One line per operator, indented by its depth in the chain. */
function describeOperators(vertex: ExecVertex): string {
  const depth = new Map<string, number>();
  return vertex.operators
    .map((operator) => {
      const level = operator.input === null ? 0 : (depth.get(operator.input) ?? 0) + 1;
      depth.set(operator.id, level);
      return `${level === 0 ? '' : `${'   '.repeat(level - 1)}+- `}${operator.name}<br/>`;
    })
    .join('');
}
